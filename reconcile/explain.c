#include "reconcile/explain.h"

#include "reconcile/wait.h"
#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"

#include <stdlib.h>

/* Why it leaves its home, or comes back to it. */
static const char *explain_wish(struct arena *arena, const struct draft *draft, const struct step *step)
{
	const struct fleet *fleet = draft->fleet;
	const struct fleet_vm *vm = &fleet->vms[step->vm];
	const struct wish *wish = &draft->wishes[step->vm];
	const char *home = fleet->hosts[vm->home].name;
	if (wish->barred && step->to == vm->home) {
		return "back from its hop";
	}
	switch (wish->why) {
	case WHY_NONE:
		return "back from its hop";
	case WHY_PINNED:
		return arena_print(arena, "pinned to %s", fleet->hosts[step->to].name);
	case WHY_MAINTENANCE:
		return arena_print(arena, "%s is in maintenance", home);
	case WHY_ENTRY:
		return arena_print(arena, "its entry does not name %s", home);
	case WHY_RULE:
		return arena_print(arena, "policy %s does not admit it on %s", wish->rule->policy->name, home);
	case WHY_CROWD:
		return arena_print(arena, "policy %s: one too many on %s", wish->rule->policy->name, home);
	case WHY_TOGETHER:
		return arena_print(arena, "policy %s: to be with the others", wish->rule->policy->name);
	case WHY_OVER:
		return arena_print(arena, "%s is over capacity by %s", home,
		                   units_size_short(arena, -simulate_free(draft->start, vm->home)));
	case WHY_ROOM:
		return arena_print(arena, "makes room on %s", home);
	}
	abort();
}

const char *explain_step(struct arena *arena, const struct draft *draft, const struct step *step)
{
	const struct fleet *fleet = draft->fleet;
	if (step->hop && step->lets_pass == NOWHERE) {
		return "hop";
	}
	if (step->hop) {
		return arena_print(arena, "hop: lets %s go to %s", fleet->vms[step->lets_pass].name,
		                   fleet->hosts[step->from].name);
	}
	const char *wish = explain_wish(arena, draft, step);
	return fleet->vms[step->vm].drifted ? arena_print(arena, "drifted: %s", wish) : wish;
}

/* An entry that stays outside of places and orders; NULL for a VM that the planner may move or that is no entry. */
static const struct reason *reason_apart(struct arena *arena, const struct fleet *fleet, uint32_t vm)
{
	const struct fleet_vm *v = &fleet->vms[vm];
	struct reason *reason = arena_alloc(arena, sizeof(*reason));
	switch (v->standing) {
	case STANDS_BUSY:
		*reason = (struct reason){CODE_BUSY, arena_print(arena, "%s is being migrated", v->name)};
		return reason;
	case STANDS_STRAY:
		*reason = (struct reason){CODE_CONNECTION,
		                          arena_print(arena, "%s is on %s, which is no host of the desired placement",
		                                      v->name, fleet->hosts[v->home].name)};
		return reason;
	case STANDS_MANAGED:
	case STANDS_UNMANAGED:
	case STANDS_UNKNOWN:
	case STANDS_STALE:
	case STANDS_DECISION:
	case STANDS_CONFLICT:
		break;
	}
	return NULL;
}

/* Is it where its entry and the policies that look at it alone want it? */
static bool is_placed(const struct draft *done, const struct simulation *end, uint32_t vm)
{
	const struct wish *wish = &done->wishes[vm];
	bool parted = wish->barred && wish->why == WHY_TOGETHER;
	return !place_may_move(done, vm) || (fleet_suits(done->fleet, vm, end->at[vm]) && !parted);
}

void explain_blocked(const struct draft *done, const struct simulation *end, struct plan *plan)
{
	const struct fleet *fleet = done->fleet;
	struct arena *arena = done->arena;
	struct waiting waiting;
	wait_begin(&waiting, done, end);
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		if (!is_placed(done, end, vm)) {
			wait_add(&waiting, vm);
		}
	}
	wait_add_residue(&waiting);
	wait_resolve(&waiting);
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		const struct reason *reason = reason_apart(arena, fleet, vm);
		if (reason == NULL && waiting.blocked[vm]) {
			reason = wait_reason(&waiting, vm);
		}
		bool listed = plan->blocked_count > 0 &&
		              text_equal(plan->blocked[plan->blocked_count - 1].vm, fleet->vms[vm].name);
		if (reason != NULL && !listed) {
			ARENA_ADD(arena, plan->blocked, plan->blocked_count) =
			        (struct blocked_vm){fleet->vms[vm].name, *reason};
		}
	}
}
