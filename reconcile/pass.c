#include "reconcile/pass.h"

#include "reconcile/gate.h"
#include "reconcile/holds.h"
#include "reconcile/pass_data.h"
#include "reconcile/planner.h"
#include "reconcile/preflight.h"
#include "reconcile/remember.h"
#include "reconcile/retry.h"
#include "state/arena.h"
#include "state/inventory.h"
#include "state/text.h"

#include <time.h>

/* Plans that were dropped because a host was not as expected: a fleet that changes so fast is looked at again later. */
enum { MOST_SURPRISES = 5 };

void pass_note(const struct running *running, const char *line)
{
	const struct pass_listener *listener = running->pass->listener;
	if (listener->note != NULL) {
		listener->note(listener->data, line);
	}
}

void pass_set_aside(struct running *running, const char *uuid, struct reason why)
{
	ARENA_ADD(running->arena, running->aside, running->aside_count) = (struct set_aside){
	        .uuid = uuid,
	        .why = {.code = why.code, .reason = why.text},
	};
}

bool pass_is_in_record(struct running *running, const char *uuid, const char *from, const char *to)
{
	struct move_entries entries = {0};
	record_read_moves(running->pass->publisher.record, running->arena, &entries, NULL);
	for (size_t i = 0; i < entries.count; i++) {
		const struct move_entry *found = &entries.items[i];
		if (text_equal(found->uuid, uuid) && text_equal(found->from, from) && text_equal(found->to, to)) {
			return true;
		}
	}
	return false;
}

int pass_keep_failures(struct running *running, struct error *err)
{
	const char *text = failures_write(running->arena, &running->failures);
	if (text_equal(text, running->failures_text)) {
		return 0;
	}
	running->failures_text = text;
	return record_write_failures(running->pass->publisher.record, &running->failures, err);
}

static int read_failures(struct running *running, struct error *err)
{
	struct failures known = {0};
	int r = record_read_failures(running->pass->publisher.record, running->arena, &known, err);
	if (r == 0) {
		running->failures_text = failures_write(running->arena, &known);
		running->failures = retry_begin(&known, running->pass->desired->commit);
	}
	return r;
}

int64_t pass_now(const struct running *running)
{
	return running->pass->now == NULL ? (int64_t)time(NULL) : running->pass->now();
}

static bool is_stopping(const struct running *running)
{
	const struct pass_listener *listener = running->pass->listener;
	return listener->stopping != NULL && listener->stopping(listener->data);
}

static void look_at_all(struct running *running, unsigned int how)
{
	const struct world *world = &running->pass->world;
	const struct inventory *fresh = world->functions->look(world->data, running->arena, NULL, 0, how);
	struct inventory *merged = remember_merge(running->arena, fresh, running->inventory);
	running->inventory = remember_places(running->arena, running->pass->desired, merged);
}

const struct inventory *pass_view(const struct running *running)
{
	struct set_aside *aside = NULL;
	size_t count = 0;
	holds_set_aside(running->arena, &running->holds, running->inventory, running->aside, running->aside_count,
	                &aside, &count);
	return remember_set_aside(running->arena, running->inventory, aside, count);
}

/* What people hold by now. They may do so at any time: it is asked before each plan and each move. */
static int take_holds(struct running *running, bool *ret_changed, struct error *err)
{
	struct hold_list list = {0};
	int r = holds_read(running->arena, running->pass->publisher.record, &list, err);
	if (r == 0) {
		r = holds_expire(running->arena, running->pass->publisher.record, running->pass->desired, &list, err);
	}
	if (r == 0) {
		*ret_changed =
		        !text_equal(hold_write(running->arena, &list), hold_write(running->arena, &running->holds));
		running->holds = list;
		running->desired = holds_apply(running->arena, running->pass->desired, &list);
	}
	return r;
}

