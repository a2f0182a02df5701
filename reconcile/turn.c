#include "reconcile/turn.h"

#include "state/arena.h"

/* From the end of the draft to its start. */
static struct draft *turn_draft(const struct draft *draft)
{
	struct draft *turned = draft_create(draft->arena, fleet_after(draft->arena, draft->final));
	turned->work_left = draft->work_left;
	for (uint32_t vm = 0; vm < draft->fleet->vm_count; vm++) {
		uint32_t goal = draft->fleet->vms[vm].home;
		turned->wishes[vm] = (struct wish){.goal = goal, .barred = draft->wishes[vm].barred, .wanted = NOWHERE};
		if (turned->final->at[vm] != goal) {
			simulate_move(turned->final, vm, goal);
		}
	}
	return turned;
}

bool turn_order(const struct draft *draft, struct route *ret_route)
{
	struct draft *done;
	struct route back = order_best(turn_draft(draft), &done);
	if (back.stuck_count > 0 || back.count == 0) {
		return false;
	}
	struct route route = {.steps = arena_array(draft->arena, back.count, sizeof(*route.steps)),
	                      .count = back.count};
	for (uint32_t i = 0; i < back.count; i++) {
		const struct step *step = &back.steps[back.count - 1 - i];
		route.steps[i] =
		        (struct step){.vm = step->vm, .from = step->to, .to = step->from, .lets_pass = NOWHERE};
		route.bytes += step_bytes(draft->fleet, &route.steps[i]);
	}
	struct simulation *sim = simulate_copy(draft->arena, draft->start);
	if (!order_is_allowed(sim, route.steps, 0, route.count - 1)) {
		return false;
	}
	*ret_route = route;
	return true;
}
