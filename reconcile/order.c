#include "reconcile/order.h"
#include "reconcile/hop.h"

#include "state/arena.h"

#include <stdlib.h>

uint64_t step_bytes(const struct fleet *fleet, const struct step *step)
{
	return fleet->vms[step->vm].seen->memory + fleet_travelling_bytes(fleet, step->vm, step->from, step->to);
}

bool route_is_better(const struct route *a, const struct route *b)
{
	if (a->stuck_count != b->stuck_count) {
		return a->stuck_count < b->stuck_count;
	}
	return a->count != b->count ? a->count < b->count : a->bytes < b->bytes;
}

void route_apply(struct simulation *sim, const struct route *route, bool back)
{
	for (uint32_t i = 0; i < route->count; i++) {
		const struct step *step = &route->steps[back ? route->count - 1 - i : i];
		simulate_move(sim, step->vm, back ? step->from : step->to);
	}
}

void way_step(struct way *way, uint32_t vm, uint32_t to, bool hop, uint32_t lets_pass)
{
	struct step *step = &ARENA_ADD(way->draft->arena, way->route.steps, way->route.count);
	*step = (struct step){vm, way->sim->at[vm], to, hop, lets_pass};
	way->route.bytes += step_bytes(way->draft->fleet, step);
	simulate_move(way->sim, vm, to);
}

bool way_is_pending(const struct way *way, uint32_t vm)
{
	return way->sim->at[vm] != way->draft->wishes[vm].goal;
}

static int compare_pending(const void *a, const void *b, void *context)
{
	const struct way *way = context;
	uint32_t left = *(const uint32_t *)a;
	uint32_t right = *(const uint32_t *)b;
	uint64_t left_size = way->draft->fleet->vms[left].seen->memory;
	uint64_t right_size = way->draft->fleet->vms[right].seen->memory;
	if (way->strategy != STRATEGY_BY_NAME && left_size != right_size) {
		bool left_first = (left_size > right_size) == (way->strategy == STRATEGY_LARGE_FIRST);
		return left_first ? -1 : 1;
	}
	return left < right ? -1 : left > right;
}

static void list_pending(struct way *way)
{
	const struct fleet *fleet = way->draft->fleet;
	way->pending = arena_array(way->draft->arena, fleet->vm_count, sizeof(*way->pending));
	way->coming = arena_array(way->draft->arena, fleet->host_count, sizeof(*way->coming));
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		if (way_is_pending(way, vm)) {
			way->pending[way->pending_count++] = vm;
		}
	}
	if (way->pending_count > 1) {
		qsort_r(way->pending, way->pending_count, sizeof(*way->pending), compare_pending, way);
	}
}

/* Drops those that have arrived, and sums up what each host still has to take in. */
static void refresh_pending(struct way *way)
{
	const struct fleet *fleet = way->draft->fleet;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < fleet->host_count; i++) {
		way->coming[i] = 0;
	}
	for (uint32_t i = 0; i < way->pending_count; i++) {
		uint32_t vm = way->pending[i];
		if (way_is_pending(way, vm)) {
			way->pending[kept++] = vm;
			uint32_t goal = way->draft->wishes[vm].goal;
			way->coming[goal] += fleet_claim(fleet, vm, goal);
		}
	}
	way->pending_count = kept;
}

/* A host with room for all that will ever come to it: who goes there first does not matter. */
static bool has_room_for_all(const struct way *way, uint32_t host)
{
	int64_t free = simulate_free(way->sim, host);
	return free >= 0 && way->coming[host] <= (uint64_t)free;
}

static void bring_in(struct way *way, uint32_t vm)
{
	uint32_t goal = way->draft->wishes[vm].goal;
	way->coming[goal] -= fleet_claim(way->draft->fleet, vm, goal);
	way_step(way, vm, goal, false, NOWHERE);
}

static bool make_safe_moves(struct way *way)
{
	bool any = false;
	for (uint32_t i = 0; i < way->pending_count; i++) {
		uint32_t vm = way->pending[i];
		uint32_t goal = way->draft->wishes[vm].goal;
		if (way_is_pending(way, vm) && has_room_for_all(way, goal) &&
		    simulate_allows(way->sim, vm, goal, NULL)) {
			bring_in(way, vm);
			any = true;
		}
	}
	return any;
}

