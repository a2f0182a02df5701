#include "reconcile/hop.h"

#include "state/arena.h"

/*
 * A VM makes at most so many hops, and so many are made for one VM: that ends every search, and soon where there is no
 * way.
 */
enum { HOPS_AT_MOST = 2, HOPS_FOR_ONE = 12 };

struct hop {
	uint32_t vm;
	uint32_t to;
	uint32_t lets_pass;
	uint32_t extra; /* moves more than without it: two for a VM in its place that has to come back later */
	bool for_good;  /* one in its place that need not come back */
	bool crowds;    /* `to` is a host that others still want to go to */
	bool opens;     /* lets_pass can go at once */
	uint64_t bytes;
	int64_t free; /* on `to` */
};

static bool is_better(const struct hop *a, const struct hop *b)
{
	if (b->vm == NOWHERE || a->opens != b->opens) {
		return b->vm == NOWHERE || a->opens;
	}
	if (a->extra != b->extra) {
		return a->extra < b->extra;
	}
	if (a->crowds != b->crowds) {
		return !a->crowds;
	}
	if (a->bytes != b->bytes) {
		return a->bytes < b->bytes;
	}
	return a->free > b->free;
}

/* Can it get to its goal from there at all, room aside? */
static bool leads_on(const struct way *way, uint32_t vm, uint32_t via)
{
	return obstacle_absent(way->draft->fleet, vm, via, way->draft->wishes[vm].goal, NULL);
}

/* Might it as well stay there: one that is free to choose, and for which there is a place to the end? */
static bool may_stay_there(const struct way *way, uint32_t vm, uint32_t host)
{
	struct draft *draft = way->draft;
	const struct wish *wish = &draft->wishes[vm];
	if (!place_is_sticky(draft, vm) || wish->why != WHY_NONE || wish->grouped != NULL) {
		return false;
	}
	simulate_move(draft->final, vm, NOWHERE);
	bool may = place_could_end_on(draft, vm, host);
	simulate_move(draft->final, vm, wish->goal);
	return may;
}

/* The best host for `vm` to step aside to, so that `passes` gets nearer to its goal. */
static void try_hop(struct way *way, uint32_t vm, uint32_t passes, struct hop *best)
{
	const struct draft *draft = way->draft;
	uint32_t goal = draft->wishes[vm].goal;
	for (uint32_t host = 0; host < draft->fleet->host_count; host++) {
		if (host == goal || host == way->sim->at[vm] ||
		    !simulate_has_room(way->sim, vm, way->sim->at[vm], host, NULL)) {
			continue;
		}
		struct step step = {.vm = vm, .from = way->sim->at[vm], .to = host};
		struct hop hop = {
		        .vm = vm,
		        .to = host,
		        .lets_pass = passes,
		        .extra = 1,
		        .crowds = way->coming[host] > 0,
		        .bytes = step_bytes(draft->fleet, &step),
		        .free = simulate_free(way->sim, host),
		        .opens = true,
		};
		if (!is_better(&hop, best) || !simulate_allows(way->sim, vm, host, NULL)) {
			continue;
		}
		hop.for_good = !way_is_pending(way, vm) && may_stay_there(way, vm, host);
		hop.extra = way_is_pending(way, vm) || hop.for_good ? 1 : 2;
		if (!is_better(&hop, best) || (!hop.for_good && !leads_on(way, vm, host))) {
			continue;
		}
		simulate_move(way->sim, vm, host);
		hop.opens = simulate_allows(way->sim, passes, draft->wishes[passes].goal, NULL);
		simulate_move(way->sim, vm, step.from);
		if (is_better(&hop, best)) {
			*best = hop;
		}
	}
}

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

/* Stepping aside makes sense where the pending VM wants to go. */
static void try_for(struct way *way, const struct standing_on *list, uint32_t passes, bool also_stays, struct hop *best)
{
	uint32_t goal = way->draft->wishes[passes].goal;
	for (uint32_t i = list->first[goal]; way->helped[passes] < HOPS_FOR_ONE && i < list->first[goal + 1]; i++) {
		uint32_t vm = list->order[i];
		if (vm != passes && (also_stays || way_is_pending(way, vm)) &&
		    may_step_aside(way, vm, list->most_free)) {
			try_hop(way, vm, passes, best);
		}
	}
}

bool hop_make(struct way *way)
{
	struct hop best = {.vm = NOWHERE};
	struct standing_on list = list_standing(way);
	for (uint32_t i = 0; i < way->pending_count; i++) {
		try_for(way, &list, way->pending[i], false, &best);
	}
	for (uint32_t i = 0; i < way->pending_count && (best.vm == NOWHERE || !best.opens); i++) {
		try_for(way, &list, way->pending[i], true, &best);
	}
	if (best.vm == NOWHERE) {
		return false;
	}
	if (best.for_good) {
		simulate_move(way->draft->final, best.vm, best.to);
		way->draft->wishes[best.vm] =
		        (struct wish){.why = WHY_ROOM, .goal = best.to, .flexible = true, .wanted = NOWHERE};
	} else if (!way_is_pending(way, best.vm)) {
		way->pending[way->pending_count++] = best.vm;
	}
	way->hops[best.vm]++;
	way->helped[best.lets_pass]++;
	way_step(way, best.vm, best.to, !best.for_good, best.for_good ? NOWHERE : best.lets_pass);
	return true;
}
