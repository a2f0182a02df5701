#include "reconcile/summary.h"

#include "reconcile/fleet.h"
#include "state/arena.h"

static size_t count_in_place(struct arena *arena, const struct desired *desired, const struct inventory *inventory)
{
	const struct fleet *fleet = fleet_build(arena, desired, inventory);
	size_t count = 0;
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		count += fleet->vms[vm].standing == STANDS_MANAGED && fleet_suits(fleet, vm, fleet->vms[vm].home) ? 1
		                                                                                                  : 0;
	}
	return count;
}

static size_t count_left(const struct plan *plan, const struct move_progress *progress)
{
	size_t left = 0;
	for (size_t i = 0; i < plan->move_count; i++) {
		bool over = progress != NULL && progress[i].state != MOVE_PENDING && progress[i].state != MOVE_RUNNING;
		left += over ? 0 : 1;
	}
	return left;
}

/* Nothing is in the way of any move, and none may start now. What is tried again later is not held: it goes on by
 * itself.
 */
static bool all_wait(const struct plan *plan)
{
	for (size_t i = 0; i < plan->move_count; i++) {
		const struct reason *waits = plan->moves[i].waits;
		if (waits == NULL || waits->code == CODE_DELAY) {
			return false;
		}
	}
	return plan->move_count > 0;
}

/* The first move that waits for its next attempt, where there is nothing else to be done; NULL otherwise. */
static const struct move *tried_again(const struct plan *plan)
{
	const struct move *found = NULL;
	for (size_t i = 0; i < plan->move_count; i++) {
		const struct move *move = &plan->moves[i];
		if (move->waits == NULL) {
			return NULL;
		}
		found = found == NULL && move->waits->code == CODE_DELAY ? move : found;
	}
	return found;
}

static bool one_answered(const struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->host_count; i++) {
		if (host_is_connected(&inventory->hosts[i])) {
			return true;
		}
	}
	return inventory->host_count == 0;
}

/* The first that applies, in the order of the enum. */
static enum phase choose_phase(const struct status *status, const struct desired *desired,
                               const struct inventory *inventory, size_t open)
{
	const struct plan *plan = status->plan;
	if (plan->decision_count > 0 || open > 0) {
		return PHASE_NEEDS_DECISION;
	}
	if (!one_answered(inventory)) {
		return PHASE_DISCONNECTED;
	}
	if (desired->hold != NULL || (status->counts.to_move > 0 && all_wait(plan))) {
		return PHASE_HELD;
	}
	if (status->counts.to_move > 0) {
		return PHASE_PROGRESSING;
	}
	if (plan->blocked_count > 0 || plan->unknown_count > 0 || plan->conflict_count > 0) {
		return PHASE_BLOCKED;
	}
	return plan->drift_count > 0 ? PHASE_DRIFTED : PHASE_IN_SYNC;
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static const char *reason_of(struct arena *arena, const struct status *status, const struct desired *desired,
                             size_t open)
{
	const struct plan *plan = status->plan;
	size_t decisions = plan->decision_count > 0 ? plan->decision_count : open;
	size_t stuck = plan->blocked_count + plan->unknown_count + plan->conflict_count;
	const struct move *again = NULL;
	switch (status->phase) {
	case PHASE_INVALID:
		return "the commit is not valid";
	case PHASE_NEEDS_DECISION:
		return arena_print(arena, "%zu VM%s: see decisions", decisions, plural(decisions));
	case PHASE_DISCONNECTED:
		return "not one host answers";
	case PHASE_HELD:
		if (desired->hold == NULL) {
			return arena_print(arena, "%s: %s", plan->moves[0].vm, plan->moves[0].waits->text);
		}
		return desired->hold[0] == '\0' ? "held" : desired->hold;
	case PHASE_PROGRESSING:
		again = tried_again(plan);
		return arena_print(arena, "%zu move%s to make%s%s%s%s", status->counts.to_move,
		                   plural(status->counts.to_move), again == NULL ? "" : "; ",
		                   again == NULL ? "" : again->vm, again == NULL ? "" : ": ",
		                   again == NULL ? "" : again->waits->text);
	case PHASE_BLOCKED:
		return plan->blocked_count > 0
		               ? arena_print(arena, "%zu VM%s: %s: %s", stuck, plural(stuck), plan->blocked[0].vm,
		                             plan->blocked[0].reason.text)
		               : arena_print(arena, "%zu VM%s unknown or in conflict", stuck, plural(stuck));
	case PHASE_DRIFTED:
		return arena_print(arena, "%zu VM%s", plan->drift_count, plural(plan->drift_count));
	case PHASE_IN_SYNC:
		return "";
	}
	return "";
}

struct status summary_make(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                           const struct plan *plan, const struct move_progress *progress, size_t open)
{
	struct status status = {
	        .desired = desired->commit,
	        .plan = plan,
	        .progress = progress,
	        .counts =
	                {
	                        .vms = desired->vm_count,
	                        .in_place = count_in_place(arena, desired, inventory),
	                        .to_move = count_left(plan, progress),
	                        .blocked = plan->blocked_count,
	                        .drifted = plan->drift_count,
	                        .unmanaged = plan->unmanaged_count,
	                        .missing = plan->missing_count,
	                        .unknown = plan->unknown_count,
	                },
	};
	status.phase = choose_phase(&status, desired, inventory, open);
	status.reason = reason_of(arena, &status, desired, open);
	return status;
}
