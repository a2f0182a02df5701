#include "state/status.h"

#include "state/arena.h"
#include "state/escape.h"
#include "state/inventory.h"
#include "state/picture.h"
#include "state/status_forms.h"
#include "state/text.h"
#include "state/units.h"

#include <stdlib.h>
#include <string.h>

enum { SUBJECT_CHARACTERS = 120 };

const char *phase_word(enum phase phase)
{
	switch (phase) {
	case PHASE_INVALID:
		return "invalid";
	case PHASE_NEEDS_DECISION:
		return "needs-decision";
	case PHASE_DISCONNECTED:
		return "disconnected";
	case PHASE_HELD:
		return "held";
	case PHASE_PROGRESSING:
		return "progressing";
	case PHASE_BLOCKED:
		return "blocked";
	case PHASE_DRIFTED:
		return "drifted";
	case PHASE_IN_SYNC:
		return "in-sync";
	}
	abort();
}

const char *move_state_word(enum move_state state)
{
	switch (state) {
	case MOVE_PENDING:
		return "pending";
	case MOVE_RUNNING:
		return "running";
	case MOVE_DONE:
		return "done";
	case MOVE_FAILED:
		return "failed";
	case MOVE_CANCELLED:
		return "cancelled";
	}
	abort();
}

struct move_progress status_progress(const struct status *status, size_t move)
{
	static const struct move_progress pending = {.state = MOVE_PENDING};
	return status->progress == NULL ? pending : status->progress[move];
}

const char *status_took(struct arena *arena, const struct move_progress *progress)
{
	const char *took = units_duration_short(arena, progress->ms);
	if (progress->downtime_ms > 0) {
		took = arena_print(arena, "%s, %s down", took, units_duration_short(arena, progress->downtime_ms));
	}
	return progress->stall == NULL ? took : arena_print(arena, "%s, %s", took, progress->stall);
}

const char *status_subject_of_move(struct arena *arena, const struct move *move, const struct move_progress *progress)
{
	const char *what = arena_print(arena, "%s: %s → %s", move->vm, move->from, move->to);
	const char *mode = move_mode_word(move->mode);
	switch (progress->state) {
	case MOVE_PENDING:
	case MOVE_RUNNING:
		what = arena_print(arena, "%s, %s, %s", what, mode, move_state_word(progress->state));
		break;
	case MOVE_DONE:
		what = arena_print(arena, "%s, %s, %s", what, mode, status_took(arena, progress));
		break;
	case MOVE_FAILED:
	case MOVE_CANCELLED:
		what = arena_print(arena, "%s %s%s%s", what, move_state_word(progress->state),
		                   progress->error == NULL ? "" : ": ", progress->error == NULL ? "" : progress->error);
		break;
	}
	return escape_cut(arena, text_printable(arena, what), SUBJECT_CHARACTERS);
}

const char *status_errors(struct arena *arena, const struct status *status)
{
	if (status->error == NULL && status->problem_count == 0) {
		return NULL;
	}
	struct text text;
	text_init(&text, arena);
	if (status->error != NULL) {
		text_add(&text, status->error);
	}
	for (size_t i = 0; i < status->problem_count; i++) {
		text_print(&text, "%s%s", text.length == 0 ? "" : "\n", status->problems[i]);
	}
	return text_string(&text);
}

static void add_file(struct arena *arena, struct status_files *files, const char *path, const char *bytes)
{
	ARENA_ADD(arena, files->items, files->count) =
	        (struct status_file){.path = path, .bytes = bytes, .length = strlen(bytes)};
}

struct status_files status_files(struct arena *arena, const struct status *status, const struct inventory *inventory,
                                 const struct inventory *recorded)
{
	struct status_files files = {0};
	add_file(arena, &files, "README.md", status_readme(arena, status, inventory));
	for (size_t i = 0; i < inventory->host_count; i++) {
		struct host host = inventory->hosts[i];
		const struct host *before = recorded == NULL ? NULL : inventory_host(recorded, host.name);
		if (before != NULL && inventory_host_equal(&host, before)) {
			host = *before;
		}
		const struct inventory one = {.hosts = &host, .host_count = 1};
		add_file(arena, &files, arena_print(arena, "inventory/%s.yaml", host.name),
		         inventory_write(arena, &one));
	}
	add_file(arena, &files, "placement.svg", picture_svg(arena, status->plan, status->progress, inventory));
	add_file(arena, &files, "status.yaml", status_yaml(arena, status));
	return files;
}
