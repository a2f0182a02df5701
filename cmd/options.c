#include "cmd/verb.h"

#include "state/arena.h"
#include "state/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct option_row {
	const char *name;     /* without its dashes */
	char letter;          /* 0: none */
	const char *argument; /* NULL: a switch */
	const char *help;
	unsigned int group;
	size_t offset; /* in struct options */
};

#define OPTION(name, letter, argument, group, member, help)                                                            \
	{                                                                                                              \
		name, letter, argument, help, group, offsetof(struct options, member)                                  \
	}

static const struct option_row ROWS[] = {
        OPTION("repo", 0, "URL|DIR", TAKES_REPOSITORY, repo, "the placement repository"),
        OPTION("branch", 0, "NAME", TAKES_REPOSITORY, branch, "its branch (default: the one its HEAD names)"),
        OPTION("rev", 0, "REV", TAKES_REPOSITORY, revision, "a fixed revision in place of the branch's tip"),
        OPTION("path", 0, "DIR", TAKES_REPOSITORY, path, "the folder of the placement in it"),
        OPTION("desired", 0, "DIR", TAKES_DESIRED, desired, "placement files outside git"),
        OPTION("inventory", 0, "FILE|DIR", TAKES_INVENTORY, inventory, "a recorded inventory; asks no host"),
        OPTION("config", 0, "FILE", TAKES_REPOSITORY, config, "default: /etc/berth/berth.yaml"),
        OPTION("state", 0, "DIR", TAKES_REPOSITORY, state, "berth's own record (default: /var/lib/berth)"),
        OPTION("output", 'o', "FORMAT", TAKES_OUTPUT, output, "text or json"),
        OPTION("exit-code", 0, NULL, TAKES_EXIT_CODE, exit_code, "exit with 2 when moves or drift exist"),
        OPTION("effort", 0, "N", TAKES_EFFORT, effort, "search N times as hard for the fewest moves"),
        OPTION("balance", 0, NULL, TAKES_PROPOSAL, balance, "claim RAM more evenly on all hosts"),
        OPTION("drain", 0, "HOST", TAKES_PROPOSAL, drain, "leave nothing on a host"),
        OPTION("vm", 0, "NAME", TAKES_PROPOSAL, vm, "move a VM to the host with the most free RAM"),
        OPTION("min-gain", 0, "SHARE", TAKES_PROPOSAL, min_gain, "balance: of each move (default: 1% of a host)"),
        OPTION("moves", 0, "N", TAKES_PROPOSAL, moves, "balance: of so many VMs at most"),
        OPTION("keep-pins", 0, NULL, TAKES_PROPOSAL, keep_pins, "balance: leave pinned VMs where they are"),
        OPTION("plan", 0, "ID", TAKES_APPROVAL, plan, "carry out this plan, or nothing if it has changed"),
        OPTION("yes", 'y', NULL, TAKES_YES, yes, "do not ask"),
        OPTION("keep", 0, "HOST", TAKES_DECISION, keep, "whose copy is the right one"),
        OPTION("fenced", 0, "HOST[,...]", TAKES_DECISION, fenced, "these are powered off for certain"),
        OPTION("reason", 0, "TEXT", TAKES_REASON, reason, "why, for those who look at the status"),
        OPTION("watch", 'w', NULL, TAKES_WATCH, watch, "print it again whenever it changes"),
        OPTION("help", 'h', NULL, ~0U, help, "this text"),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void complain(const char *format, ...)
{
	cleanup_arena struct arena *arena = arena_create();
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	fprintf(stderr, "berth: %s\n", length < 0 ? format : text_printable(arena, text));
	if (length >= 0) {
		free(text);
	}
}

void options_usage(void)
{
	printf("Usage: berth COMMAND [OPTION...]\n\n"
	       "Keeps virtual machines where a git repository says they belong.\n\n");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		printf("  %-10s %s\n", VERBS[i].name, VERBS[i].summary);
	}
	printf("\n'berth COMMAND --help' tells more, 'berth --version' which version this is.\n");
}

static bool takes(const struct verb *verb, const struct option_row *row)
{
	return (verb->takes & row->group) != 0 || row->group == ~0U;
}