static int make_plan(struct running *running, struct error *err)
{
	const struct pass *pass = running->pass;
	const struct planner_options options = {.effort = pass->effort == 0 ? 1 : pass->effort};
	const struct inventory *view = pass_view(running);
	const struct plan *plan = planner_plan(running->arena, running->desired, view, &options);
	running->failures = retry_keep(running->arena, &running->failures, pass->desired, plan);
	bool approved = false;
	int r = pass_ask_consent(running, plan, &approved, err);
	const struct gating gating = {
	        .now = pass_now(running),
	        .failures = pass->retries ? &running->failures : NULL,
	        .limits = pass->limits,
	        .row = running->failures.row,
	        .approved = approved,
	};
	running->plan = gate_plan(running->arena, running->desired, view, plan, &gating);
	running->progress = arena_array(running->arena, running->plan->move_count, sizeof(*running->progress));
	running->result->next_attempt = retry_next(&running->failures, running->plan, gating.now);
	return r < 0 ? r : pass_keep_failures(running, err);
}

/* By what libvirt saw at its own last look at the pools: that may have been long ago. */
static bool lacks_space(const struct plan *plan)
{
	bool lacks = false;
	for (size_t i = 0; i < plan->blocked_count; i++) {
		lacks = lacks || plan->blocked[i].reason.code == CODE_SPACE;
	}
	return lacks;
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
	bool same = pass_look_at_pair(running, move, move->disk > 0 ? LOOK_POOLS : LOOK_PLAIN);
	if (!same || !preflight_expects(running->desired, running->inventory,
	                                move)) { /* it may have changed during an earlier move */
		const char *what = same ? move->vm : arena_print(running->arena, "%s or %s", move->from, move->to);
		pass_note(running, arena_print(running->arena, "%s has changed: planning again", what));
		*ret_again = true;
		return 0;
	}
	if (listener->begin != NULL) {
		listener->begin(listener->data, running->plan, index);
	}
	struct move_ending ending = pass_try_move(running, index);
	int r = pass_keep_failures(running, err);
	pass_look_at_pair(running, move, LOOK_PLAIN);
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
	if (r < 0 || !*ret_again) {
		return r < 0 ? r : pass_tell(running, running->plan, &ended, err);
	}
	/* What is left now is told with the move: its commit and the state that it leads to are one. */
	r = make_plan(running, err);
	const struct plan *left = running->plan;
	running->plan = shown;
	struct move_progress *fresh = running->progress;
	running->progress = progress;
	r = r < 0 ? r : pass_tell(running, left, &ended, err);
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

static int plan_anew(struct running *running, struct error *err)
{
	int r = make_plan(running, err);
	return r < 0 ? r : pass_tell(running, running->plan, NULL, err);
}

static int carry_out(struct running *running, struct error *err)
{
	int surprises = 0;
	int r = pass_tell(running, running->plan, NULL, err);
	while (r == 0 && next_move(running) < running->plan->move_count) {
		if (is_stopping(running)) {
			running->result->stopped = true;
			break;
		}
		bool changed = false;
		r = take_holds(running, &changed, err);
		if (r < 0 || changed) {
			r = r < 0 ? r : plan_anew(running, err);
			continue;
		}
		bool again = false;
		size_t tried = running->tried;
		r = make_move(running, next_move(running), &again, err);
		if (r == 0 && again && tried == running->tried) {
			if (++surprises > MOST_SURPRISES) {
				running->result->stopped = true;
				break;
			}
			look_at_all(running, LOOK_PLAIN);
			r = plan_anew(running, err);
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
	const struct inventory *recorded = NULL;
	int r = publish_recorded(arena, pass->publisher.record, &recorded, err);
	if (r == 0) {
		running.inventory = recorded == NULL ? NULL : remember_figures(arena, recorded, NULL);
		running.plan = &(const struct plan){0};
		r = read_failures(&running, err);
	}
	if (r == 0) {
		r = pass_recover(&running, err);
	}
	bool changed = false;
	if (r == 0) {
		r = take_holds(&running, &changed, err);
	}
	if (r == 0) {
		look_at_all(&running, pass->look);
		r = make_plan(&running, err);
	}
	if (r == 0 && lacks_space(running.plan)) {
		look_at_all(&running, LOOK_POOLS);
		r = make_plan(&running, err);
	}
	if (r == 0 && is_wanted(&running)) {
		r = carry_out(&running, err);
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
