#include "cmd/progress.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"

#include <stdio.h>

static void close_line(struct progress *progress)
{
	if (progress->line_open) {
		fputs("\r\033[K", stdout);
		progress->line_open = false;
	}
}

void progress_note(void *data, const char *line)
{
	struct progress *progress = data;
	cleanup_arena struct arena *arena = arena_create();
	close_line(progress);
	printf("      %s\n", text_printable(arena, line));
	fflush(stdout);
}

static const char *heading(struct arena *arena, const struct plan *plan, size_t index)
{
	const struct move *move = &plan->moves[index];
	return arena_print(arena, "%zu/%zu  %s: %s → %s, %s", index + 1, plan->move_count,
	                   text_printable(arena, move->vm), move->from, move->to, move_mode_word(move->mode));
}

void progress_begin(void *data, const struct plan *plan, size_t index)
{
	struct progress *progress = data;
	cleanup_arena struct arena *arena = arena_create();
	progress->stall = NULL;
	if (!progress->terminal) {
		printf("%s\n", heading(arena, plan, index));
		fflush(stdout);
	}
}

void progress_tell(void *data, const struct move *move, const struct transfer *transfer)
{
	struct progress *progress = data;
	cleanup_arena struct arena *arena = arena_create();
	if (transfer->stall != NULL && progress->stall == NULL) {
		progress->stall = transfer->stall;
		progress_note(progress, arena_print(arena, "%s: its memory reaches no new low", transfer->stall));
	}
	if (!progress->terminal) {
		return;
	}
	uint64_t total = transfer->memory_total + transfer->disk_total;
	uint64_t left = transfer->memory_remaining + transfer->disk_remaining;
	const char *far = total == 0 || left > total
	                          ? "preparing"
	                          : arena_print(arena, "%3u %%, %s left", (unsigned int)((total - left) * 100 / total),
	                                        units_size_short(arena, (int64_t)left));
	printf("\r\033[K      %s: %s → %s  %s%s%s", text_printable(arena, move->vm), move->from, move->to, far,
	       transfer->stall == NULL ? "" : ", ", transfer->stall == NULL ? "" : transfer->stall);
	fflush(stdout);
	progress->line_open = true;
}

static const char *figures(struct arena *arena, const struct move_ending *ending)
{
	struct text text;
	text_init(&text, arena);
	text_print(&text, "done in %s", units_duration_short(arena, ending->ms));
	if (ending->outcome.downtime_ms > 0) {
		text_print(&text, ", %s down", units_duration_short(arena, ending->outcome.downtime_ms));
	}
	if (ending->outcome.bytes > 0) {
		text_print(&text, ", %s copied", units_size_short(arena, (int64_t)ending->outcome.bytes));
	}
	if (ending->outcome.stall != NULL) {
		text_print(&text, ", %s", ending->outcome.stall);
	}
	return text_string(&text);
}

static const char *word_of(enum ending ending)
{
	switch (ending) {
	case ENDED_DONE:
		return "done";
	case ENDED_REFUSED:
		return "refused";
	case ENDED_FAILED:
		return "failed";
	case ENDED_CANCELLED:
		return "cancelled";
	case ENDED_OPEN:
		return "to be decided";
	}
	return "";
}

void progress_end(void *data, const struct plan *plan, size_t index, const struct move_ending *ending)
{
	struct progress *progress = data;
	cleanup_arena struct arena *arena = arena_create();
	close_line(progress);
	if (progress->terminal) {
		printf("%s\n", heading(arena, plan, index));
	}
	const char *why = ending->reason.text == NULL ? "" : text_printable(arena, ending->reason.text);
	const char *what = ending->ending == ENDED_DONE ? figures(arena, ending) : word_of(ending->ending);
	const char *paint = !progress->colour ? "" : ending->ending == ENDED_DONE ? "\033[32m" : "\033[31m";
	printf("      %s%s%s%s%s\n", paint, what, progress->colour ? "\033[0m" : "", why[0] == '\0' ? "" : ": ", why);
	fflush(stdout);
}
