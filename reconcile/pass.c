#include "reconcile/pass.h"

#include "reconcile/gate.h"
#include "reconcile/planner.h"
#include "reconcile/preflight.h"
#include "reconcile/remember.h"
#include "reconcile/summary.h"
#include "state/arena.h"
#include "state/inventory.h"
#include "state/text.h"

#include <time.h>

/* Plans that were dropped because a host was not as expected: a fleet that changes so fast is looked at again later. */
enum { MOST_SURPRISES = 5 };

/* A pass while it runs. */
struct running {
	struct arena *arena;
	const struct pass *pass;
	struct pass_result *result;
	struct execution execution;
	struct inventory *inventory;
	struct set_aside *aside;
	size_t aside_count;
	struct failure *failures;
	size_t failure_count;
	size_t open;
	const struct plan *plan;
	struct move_progress *progress; /* of the plan */
};

static void note(const struct running *running, const char *line)
{
	const struct pass_listener *listener = running->pass->listener;
	if (listener->note != NULL) {
		listener->note(listener->data, line);
	}
}

static bool is_stopping(const struct running *running)
{
	const struct pass_listener *listener = running->pass->listener;
	return listener->stopping != NULL && listener->stopping(listener->data);
}

static void set_aside(struct running *running, const char *uuid, struct reason why)
{
	ARENA_ADD(running->arena, running->aside, running->aside_count) = (struct set_aside){
	        .uuid = uuid,
	        .why = {.code = why.code, .reason = why.text},
	};
}

/*
 * A move that stays in the record keeps its VM from being moved, unless all that is left are disks on a former host. It
 * is open when nobody but a person can tell its end; a host that does not answer now may do so later.
 */
static void keep_aside(struct running *running, const struct move_entry *entry, const struct move_ending *ending)
{
	if (ending->ending == ENDED_DONE) {
		return;
	}
	set_aside(running, entry->uuid, ending->reason);
	running->open += ending->ending == ENDED_OPEN && ending->reason.code == CODE_DECISION ? 1 : 0;
}

/* A file in the record that nobody can read may speak of a move that is not over: its VM is left alone. */
static void report_unreadable(struct running *running, const struct move_entries *entries)
{
	for (size_t i = 0; i < entries->unreadable_count; i++) {
		const struct unreadable_entry *unreadable = &entries->unreadable[i];
		note(running, unreadable->why);
		running->open++;
		if (unreadable->uuid[0] != '\0') {
			set_aside(running, unreadable->uuid, (struct reason){CODE_DECISION, unreadable->why});
		}
	}
}

static bool is_in_record(struct running *running, const struct move_entry *entry)
{
	struct move_entries entries = {0};
	record_read_moves(running->pass->publisher.record, running->arena, &entries, NULL);
	for (size_t i = 0; i < entries.count; i++) {
		const struct move_entry *found = &entries.items[i];
		if (text_equal(found->uuid, entry->uuid) && text_equal(found->from, entry->from) &&
		    text_equal(found->to, entry->to)) {
			return true;
		}
	}
	return false;
}

/* What an earlier run left: finished or undone before anything new is begun. */
static int recover(struct running *running, struct error *err)
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
		if (is_in_record(running, entry)) {
			keep_aside(running, entry, &ending);
		}
		note(running, arena_print(running->arena, "%s: an earlier move from %s to %s %s%s%s", entry->vm,
		                          entry->from, entry->to, ends[ending.ending],
		                          ending.reason.text[0] == '\0' ? "" : ": ", ending.reason.text));
	}
	return r;
}

static void look_at_all(struct running *running)
{
	const struct world *world = &running->pass->world;
	const struct inventory *fresh = world->functions->look(world->data, running->arena, NULL, 0, false);
	struct inventory *merged = remember_merge(running->arena, fresh, running->inventory);
	running->inventory = remember_places(running->arena, running->pass->desired, merged);
}

static void make_plan(struct running *running)
{
	const struct planner_options options = {.effort = running->pass->effort == 0 ? 1 : running->pass->effort};
	const struct inventory *view =
	        remember_set_aside(running->arena, running->inventory, running->aside, running->aside_count);
	const struct plan *plan = planner_plan(running->arena, running->pass->desired, view, &options);
	running->plan = gate_plan(running->arena, running->pass->desired, view, plan, (int64_t)time(NULL));
	running->progress = arena_array(running->arena, running->plan->move_count, sizeof(*running->progress));
}

