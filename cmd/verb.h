/*
 * The program's verbs and options, each a row of a table: parsing, --help and the manual speak from the same rows.
 *
 * One verb, one file. A verb gets options that are parsed and checked, works in an arena, and returns the exit code.
 */
#ifndef BERTH_VERB_H
#define BERTH_VERB_H

#include "state/config.h"
#include "state/error.h"
#include "state/git.h"

#include <stdbool.h>

/* The first that applies (spec section 7). */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_INVALID = 1,          /* invalid input or usage */
	EXIT_CHANGES = 2,          /* with --exit-code: moves or drift exist */
	EXIT_INCOMPLETE = 3,       /* something is blocked, unknown, in conflict, to be decided, or waits */
	EXIT_MIGRATION_FAILED = 4, /* in this run */
	EXIT_UNREADABLE = 5,       /* the repository cannot be read, or not one host answered */
};

enum output { OUTPUT_TEXT, OUTPUT_JSON };

struct options {
	const char *repo;
	const char *branch;
	const char *revision;
	const char *path;
	const char *desired;
	const char *inventory;
	const char *config;
	const char *state;
	const char *output; /* the word; checked when it is parsed */
	const char *effort;
	const char *plan;
	const char *drain;
	const char *vm;
	const char *min_gain;
	const char *moves;
	const char *reason;
	const char *keep;
	const char *fenced;
	bool balance;
	bool keep_pins;
	bool yes;
	bool exit_code;
	bool watch;
	bool help;
	const char *operand; /* NULL: none */
};

/* What the options and the configuration file come to. */
struct setting {
	struct options options;
	struct config config;
	enum output output;
	unsigned int effort;
	bool colour;          /* of standard output */
	unsigned int columns; /* of the terminal; 80 where there is none */
};

/* Which options a verb takes: groups of rows in options.c. */
enum {
	TAKES_REPOSITORY = 1 << 0, /* --repo, --branch, --rev, --path, --config, --state */
	TAKES_DESIRED = 1 << 1,    /* --desired */
	TAKES_INVENTORY = 1 << 2,
	TAKES_OUTPUT = 1 << 3,
	TAKES_EXIT_CODE = 1 << 4,
	TAKES_EFFORT = 1 << 5,
	TAKES_APPROVAL = 1 << 6, /* --plan */
	TAKES_WATCH = 1 << 7,
	TAKES_REASON = 1 << 9,
	TAKES_YES = 1 << 10,
	TAKES_DECISION = 1 << 11, /* --keep, --fenced */
	TAKES_PROPOSAL = 1 << 8,  /* --balance, --drain, --vm, --min-gain, --keep-pins */
};

struct verb {
	const char *name;
	const char *operand; /* "[PATH]"; NULL: takes none */
	const char *summary; /* one line, at most 60 characters */
	unsigned int takes;
	enum exit_code (*run)(struct arena *arena, const struct setting *setting);
};

extern const struct verb VERBS[];
extern const size_t VERB_COUNT;

enum exit_code verb_check(struct arena *arena, const struct setting *setting);
enum exit_code verb_plan(struct arena *arena, const struct setting *setting);
enum exit_code verb_propose(struct arena *arena, const struct setting *setting);
enum exit_code verb_apply(struct arena *arena, const struct setting *setting);
enum exit_code verb_approve(struct arena *arena, const struct setting *setting);
enum exit_code verb_run(struct arena *arena, const struct setting *setting);
enum exit_code verb_cancel(struct arena *arena, const struct setting *setting);
enum exit_code verb_hold(struct arena *arena, const struct setting *setting);
enum exit_code verb_resolve(struct arena *arena, const struct setting *setting);
enum exit_code verb_release(struct arena *arena, const struct setting *setting);
enum exit_code verb_trigger(struct arena *arena, const struct setting *setting);
enum exit_code verb_status(struct arena *arena, const struct setting *setting);
enum exit_code verb_inventory(struct arena *arena, const struct setting *setting);

/* options.c. false: an error has been printed, or --help has (ret_helped). */
bool options_parse(int argc, char **argv, const struct verb *verb, struct options *ret_options);
void options_help(const struct verb *verb);
void options_usage(void);

/* A line on standard error: "berth: …". */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
