#include "reconcile/hop.h"

#include "state/arena.h"

enum {
	HOPS_AT_MOST = 2,   /* of one VM: that ends every search */
	ASIDE_AT_MOST = 16, /* VMs that step aside for one */
};

/* How a VM gets to its goal: those in the way step aside one after the other, then it goes. */
struct opening {
	uint32_t target; /* NOWHERE: there is none */
	struct step aside[ASIDE_AT_MOST];
	uint32_t count;
	uint32_t extra;  /* moves that a plan without hops would not have; one of a VM in its place makes two */
	uint32_t stays;  /* VMs in their places among them */
	uint32_t crowds; /* those that go to a host where others may then lack room */
	uint64_t bytes;
};

/* VMs by the host where they are now: those on `host` are order[first[host]] to order[first[host + 1]]. */
struct standing_on {
	uint32_t *order;
	uint32_t *first;
	int64_t most_free; /* on any host */
};

static struct standing_on list_standing(const struct way *way)
{
	const struct fleet *fleet = way->draft->fleet;
	struct standing_on list = {
	        .order = arena_array(way->draft->arena, fleet->vm_count, sizeof(uint32_t)),
	        .first = arena_array(way->draft->arena, fleet->host_count + 2, sizeof(uint32_t)),
	        .most_free = INT64_MIN,
	};
	/* Counted two places further on, so that filling in leaves each start where it belongs. */
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		list.first[way->sim->at[vm] + 2]++;
	}
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		int64_t free = simulate_free(way->sim, host);
		list.first[host + 2] += list.first[host + 1];
		list.most_free = free > list.most_free ? free : list.most_free;
	}
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		list.order[list.first[way->sim->at[vm] + 1]++] = vm;
	}
	return list;
}

static bool may_step_aside(const struct way *way, uint32_t vm, int64_t most_free)
{
	return way->hops[vm] < HOPS_AT_MOST && place_may_move(way->draft, vm) && !way->draft->wishes[vm].barred &&
	       most_free >= 0 && way->draft->fleet->vms[vm].seen->memory <= (uint64_t)most_free;
}

/* A host to step aside to. */
struct refuge {
	uint32_t host; /* NOWHERE: there is none */
	bool crowds;
	uint64_t bytes;
	int64_t free;
};

/* Large gaps are kept for large VMs. */
static bool is_better_refuge(const struct refuge *a, const struct refuge *b)
{
	if (b->host == NOWHERE || a->crowds != b->crowds) {
		return b->host == NOWHERE || !a->crowds;
	}
	return a->bytes != b->bytes ? a->bytes < b->bytes : a->free < b->free;
}

static void count_work(const struct way *way, uint64_t work)
{
	uint64_t *left = way->draft->work_left;
	*left -= work < *left ? work : *left;
}

/* The best host for `vm` to step aside to; its own goal, if there is room for it now. */
static struct refuge find_refuge(const struct way *way, uint32_t vm)
{
	const struct fleet *fleet = way->draft->fleet;
	uint32_t goal = way->draft->wishes[vm].goal;
	struct step step = {.vm = vm, .from = way->sim->at[vm], .to = goal};
	if (goal != step.from && simulate_allows(way->sim, vm, goal, NULL)) {
		return (struct refuge){.host = goal, .bytes = step_bytes(fleet, &step)};
	}
	struct refuge best = {.host = NOWHERE};
	count_work(way, fleet->host_count);
	for (step.to = 0; step.to < fleet->host_count; step.to++) {
		int64_t free = simulate_free(way->sim, step.to);
		uint64_t claim = fleet_claim(fleet, vm, step.to);
		if (step.to == step.from || step.to == goal || free < 0 || claim > (uint64_t)free) {
			continue;
		}
		struct refuge refuge = {
		        .host = step.to,
		        .crowds = way->coming[step.to] > (uint64_t)free - claim,
		        .bytes = step_bytes(fleet, &step),
		        .free = free,
		};
		if (is_better_refuge(&refuge, &best) && simulate_allows(way->sim, vm, step.to, NULL) &&
		    obstacle_absent(fleet, vm, step.to, goal, NULL)) {
			best = refuge;
		}
	}
	return best;
}

/* How much of what stands in the target's way is left when the VM has gone: 0 when it no longer does. */
static uint64_t left_without(const struct way *way, uint32_t vm, const struct obstacle *obstacle)
{
	uint64_t missing = obstacle_missing(obstacle);
	if (obstacle->kind == OBSTACLE_MEMORY) {
		uint64_t claim = fleet_claim(way->draft->fleet, vm, obstacle->host);
		return missing > claim ? missing - claim : 0;
	}
	struct obstacle after;
	simulate_move(way->sim, vm, NOWHERE);
	bool opens = simulate_has_room(way->sim, obstacle->vm, obstacle->from, obstacle->host, &after);
	simulate_move(way->sim, vm, obstacle->host);
	bool same = !opens && after.kind == obstacle->kind && after.rule == obstacle->rule &&
	            after.other == obstacle->other && after.pool == obstacle->pool;
	return !same ? 0 : after.kind == OBSTACLE_SPACE ? obstacle_missing(&after) : UINT64_MAX;
}

/* Who steps aside next? */
struct choice {
	struct step step;
	struct refuge refuge;
	bool stays;    /* in its place now */
	uint64_t left; /* 0: it is enough if this one goes */
	uint64_t memory;
};

/* One that is enough, the smallest; else the one that helps most. Those that move anyway come first. */
static bool is_better_choice(const struct choice *a, const struct choice *b)
{
	if ((a->left == 0) != (b->left == 0)) {
		return a->left == 0;
	}
	if (a->stays != b->stays) {
		return !a->stays;
	}
	return a->left != b->left ? a->left < b->left : a->memory < b->memory;
}

