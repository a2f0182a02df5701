#include "state/arena.h"
#include "state/status.h"
#include "state/status_forms.h"
#include "state/text.h"
#include "state/units.h"

#include <stdlib.h>
#include <string.h>

enum { INDENT = 8 };

/* Lines for a terminal: foreign text printable, wrapped at its width. */
struct screen {
	struct arena *arena;
	struct text text;
	unsigned int columns; /* 0: no limit */
	bool colour;
};

static const char *colour_of(enum phase phase)
{
	switch (phase) {
	case PHASE_INVALID:
	case PHASE_NEEDS_DECISION:
	case PHASE_DISCONNECTED:
		return "31";
	case PHASE_HELD:
	case PHASE_BLOCKED:
	case PHASE_DRIFTED:
		return "33";
	case PHASE_PROGRESSING:
		return "36";
	case PHASE_IN_SYNC:
		return "32";
	}
	abort();
}

/* `what` stands in colour before the rest of the line; what is too long goes on below, indented. */
static void add_line(struct screen *screen, const char *colour, const char *what, const char *rest)
{
	const char *head = text_printable(screen->arena, what);
	const char *word = text_printable(screen->arena, rest);
	bool coloured = screen->colour && colour != NULL && head[0] != '\0';
	size_t at = text_width(head);
	if (coloured) {
		text_print(&screen->text, "\033[%sm%s\033[0m", colour, head);
	} else {
		text_add(&screen->text, head);
	}
	while (*word != '\0') {
		size_t length = strspn(word, " ");
		length += strcspn(word + length, " ");
		size_t width = text_width(arena_copy_n(screen->arena, word, length));
		if (screen->columns > INDENT && at > INDENT && at + width > screen->columns) {
			text_print(&screen->text, "\n%*s", INDENT - 1, "");
			at = INDENT - 1;
		}
		text_add_n(&screen->text, word, length);
		at += width;
		word += length;
	}
	text_add(&screen->text, "\n");
}

static void add_count(struct text *text, size_t count, const char *what)
{
	if (count > 0) {
		text_print(text, ", %zu %s", count, what);
	}
}

static void add_counts(struct screen *screen, const struct counts *counts)
{
	struct text text;
	text_init(&text, screen->arena);
	text_print(&text, "%zu VM%s: %zu in place", counts->vms, counts->vms == 1 ? "" : "s", counts->in_place);
	add_count(&text, counts->to_move, "to move");
	add_count(&text, counts->blocked, "blocked");
	add_count(&text, counts->drifted, "drifted");
	add_count(&text, counts->missing, "missing");
	add_count(&text, counts->unknown, "unknown");
	add_count(&text, counts->unmanaged, "unmanaged");
	add_line(screen, NULL, "", text_string(&text));
}

static const char *colour_of_move(enum move_state state)
{
	switch (state) {
	case MOVE_PENDING:
		return NULL;
	case MOVE_RUNNING:
		return "36";
	case MOVE_DONE:
		return "32";
	case MOVE_FAILED:
	case MOVE_CANCELLED:
		return "31";
	}
	abort();
}

static void add_moves(struct screen *screen, const struct status *status)
{
	const struct plan *plan = status->plan;
	if (plan->move_count > 0) {
		add_line(screen, NULL, "", "");
	}
	for (size_t i = 0; i < plan->move_count; i++) {
		struct move_progress progress = status_progress(status, i);
		const struct move *move = &plan->moves[i];
		const char *subject = status_subject_of_move(screen->arena, move, &progress);
		if (progress.state == MOVE_PENDING && move->waits != NULL) {
			subject = arena_print(screen->arena, "%s, waits (%s): %s", subject,
			                      code_word(move->waits->code), move->waits->text);
		}
		add_line(screen, colour_of_move(progress.state), arena_print(screen->arena, "%3zu ", i + 1), subject);
	}
}

static const char *join(struct arena *arena, const char *const *names, size_t count)
{
	struct text text;
	text_init(&text, arena);
	for (size_t i = 0; i < count; i++) {
		text_print(&text, "%s%s", i == 0 ? "" : ", ", names[i]);
	}
	return text_string(&text);
}

