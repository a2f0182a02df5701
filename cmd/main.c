#include "cmd/verb.h"

#include "state/arena.h"
#include "state/files.h"
#include "state/text.h"
#include "state/units.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

const struct verb VERBS[] = {
        {"check", "[PATH]", "Validates the desired placement in a working tree", 0, verb_check},
        {"plan", NULL, "Prints the moves that lead to the desired placement",
         TAKES_REPOSITORY | TAKES_DESIRED | TAKES_INVENTORY | TAKES_OUTPUT | TAKES_EXIT_CODE | TAKES_EFFORT, verb_plan},
        {"apply", NULL, "Makes those moves, once, and exits",
         TAKES_REPOSITORY | TAKES_EFFORT | TAKES_APPROVAL | TAKES_YES, verb_apply},
        {"run", NULL, "Watches the repository and makes moves until it is stopped", TAKES_REPOSITORY | TAKES_EFFORT,
         verb_run},
        {"approve", "ID", "Lets a plan beyond the limits run", TAKES_REPOSITORY, verb_approve},
        {"status", NULL, "Prints what the status branch tells", TAKES_REPOSITORY | TAKES_OUTPUT | TAKES_WATCH,
         verb_status},
        {"cancel", "VM", "Aborts the move of a VM that is in flight", TAKES_REPOSITORY | TAKES_REASON, verb_cancel},
        {"hold", "[VM]", "Starts no further move, of a VM or of the fleet", TAKES_REPOSITORY | TAKES_REASON, verb_hold},
        {"release", "[VM]", "Ends such a hold", TAKES_REPOSITORY, verb_release},
        {"trigger", NULL, "Makes a running berth look at the repository now", TAKES_REPOSITORY, verb_trigger},
        {"resolve", "VM", "Decides which host has a VM that berth cannot tell of",
         TAKES_REPOSITORY | TAKES_DECISION | TAKES_YES, verb_resolve},
        {"propose", NULL, "Works out a better placement, and the plan that leads there",
         TAKES_REPOSITORY | TAKES_DESIRED | TAKES_INVENTORY | TAKES_OUTPUT | TAKES_EXIT_CODE | TAKES_EFFORT |
                 TAKES_PROPOSAL,
         verb_propose},
        {"inventory", NULL, "Prints what libvirt reports on every host",
         TAKES_REPOSITORY | TAKES_DESIRED | TAKES_INVENTORY, verb_inventory},
};
const size_t VERB_COUNT = sizeof(VERBS) / sizeof(VERBS[0]);

static const struct verb *find_verb(const char *name)
{
	const char *names[sizeof(VERBS) / sizeof(VERBS[0])];
	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (strcmp(VERBS[i].name, name) == 0) {
			return &VERBS[i];
		}
		names[i] = VERBS[i].name;
	}
	const char *nearest = text_nearest(name, names, VERB_COUNT);
	if (nearest == NULL) {
		complain("unknown command %s; 'berth --help' lists them", name);
	} else {
		complain("unknown command %s; did you mean %s?", name, nearest);
	}
	return NULL;
}

static unsigned int terminal_columns(void)
{
	struct winsize size;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	return isatty(STDOUT_FILENO) != 0 && (no_colour == NULL || no_colour[0] == '\0') && terminal != NULL &&
	       strcmp(terminal, "dumb") != 0;
}

/* The file that was named, or the usual one if it is there. */
static bool read_config(struct arena *arena, const char *named, struct config *ret_config)
{
	struct desired_file file = {.name = named == NULL ? "/etc/berth/berth.yaml" : named};
	struct error err = {0};
	struct problem_list problems;
	int r = files_read(arena, file.name, (size_t)1 << 20, &file.bytes, &file.length, &err);
	if (r == -ENOENT && named == NULL) {
		*ret_config = config_default();
		return true;
	}
	if (r < 0) {
		complain("%s", err.message);
		return false;
	}
	if (config_parse(arena, &file, ret_config, &problems) < 0) {
		for (size_t i = 0; i < problems.count; i++) {
			complain("%s", problems.lines[i]);
		}
		return false;
	}
	return true;
}

static bool choose_output(const struct options *options, enum output *ret_output)
{
	*ret_output = OUTPUT_TEXT;
	if (options->output == NULL || strcmp(options->output, "text") == 0) {
		return true;
	}
	*ret_output = OUTPUT_JSON;
	if (strcmp(options->output, "json") == 0) {
		return true;
	}
	complain("unknown format %s; text and json are known", options->output);
	return false;
}

static bool make_setting(struct arena *arena, const struct verb *verb, const struct options *options,
                         struct setting *ret_setting)
{
	struct setting setting = {.options = *options, .effort = 1};
	setting.config = config_default();
	if ((verb->takes & TAKES_REPOSITORY) != 0 && !read_config(arena, options->config, &setting.config)) {
		return false;
	}
	uint64_t effort = 1;
	if (options->effort != NULL && !units_parse_number(options->effort, 1, 1000000, &effort)) {
		complain("--effort takes a whole number from 1 to 1000000");
		return false;
	}
	setting.effort = (unsigned int)effort;
	if (options->state != NULL) {
		setting.config.state = options->state;
	}
	setting.colour = wants_colour();
	setting.columns = terminal_columns();
	bool fits = choose_output(options, &setting.output);
	*ret_setting = setting;
	return fits;
}

/* Output that could not be written is no success. */
static int close_output(enum exit_code code)
{
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		if (errno != EPIPE) { /* who reads no further knows why */
			complain("standard output: %s", strerror(errno));
		}
		return EXIT_INVALID;
	}
	return (int)code;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		options_usage();
		return EXIT_INVALID;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		options_usage();
		return close_output(EXIT_DONE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("berth %s\n", BERTH_VERSION);
		return close_output(EXIT_DONE);
	}
	const struct verb *verb = find_verb(argv[1]);
	struct options options;
	struct setting setting;
	if (verb == NULL || !options_parse(argc - 2, argv + 2, verb, &options)) {
		return EXIT_INVALID;
	}
	if (options.help) {
		options_help(verb);
		return close_output(EXIT_DONE);
	}
	cleanup_arena struct arena *arena = arena_create();
	if (!make_setting(arena, verb, &options, &setting)) {
		return EXIT_INVALID;
	}
	return close_output(verb->run(arena, &setting));
}
