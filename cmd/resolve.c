#include "reconcile/resolve.h"
#include "cmd/source.h"
#include "reconcile/input.h"
#include "state/arena.h"
#include "state/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void tell(const char *line)
{
	cleanup_arena struct arena *arena = arena_create();
	printf("%s\n", text_printable(arena, line));
}

static bool is_agreed(const struct setting *setting)
{
	char answer[16];
	if (setting->options.yes) {
		return true;
	}
	printf("\nDestroy and undefine it everywhere but on %s? Its disks are left. [y/N] ", setting->options.keep);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

/* HOST[,HOST...] */
static const char **fenced_hosts(struct arena *arena, const char *list, size_t *ret_count)
{
	const char **hosts = NULL;
	size_t count = 0;
	for (const char *at = list; at != NULL && *at != '\0';) {
		size_t length = strcspn(at, ",");
		ARENA_ADD(arena, hosts, count) = arena_copy_n(arena, at, length);
		at += length + (at[length] == ',' ? 1 : 0);
	}
	*ret_count = count;
	return hosts;
}

static enum exit_code decide(struct arena *arena, const struct setting *setting, struct libvirt *libvirt,
                             struct record *record)
{
	struct world world = libvirt_world(libvirt);
	const struct options *options = &setting->options;
	const struct inventory *inventory = world.functions->look(world.data, arena, NULL, 0, LOOK_FRESH);
	struct move_entries entries = {0};
	struct decision decision;
	struct error err = {0};
	int r = record_read_moves(record, arena, &entries, &err);
	if (r == 0) {
		r = decide_begin(arena, options->operand, inventory, &entries, &decision, &err);
	}
	if (r < 0) {
		complain("%s", err.message);
		return EXIT_INVALID;
	}
	fputs(decide_evidence(arena, &decision), stdout);
	if (!decide_is_open(&decision)) {
		printf("There is nothing to decide.\n");
		return EXIT_DONE;
	}
	size_t fenced_count = 0;
	const char **fenced = fenced_hosts(arena, options->fenced, &fenced_count);
	if (decide_check(&decision, options->keep, fenced, fenced_count, &err) < 0) {
		complain("%s", err.message);
		return EXIT_INCOMPLETE;
	}
	if (!is_agreed(setting)) {
		printf("Nothing is changed.\n");
		return EXIT_INCOMPLETE;
	}
	if (resolve_carry_out(arena, &world, record, &decision, options->keep, tell, &err) < 0) {
		complain("%s; what was done stays done, the rest is still to be decided", err.message);
		return EXIT_INCOMPLETE;
	}
	for (size_t i = 0; i < fenced_count; i++) {
		printf("%s: may still have it; undefine it there before its guests start\n", fenced[i]);
	}
	printf("%s is kept on %s\n", text_printable(arena, options->operand), options->keep);
	return EXIT_DONE;
}

enum exit_code verb_resolve(struct arena *arena, const struct setting *setting)
{
	cleanup_git struct git *git = NULL;
	cleanup_record struct record *record = NULL;
	cleanup_libvirt struct libvirt *libvirt = NULL;
	struct error err = {0};
	if (setting->options.operand == NULL || setting->options.keep == NULL) {
		complain("resolve: %s",
		         setting->options.operand == NULL ? "which VM?" : "which host's copy? --keep HOST");
		return EXIT_INVALID;
	}
	if (!setting->options.yes && (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)) {
		complain("resolve: there is no terminal to ask on: add --yes");
		return EXIT_INVALID;
	}
	enum exit_code code = source_work(arena, setting, "berth resolve", &git, &record);
	if (code != EXIT_DONE) {
		return code;
	}
	const struct desired *desired = NULL;
	const char *commit = NULL;
	struct problem_list problems = {0};
	int r = input_from_git(arena, git, &desired, &commit, &problems, &err);
	if (problems.count > 0) {
		source_print_problems(&problems);
		return EXIT_INVALID;
	}
	if (r == 0) {
		r = libvirt_open(input_hosts(arena, desired), desired->host_count,
		                 (unsigned int)setting->config.deadline_ms, &libvirt, &err);
	}
	if (r < 0) {
		complain("%s", err.message);
		return EXIT_UNREADABLE;
	}
	return decide(arena, setting, libvirt, record);
}