static void add_contested(struct screen *screen, const char *what, const struct contested_vm *vms, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char **hosts = arena_array(screen->arena, vms[i].on_count, sizeof(*hosts));
		for (size_t j = 0; j < vms[i].on_count; j++) {
			hosts[j] = arena_print(screen->arena, "%s (%s)", vms[i].on[j].host,
			                       vm_state_word(vms[i].on[j].state));
		}
		add_line(screen, "31", what,
		         arena_print(screen->arena, " %s: on %s", vms[i].vm,
		                     join(screen->arena, hosts, vms[i].on_count)));
	}
}

static void add_findings(struct screen *screen, const struct plan *plan)
{
	struct arena *arena = screen->arena;
	add_contested(screen, "decide", plan->decisions, plan->decision_count);
	add_contested(screen, "conflict", plan->conflicts, plan->conflict_count);
	for (size_t i = 0; i < plan->blocked_count; i++) {
		const struct blocked_vm *vm = &plan->blocked[i];
		add_line(screen, "33", "blocked",
		         arena_print(arena, " %s (%s): %s", vm->vm, code_word(vm->reason.code), vm->reason.text));
	}
	for (size_t i = 0; i < plan->drift_count; i++) {
		const struct drifted_vm *vm = &plan->drift[i];
		add_line(screen, "33", "drifted",
		         arena_print(arena, " %s: on %s, belongs on %s (%s)", vm->vm, vm->actual,
		                     join(arena, vm->desired, vm->desired_count), drift_word(vm->action)));
	}
	for (size_t i = 0; i < plan->unknown_count; i++) {
		const struct named_vm *vm = &plan->unknown[i];
		add_line(screen, "33", "unknown",
		         arena_print(arena, " %s%s%s", vm->vm, vm->last_seen == NULL ? "" : ": last seen on ",
		                     vm->last_seen == NULL ? "" : vm->last_seen));
	}
	for (size_t i = 0; i < plan->missing_count; i++) {
		add_line(screen, "33", "missing", arena_print(arena, " %s: on no host", plan->missing[i].vm));
	}
	for (size_t i = 0; i < plan->host_count; i++) {
		const struct host_claims *host = &plan->hosts[i];
		if (host->connection != NULL) {
			add_line(screen, "31", "no answer",
			         arena_print(arena, " %s: %s", host->host, host->connection));
		}
	}
}

static void add_errors(struct screen *screen, const struct status *status)
{
	const char *errors = status_errors(screen->arena, status);
	for (const char *line = errors; line != NULL && *line != '\0';) {
		size_t n = strcspn(line, "\n");
		add_line(screen, "31", "error ", arena_copy_n(screen->arena, line, n));
		line += n + (line[n] != '\0');
	}
	for (size_t i = 0; i < status->failure_count; i++) {
		const struct failure *failure = &status->failures[i];
		add_line(screen, "31", "failed",
		         arena_print(screen->arena, " %s, %u attempt%s%s%s: %s", failure->vm, failure->attempts,
		                     failure->attempts == 1 ? "" : "s", failure->next == 0 ? "" : ", again at ",
		                     failure->next == 0 ? "" : units_time(screen->arena, failure->next),
		                     failure->error == NULL ? "" : failure->error));
	}
}

const char *status_text(struct arena *arena, const struct status *status, unsigned int columns, bool colour)
{
	struct screen screen = {.arena = arena, .columns = columns, .colour = colour};
	bool has_reason = status->reason != NULL && status->reason[0] != '\0';
	text_init(&screen.text, arena);
	add_line(&screen, colour_of(status->phase), phase_word(status->phase),
	         has_reason ? arena_print(arena, ": %s", status->reason) : "");
	if (status->desired != NULL) {
		add_line(&screen, NULL, "", arena_print(arena, "commit %.12s", status->desired));
	}
	add_counts(&screen, &status->counts);
	add_errors(&screen, status);
	if (status->plan != NULL) {
		add_findings(&screen, status->plan);
		add_moves(&screen, status);
	}
	return text_string(&screen.text);
}
