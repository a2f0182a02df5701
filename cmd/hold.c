#include "cmd/ask.h"
#include "cmd/source.h"
#include "reconcile/holds.h"
#include "reconcile/input.h"
#include "state/arena.h"
#include "state/escape.h"
#include "state/text.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* No berth is at work: the hold goes into the record, for the next one. */
static enum exit_code hold_in_record(struct arena *arena, const struct setting *setting)
{
	cleanup_git struct git *git = NULL;
	cleanup_record struct record *record = NULL;
	const char *vm = setting->options.operand;
	const char *reason = setting->options.reason == NULL ? "" : setting->options.reason;
	struct error err = {0};
	enum exit_code code = source_work(arena, setting, "berth hold", &git, &record);
	if (code != EXIT_DONE) {
		return code;
	}
	const struct desired *desired = NULL;
	const char *commit = NULL;
	struct problem_list problems = {0};
	bool is_read = input_from_git(arena, git, &desired, &commit, &problems, NULL) == 0;
	if (vm != NULL && is_read && desired_vm(desired, vm) == NULL) {
		complain("the placement has no VM %s", vm);
		return EXIT_INVALID;
	}
	const struct hold hold = {
	        .vm = vm,
	        .reason = escape_cut(arena, text_printable(arena, reason), 200),
	        .by = arena_print(arena, "berth hold, uid %u", (unsigned int)getuid()),
	        .since = (int64_t)time(NULL),
	};
	if (holds_put(record, &hold, &err) < 0) {
		complain("%s", err.message);
		return EXIT_UNREADABLE;
	}
	printf("%s is held: no move of it will be started; no berth is at work now\n",
	       vm == NULL ? "the fleet" : text_printable(arena, vm));
	return EXIT_DONE;
}

enum exit_code verb_hold(struct arena *arena, const struct setting *setting)
{
	const struct control_request request = {
	        .verb = CONTROL_HOLD,
	        .vm = setting->options.operand,
	        .reason = setting->options.reason,
	};
	bool nobody = false;
	enum exit_code code = ask_berth(arena, setting, &request, &nobody);
	return nobody ? hold_in_record(arena, setting) : code;
}