/* No refuge: nobody can. */
static struct choice choose_next(struct way *way, const struct standing_on *list, const struct obstacle *obstacle,
                                 bool also_stays)
{
	struct choice best = {.refuge.host = NOWHERE};
	count_work(way, list->first[obstacle->host + 1] - list->first[obstacle->host]);
	uint64_t before = obstacle->kind == OBSTACLE_STEP || obstacle->kind == OBSTACLE_IN_THE_WAY
	                          ? UINT64_MAX
	                          : obstacle_missing(obstacle);
	for (uint32_t i = list->first[obstacle->host]; i < list->first[obstacle->host + 1]; i++) {
		uint32_t vm = list->order[i];
		struct choice choice = {
		        .step = {vm, obstacle->host, NOWHERE, true, obstacle->vm},
		        .stays = !way_is_pending(way, vm),
		        .memory = way->draft->fleet->vms[vm].seen->memory,
		};
		if (vm == obstacle->vm || way->sim->at[vm] != obstacle->host || (choice.stays && !also_stays) ||
		    !may_step_aside(way, vm, list->most_free)) {
			continue;
		}
		choice.left = left_without(way, vm, obstacle);
		if (choice.left >= before || (best.refuge.host != NOWHERE && !is_better_choice(&choice, &best))) {
			continue;
		}
		choice.refuge = find_refuge(way, vm);
		if (choice.refuge.host != NOWHERE) {
			choice.step.to = choice.refuge.host;
			choice.step.hop = choice.step.to != way->draft->wishes[vm].goal;
			best = choice;
		}
	}
	return best;
}

/* Of those that cost as much, the largest VM gets in first: later it would be harder. */
static bool is_better_opening(const struct draft *draft, const struct opening *a, const struct opening *b)
{
	if (b->target == NOWHERE || a->extra != b->extra) {
		return b->target == NOWHERE || a->extra < b->extra;
	}
	uint64_t left = draft->fleet->vms[a->target].seen->memory;
	uint64_t right = draft->fleet->vms[b->target].seen->memory;
	if (left != right) {
		return left > right;
	}
	if (a->stays != b->stays) {
		return a->stays < b->stays;
	}
	return a->crowds != b->crowds ? a->crowds < b->crowds : a->bytes < b->bytes;
}

/* Can it still be the better one, with one move more? */
static bool may_win(const struct draft *draft, const struct opening *opening, const struct opening *best)
{
	if (best->target == NOWHERE || opening->extra + 1 != best->extra) {
		return best->target == NOWHERE || opening->extra < best->extra;
	}
	return draft->fleet->vms[opening->target].seen->memory >= draft->fleet->vms[best->target].seen->memory;
}

/* Lets VMs step aside until the target has room, as long as that may be better than the best known. */
static bool open_for(struct way *way, const struct standing_on *list, bool also_stays, struct opening *opening,
                     const struct opening *best)
{
	const struct draft *draft = way->draft;
	uint32_t target = opening->target;
	struct obstacle obstacle;
	while (!simulate_allows(way->sim, target, draft->wishes[target].goal, &obstacle)) {
		if (opening->count == ASIDE_AT_MOST || !may_win(draft, opening, best)) {
			return false;
		}
		struct choice choice = choose_next(way, list, &obstacle, also_stays);
		if (choice.refuge.host == NOWHERE) {
			return false;
		}
		opening->extra += !choice.step.hop ? 0 : choice.stays ? 2 : 1;
		opening->stays += choice.stays ? 1 : 0;
		opening->crowds += choice.refuge.crowds ? 1 : 0;
		opening->bytes += choice.refuge.bytes;
		opening->aside[opening->count++] = choice.step;
		simulate_move(way->sim, choice.step.vm, choice.step.to);
	}
	return is_better_opening(draft, opening, best);
}

static void try_for(struct way *way, const struct standing_on *list, uint32_t target, bool also_stays,
                    struct opening *best)
{
	struct opening opening = {.target = target};
	uint32_t goal = way->draft->wishes[target].goal;
	bool opens = obstacle_absent(way->draft->fleet, target, way->sim->at[target], goal, NULL) &&
	             open_for(way, list, also_stays, &opening, best);
	for (uint32_t i = opening.count; i-- > 0;) {
		simulate_move(way->sim, opening.aside[i].vm, opening.aside[i].from);
	}
	if (opens) {
		*best = opening;
	}
}

bool hop_make(struct way *way)
{
	if (*way->draft->work_left == 0) {
		return false;
	}
	count_work(way, way->draft->fleet->vm_count);
	struct opening best = {.target = NOWHERE};
	struct standing_on list = list_standing(way);
	for (uint32_t i = 0; i < way->pending_count; i++) {
		try_for(way, &list, way->pending[i], false, &best);
	}
	for (uint32_t i = 0; i < way->pending_count && (best.target == NOWHERE || best.extra > 1); i++) {
		try_for(way, &list, way->pending[i], true, &best);
	}
	if (best.target == NOWHERE) {
		return false;
	}
	for (uint32_t i = 0; i < best.count; i++) {
		const struct step *step = &best.aside[i];
		if (!way_is_pending(way, step->vm)) {
			way->pending[way->pending_count++] = step->vm;
		}
		way->hops[step->vm] += step->hop ? 1 : 0;
		way_step(way, step->vm, step->to, step->hop, step->hop ? step->lets_pass : NOWHERE);
	}
	way_step(way, best.target, way->draft->wishes[best.target].goal, false, NOWHERE);
	return true;
}