/* One move of those that take room others may need: the one whose leaving is of most use. */
static bool make_best_move(struct way *way)
{
	uint32_t best = NOWHERE;
	int best_use = -1;
	for (uint32_t i = 0; i < way->pending_count; i++) {
		uint32_t vm = way->pending[i];
		uint32_t from = way->sim->at[vm];
		int use = has_room_for_all(way, from) ? 0 : 1;
		if (use > best_use && way_is_pending(way, vm) &&
		    simulate_allows(way->sim, vm, way->draft->wishes[vm].goal, NULL)) {
			best = vm;
			best_use = use;
		}
	}
	if (best != NOWHERE) {
		bring_in(way, best);
	}
	return best != NOWHERE;
}

/* A VM that may end anywhere goes where there is room now, if there is also room at the end. */
static bool choose_other_place(struct way *way)
{
	struct draft *draft = way->draft;
	for (uint32_t i = 0; i < way->pending_count; i++) {
		uint32_t vm = way->pending[i];
		if (!draft->wishes[vm].flexible) {
			continue;
		}
		simulate_move(draft->final, vm, NOWHERE);
		uint32_t best = NOWHERE;
		for (uint32_t host = 0; host < draft->fleet->host_count; host++) {
			bool better = best == NOWHERE ||
			              simulate_free(draft->final, host) > simulate_free(draft->final, best);
			if (better && place_could_end_on(draft, vm, host) &&
			    simulate_allows(way->sim, vm, host, NULL)) {
				best = host;
			}
		}
		if (best != NOWHERE) {
			draft->wishes[vm].goal = best;
		}
		simulate_move(draft->final, vm, draft->wishes[vm].goal);
		if (best != NOWHERE) {
			return true;
		}
	}
	return false;
}

struct route order_run(struct draft *draft, enum strategy strategy)
{
	struct way way = {
	        .draft = draft,
	        .strategy = strategy,
	        .sim = simulate_copy(draft->arena, draft->start),
	        .hops = arena_array(draft->arena, draft->fleet->vm_count, sizeof(*way.hops)),
	};
	list_pending(&way);
	do {
		refresh_pending(&way);
		while (make_safe_moves(&way) || make_best_move(&way)) {
		}
		refresh_pending(&way);
	} while (way.pending_count > 0 && (choose_other_place(&way) || hop_make(&way)));
	way.route.stuck = way.pending;
	way.route.stuck_count = way.pending_count;
	return way.route;
}

static uint32_t count_movers(const struct draft *draft)
{
	uint32_t count = 0;
	for (uint32_t vm = 0; vm < draft->fleet->vm_count; vm++) {
		count += draft->wishes[vm].goal != draft->fleet->vms[vm].home ? 1 : 0;
	}
	return count;
}

struct route order_best(const struct draft *draft, struct draft **ret_draft)
{
	struct route best = {0};
	for (int strategy = 0; strategy < STRATEGIES; strategy++) {
		struct draft *copy = draft_copy(draft);
		struct route route = order_run(copy, (enum strategy)strategy);
		if (strategy == 0 || route_is_better(&route, &best)) {
			best = route;
			*ret_draft = copy;
		}
		if ((best.stuck_count == 0 && best.count == count_movers(draft)) || *draft->work_left == 0) {
			break;
		}
	}
	return best;
}

bool order_is_allowed(struct simulation *sim, const struct step *steps, uint32_t first, uint32_t last)
{
	uint32_t done = 0;
	for (; done <= last; done++) {
		const struct step *step = &steps[done];
		bool allowed = done < first ||
		               (sim->at[step->vm] == step->from && simulate_allows(sim, step->vm, step->to, NULL));
		if (!allowed) {
			break;
		}
		simulate_move(sim, step->vm, step->to);
	}
	bool all = done > last;
	while (done > 0) {
		done--;
		simulate_move(sim, steps[done].vm, steps[done].from);
	}
	return all;
}