/* plan: the one to show, with its progress; left: what is still to do, for phase and counts. */
static int tell(struct running *running, const struct plan *left, const struct ended_move *ended, struct error *err)
{
	bool same = left == running->plan;
	struct plan told = *left;
	struct status status = summary_make(running->arena, running->pass->desired, running->inventory, left,
	                                    same ? running->progress : NULL, running->open);
	if (!same) { /* what is left is nothing to show as moves: those that led to it are */
		told.id = running->plan->id;
		told.moves = running->plan->moves;
		told.move_count = running->plan->move_count;
		told.memory = running->plan->memory;
		told.disk = running->plan->disk;
	}
	status.plan = &told;
	status.progress = running->progress;
	status.failures = running->failures;
	status.failure_count = running->failure_count;
	running->result->phase = status.phase;
	const char *push_error = NULL;
	int r = publish_status(running->arena, &running->pass->publisher, &status, running->inventory, ended,
	                       &push_error, err);
	if (push_error != NULL) {
		note(running, arena_print(running->arena, "the status is not pushed yet: %s", push_error));
	}
	return r;
}

static bool tell_progress(void *data, const struct transfer *transfer)
{
	const struct running *running = data;
	const struct pass_listener *listener = running->pass->listener;
	for (size_t i = 0; i < running->plan->move_count; i++) {
		if (running->progress[i].state == MOVE_RUNNING) {
			return listener->progress == NULL ||
			       listener->progress(listener->data, &running->plan->moves[i], transfer);
		}
	}
	return true;
}

/* Both hosts again, as they are now. Returns false when one of them is not as the plan expects it. */
static bool look_at_pair(struct running *running, const struct move *move)
{
	const struct world *world = &running->pass->world;
	const char *const names[] = {move->from, move->to};
	const struct inventory *pair = world->functions->look(world->data, running->arena, names, 2, false);
	struct inventory *now = remember_hosts(running->arena, running->inventory, pair);
	bool same = true;
	for (size_t i = 0; i < 2; i++) {
		same = same && inventory_host_equal(inventory_host(now, names[i]),
		                                    inventory_host(running->inventory, names[i]));
	}
	running->inventory = now;
	return same;
}

static struct move_ending try_move(struct running *running, const struct move *move)
{
	struct move_order order;
	struct move_entry entry;
	struct move_ending ending = {.ending = ENDED_REFUSED};
	if (preflight_check(running->arena, running->pass->desired, running->inventory, move, running->plan->id, &order,
	                    &entry, &ending.reason)) {
		ending = execute_move(&running->execution, &order, &entry);
	}
	return ending;
}

static enum move_state state_after(const struct move_ending *ending)
{
	switch (ending->ending) {
	case ENDED_DONE:
		return MOVE_DONE;
	case ENDED_CANCELLED:
		return MOVE_CANCELLED;
	case ENDED_REFUSED:
	case ENDED_FAILED:
	case ENDED_OPEN:
		return MOVE_FAILED;
	}
	return MOVE_FAILED;
}

static void account(struct running *running, size_t index, const struct move_ending *ending)
{
	const struct move *move = &running->plan->moves[index];
	struct move_progress *progress = &running->progress[index];
	const char *text = ending->reason.text != NULL && ending->reason.text[0] != '\0' ? ending->reason.text : NULL;
	*progress = (struct move_progress){
	        .state = state_after(ending),
	        .started = ending->started,
	        .ms = ending->ms,
	        .downtime_ms = ending->outcome.downtime_ms,
	        .bytes = ending->outcome.bytes,
	        .error = text,
	};
	if (ending->ending == ENDED_DONE) {
		running->result->done++;
		return;
	}
	if (ending->ending != ENDED_REFUSED) {
		running->result->failed++;
		ARENA_ADD(running->arena, running->failures, running->failure_count) =
		        (struct failure){.vm = move->vm, .attempts = 1, .error = text};
	}
	running->open += ending->ending == ENDED_OPEN && ending->reason.code == CODE_DECISION ? 1 : 0;
	set_aside(running, move->uuid, ending->reason);
}

/* The next move that may start now; move_count when there is none. */
static size_t next_move(const struct running *running)
{
	size_t i = 0;
	while (i < running->plan->move_count &&
	       (running->progress[i].state != MOVE_PENDING || running->plan->moves[i].waits != NULL)) {
		i++;
	}
	return i;
}

/*
 * One move, and what is told of it. *ret_again: the plan is over, by its last move or because something is not as it
 * expects; there is to be another.
 */
