#include "cmd/ask.h"
#include "cmd/source.h"
#include "reconcile/holds.h"
#include "state/consent.h"
#include "state/text.h"

#include <stdio.h>

static enum exit_code release_in_record(struct arena *arena, const struct setting *setting)
{
	cleanup_git struct git *git = NULL;
	cleanup_record struct record *record = NULL;
	const char *vm = setting->options.operand;
	struct error err = {0};
	bool held = false;
	enum exit_code code = source_work(arena, setting, "berth release", &git, &record);
	if (code != EXIT_DONE) {
		return code;
	}
	int r = holds_release(record, vm, &held, &err);
	if (r == 0 && vm == NULL) {
		r = consent_lift_brake(record, &err);
	}
	if (r < 0) {
		complain("%s", err.message);
		return EXIT_UNREADABLE;
	}
	printf("%s %s\n", vm == NULL ? "the fleet" : text_printable(arena, vm),
	       held ? "is released" : "was not held by command");
	return EXIT_DONE;
}

enum exit_code verb_release(struct arena *arena, const struct setting *setting)
{
	const struct control_request request = {.verb = CONTROL_RELEASE, .vm = setting->options.operand};
	bool nobody = false;
	enum exit_code code = ask_berth(arena, setting, &request, &nobody);
	return nobody ? release_in_record(arena, setting) : code;
}
