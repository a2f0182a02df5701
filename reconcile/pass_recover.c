#include "reconcile/pass_data.h"
#include "reconcile/retry.h"
#include "state/arena.h"

#include <time.h>

/*
 * A move that stays in the record keeps its VM from being moved, unless all that is left are disks on a former host. It
 * is open when nobody but a person can tell its end; a host that does not answer now may do so later.
 */
static void keep_aside(struct running *running, const struct move_entry *entry, const struct move_ending *ending)
{
	if (ending->ending == ENDED_DONE) {
		return;
	}
	pass_set_aside(running, entry->uuid, ending->reason);
	running->open += ending->ending == ENDED_OPEN && ending->reason.code == CODE_DECISION ? 1 : 0;
}

/* A file in the record that nobody can read may speak of a move that is not over: its VM is left alone. */
static void report_unreadable(struct running *running, const struct move_entries *entries)
{
	for (size_t i = 0; i < entries->unreadable_count; i++) {
		const struct unreadable_entry *unreadable = &entries->unreadable[i];
		pass_note(running, unreadable->why);
		running->open++;
		if (unreadable->uuid[0] != '\0') {
			pass_set_aside(running, unreadable->uuid, (struct reason){CODE_DECISION, unreadable->why});
		}
	}
}

int pass_recover(struct running *running, struct error *err)
{
	static const char *const ends[] = {
	        [ENDED_DONE] = "is finished",    [ENDED_REFUSED] = "is undone", [ENDED_FAILED] = "is undone",
	        [ENDED_CANCELLED] = "is undone", [ENDED_OPEN] = "stays open",
	};
	struct move_entries entries = {0};
	int r = record_read_moves(running->pass->publisher.record, running->arena, &entries, err);
	report_unreadable(running, &entries);
	for (size_t i = 0; r == 0 && i < entries.count; i++) {
		const struct move_entry *entry = &entries.items[i];
		if (entry->step == STEP_SOURCE_DISKS && entry->due > (int64_t)time(NULL)) {
			continue;
		}
		struct move_ending ending = execute_recover(&running->execution, entry);
		if (pass_is_in_record(running, entry->uuid, entry->from, entry->to)) {
			keep_aside(running, entry, &ending);
		}
		if (ending.ending == ENDED_DONE && entry->step != STEP_SOURCE_DISKS) {
			running->failures = retry_succeed(running->arena, &running->failures, entry->uuid);
		}
		pass_note(running, arena_print(running->arena, "%s: an earlier move from %s to %s %s%s%s", entry->vm,
		                               entry->from, entry->to, ends[ending.ending],
		                               ending.reason.text[0] == '\0' ? "" : ": ", ending.reason.text));
	}
	return r;
}