static int make_move(struct running *running, size_t index, bool *ret_again, struct error *err)
{
	const struct pass_listener *listener = running->pass->listener;
	const struct move *move = &running->plan->moves[index];
	if (!look_at_pair(running, move)) {
		note(running,
		     arena_print(running->arena, "%s or %s has changed: planning again", move->from, move->to));
		*ret_again = true;
		return 0;
	}
	if (listener->begin != NULL) {
		listener->begin(listener->data, running->plan, index);
	}
	running->progress[index].state = MOVE_RUNNING;
	struct move_ending ending = try_move(running, move);
	account(running, index, &ending);
	look_at_pair(running, move);
	running->inventory = remember_places(running->arena, running->pass->desired, running->inventory);
	if (listener->end != NULL) {
		listener->end(listener->data, running->plan, index, &ending);
	}
	struct ended_move ended = {
	        .move = move,
	        .progress = &running->progress[index],
	        .step = index + 1,
	        .steps = running->plan->move_count,
	};
	const struct plan *shown = running->plan;
	struct move_progress *progress = running->progress;
	*ret_again = ending.ending != ENDED_DONE || next_move(running) == running->plan->move_count;
	if (!*ret_again) {
		return tell(running, running->plan, &ended, err);
	}
	/* What is left now is told with the move: its commit and the state that it leads to are one. */
	make_plan(running);
	const struct plan *left = running->plan;
	running->plan = shown;
	struct move_progress *fresh = running->progress;
	running->progress = progress;
	int r = tell(running, left, &ended, err);
	running->plan = left;
	running->progress = fresh;
	return r;
}

/* Asked once, of the first plan: what later ones do is what was agreed to then. */
static bool is_wanted(struct running *running)
{
	const struct pass *pass = running->pass;
	if (pass->only_plan != NULL && !text_equal(pass->only_plan, running->plan->id)) {
		running->result->other_plan = true;
		return false;
	}
	bool asks = next_move(running) < running->plan->move_count && pass->listener->plan != NULL;
	running->result->declined = asks && !pass->listener->plan(pass->listener->data, running->plan);
	return !running->result->declined;
}

static int carry_out(struct running *running, struct error *err)
{
	int surprises = 0;
	int r = tell(running, running->plan, NULL, err);
	while (r == 0 && next_move(running) < running->plan->move_count) {
		if (is_stopping(running)) {
			running->result->stopped = true;
			break;
		}
		bool again = false;
		size_t done = running->result->done;
		size_t aside = running->aside_count;
		r = make_move(running, next_move(running), &again, err);
		if (r == 0 && again && done == running->result->done && aside == running->aside_count) {
			if (++surprises > MOST_SURPRISES) {
				running->result->stopped = true;
				break;
			}
			look_at_all(running);
			make_plan(running);
			r = tell(running, running->plan, NULL, err);
		}
	}
	return r;
}

int pass_run(struct arena *arena, const struct pass *pass, struct pass_result *ret_result, struct error *err)
{
	static const struct pass_listener silent = {0};
	struct pass listened = *pass;
	listened.listener = pass->listener == NULL ? &silent : pass->listener;
	struct pass_result result = {0};
	struct running running = {
	        .arena = arena,
	        .pass = &listened,
	        .result = &result,
	        .execution = {.arena = arena, .world = pass->world, .record = pass->publisher.record},
	};
	struct watcher watcher = {.tell = tell_progress, .data = &running};
	running.execution.watcher = &watcher;
	const struct inventory *recorded = NULL;
	int r = publish_recorded(arena, pass->publisher.record, &recorded, err);
	if (r == 0) {
		running.inventory = recorded == NULL ? NULL : remember_figures(arena, recorded, NULL);
		running.plan = &(const struct plan){0};
		r = recover(&running, err);
	}
	if (r == 0) {
		look_at_all(&running);
		make_plan(&running);
		r = is_wanted(&running) ? carry_out(&running, err) : 0;
	}
	result.plan = running.plan;
	result.inventory = running.inventory;
	result.open = running.open;
	result.nobody = result.phase == PHASE_DISCONNECTED;
	*ret_result = result;
	return r;
}

int pass_refuse(struct arena *arena, const struct publisher *publisher, const char *commit,
                const struct problem_list *problems, const char **ret_push_error, struct error *err)
{
	const struct inventory *recorded = NULL;
	const char *good = NULL;
	int r = publish_recorded(arena, publisher->record, &recorded, err);
	if (r == 0) {
		r = publish_good_commit(arena, publisher->record, &good, err);
	}
	if (r < 0) {
		return r;
	}
	const struct inventory nothing = {0};
	const struct status status = {
	        .desired = good,
	        .phase = PHASE_INVALID,
	        .counts = publish_counts(arena, publisher->record),
	        .reason = arena_print(arena, "commit %.12s has %zu error%s", commit, problems->count,
	                              problems->count == 1 ? "" : "s"),
	        .error = arena_print(arena, "commit %s is not valid; nothing of it is acted on", commit),
	        .problems = problems->lines,
	        .problem_count = problems->count,
	};
	return publish_status(arena, publisher, &status, recorded == NULL ? &nothing : recorded, NULL, ret_push_error,
	                      err);
}