void options_help(const struct verb *verb)
{
	printf("Usage: berth %s [OPTION...]%s%s\n\n%s.\n\n", verb->name, verb->operand == NULL ? "" : " ",
	       verb->operand == NULL ? "" : verb->operand, verb->summary);
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		const struct option_row *row = &ROWS[i];
		char form[64];
		if (!takes(verb, row)) {
			continue;
		}
		snprintf(form, sizeof(form), "%s%.1s%s--%s%s%s", row->letter == 0 ? "    " : "-",
		         row->letter == 0 ? "" : &row->letter, row->letter == 0 ? "" : ", ", row->name,
		         row->argument == NULL ? "" : " ", row->argument == NULL ? "" : row->argument);
		printf("  %-25s %s\n", form, row->help);
	}
}

/* The row that "--name" or "-n" names; NULL when there is none. */
static const struct option_row *find_row(const char *word, size_t length)
{
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		const struct option_row *row = &ROWS[i];
		bool is_long = word[1] == '-' && strlen(row->name) == length - 2 &&
		               strncmp(row->name, word + 2, length - 2) == 0;
		bool is_short = word[1] != '-' && length == 2 && word[1] == row->letter;
		if (is_long || is_short) {
			return row;
		}
	}
	return NULL;
}

static void suggest(const struct verb *verb, const char *word)
{
	const char *names[COUNT(ROWS)];
	size_t count = 0;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		if (takes(verb, &ROWS[i])) {
			names[count++] = ROWS[i].name;
		}
	}
	const char *nearest = text_nearest(word + strspn(word, "-"), names, count);
	if (nearest == NULL) {
		complain("%s: unknown option %s; see 'berth %s --help'", verb->name, word, verb->name);
	} else {
		complain("%s: unknown option %s; did you mean --%s?", verb->name, word, nearest);
	}
}

/* A record is for planning; whoever acts goes by what a commit wants and libvirt says now. */
static void refuse_option(const struct verb *verb, const struct option_row *row)
{
	bool acts = (verb->takes & TAKES_REPOSITORY) != 0 && (row->group & (TAKES_DESIRED | TAKES_INVENTORY)) != 0;
	complain("%s: does not take --%s%s", verb->name, row->name,
	         acts ? ": it goes by a commit and by what libvirt says now" : "");
}

/* One word, and the one after it where it is an option's argument. Returns how many were taken; 0 for an error. */
static int take_word(int left, char **words, const struct verb *verb, bool options_over, struct options *options)
{
	const char *word = words[0];
	if (options_over || word[0] != '-' || word[1] == '\0') {
		if (verb->operand == NULL || options->operand != NULL) {
			complain("%s: %s is one word too many", verb->name, word);
			return 0;
		}
		options->operand = word;
		return 1;
	}
	size_t length = strcspn(word, "=");
	const struct option_row *row = find_row(word, length);
	if (row == NULL) {
		suggest(verb, word);
		return 0;
	}
	if (!takes(verb, row)) {
		refuse_option(verb, row);
		return 0;
	}
	void *member = (char *)options + row->offset;
	if (row->argument == NULL) {
		if (word[length] == '=') {
			complain("%s: --%s takes no value", verb->name, row->name);
			return 0;
		}
		*(bool *)member = true;
		return 1;
	}
	const char *value = word[length] == '=' ? word + length + 1 : left > 1 ? words[1] : NULL;
	if (value == NULL || value[0] == '\0') {
		complain("%s: --%s needs %s", verb->name, row->name, row->argument);
		return 0;
	}
	*(const char **)member = value;
	return word[length] == '=' ? 1 : 2;
}

bool options_parse(int argc, char **argv, const struct verb *verb, struct options *ret_options)
{
	struct options options = {0};
	bool options_over = false;
	for (int i = 0; i < argc;) {
		if (!options_over && strcmp(argv[i], "--") == 0) {
			options_over = true;
			i++;
			continue;
		}
		int taken = take_word(argc - i, argv + i, verb, options_over, &options);
		if (taken == 0) {
			return false;
		}
		i += taken;
	}
	*ret_options = options;
	return true;
}
