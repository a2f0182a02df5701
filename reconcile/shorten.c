#include "reconcile/shorten.h"

#include "state/arena.h"

#include <string.h>

/* Bounds the work: each try runs through the whole route. */
enum { STEPS_RUN = 400 * 1000, TRIES_AT_MOST = 400 };

static void take_out(struct route *route, uint32_t at)
{
	memmove(route->steps + at, route->steps + at + 1, (route->count - at - 1) * sizeof(*route->steps));
	route->count--;
}

/* Two steps of one VM as one: at the place of the first, or of the second. Both away when it comes back. */
static bool join(const struct draft *draft, struct simulation *sim, struct route *route, uint32_t first,
                 uint32_t second)
{
	struct route trial = *route;
	for (int late = 0; late < 2; late++) {
		trial.count = route->count;
		trial.steps = arena_grow(draft->arena, route->steps, route->count, route->count, sizeof(*trial.steps));
		struct step joined = trial.steps[first];
		joined.to = trial.steps[second].to;
		joined.hop = trial.steps[second].hop;
		trial.steps[late == 1 ? second : first] = joined;
		take_out(&trial, late == 1 ? first : second);
		uint32_t at = late == 1 ? second - 1 : first;
		if (joined.from == joined.to) {
			take_out(&trial, at);
		}
		if (trial.count == 0 || order_is_allowed(sim, trial.steps, 0, trial.count - 1)) {
			memcpy(route->steps, trial.steps, trial.count * sizeof(*trial.steps));
			route->count = trial.count;
			return true;
		}
	}
	return false;
}

/* By step: the next one of the same VM. */
static void list_next(const struct draft *draft, const struct route *route, uint32_t *next)
{
	uint32_t vm_count = draft->fleet->vm_count;
	uint32_t *latest = arena_array(draft->arena, vm_count, sizeof(*latest));
	for (uint32_t vm = 0; vm < vm_count; vm++) {
		latest[vm] = NOWHERE;
	}
	for (uint32_t i = route->count; i-- > 0;) {
		next[i] = latest[route->steps[i].vm];
		latest[route->steps[i].vm] = i;
	}
}

/* What a plan leaves undone; UINT32_MAX when it may not end like that. */
static uint32_t unplaced_after(const struct draft *draft, const struct scope *whole, struct simulation *sim,
                               const struct route *route)
{
	route_apply(sim, route, false);
	uint32_t unplaced = judge_may_end(draft, sim, whole) ? judge_unplaced(draft, sim, whole) : UINT32_MAX;
	route_apply(sim, route, true);
	return unplaced;
}

/* All steps of a VM away, if the others do without and nobody is the worse for it. */
static bool leave_out(const struct draft *draft, const struct scope *whole, struct simulation *sim, struct route *route,
                      uint32_t vm)
{
	struct route trial = {.steps = arena_array(draft->arena, route->count, sizeof(*trial.steps))};
	for (uint32_t i = 0; i < route->count; i++) {
		if (route->steps[i].vm != vm) {
			trial.steps[trial.count++] = route->steps[i];
		}
	}
	bool allowed = trial.count == 0 || order_is_allowed(sim, trial.steps, 0, trial.count - 1);
	uint32_t unplaced = allowed ? unplaced_after(draft, whole, sim, &trial) : UINT32_MAX;
	bool better = unplaced < UINT32_MAX && unplaced <= unplaced_after(draft, whole, sim, route);
	if (better) {
		*route = trial;
	}
	return better;
}

/* It had to leave a home that would be over capacity with it, and is not without it. */
static bool could_be_home(const struct draft *draft, const struct simulation *end, uint32_t vm)
{
	uint32_t home = draft->fleet->vms[vm].home;
	int64_t free = simulate_free(end, home);
	return draft->wishes[vm].why == WHY_NONE &&
	       (end->at[vm] == home || free < 0 || (uint64_t)free >= fleet_claim(draft->fleet, vm, home));
}

void shorten_route(const struct draft *draft, const struct scope *whole, struct route *route)
{
	struct simulation *sim = simulate_copy(draft->arena, draft->start);
	uint32_t left = STEPS_RUN / (route->count + 1) + 1;
	left = left < TRIES_AT_MOST ? left : TRIES_AT_MOST;
	struct simulation *end = simulate_copy(draft->arena, draft->start);
	route_apply(end, route, false);
	for (uint32_t i = 0; i < route->count && left > 0;) {
		uint32_t vm = route->steps[i].vm;
		bool tried = could_be_home(draft, end, vm);
		left -= tried ? 1 : 0;
		if (tried && leave_out(draft, whole, sim, route, vm)) {
			simulate_move(end, vm, draft->fleet->vms[vm].home);
			i = 0;
		} else {
			i++;
		}
	}
	uint32_t *next = arena_array(draft->arena, route->count, sizeof(*next));
	list_next(draft, route, next);
	for (uint32_t i = 0; i < route->count && left > 0;) {
		if (next[i] == NOWHERE) {
			i++;
			continue;
		}
		left--;
		if (!join(draft, sim, route, i, next[i])) {
			i++;
			continue;
		}
		/* What has changed may have made room for more: once again from the beginning. */
		list_next(draft, route, next);
		i = 0;
	}
	route->bytes = 0;
	for (uint32_t i = 0; i < route->count; i++) {
		route->bytes += step_bytes(draft->fleet, &route->steps[i]);
	}
}
