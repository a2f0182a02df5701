#include "reconcile/hop.h"

#include "state/arena.h"

/* A VM makes at most so many hops: that ends every search. */
enum { HOPS_AT_MOST = 2 };

struct hop {
	uint32_t vm;
	uint32_t to;
	uint32_t lets_pass;
	bool is_stay; /* a VM in its place steps aside, and comes back later: two moves */
	bool crowds;  /* `to` is a host that others still want to go to */
	bool opens;   /* lets_pass can go at once */
	uint64_t bytes;
	int64_t free; /* on `to` */
};

static bool is_better(const struct hop *a, const struct hop *b)
{
	if (b->vm == NOWHERE || a->opens != b->opens) {
		return b->vm == NOWHERE || a->opens;
	}
	if (a->is_stay != b->is_stay) {
		return !a->is_stay;
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
		        .is_stay = !way_is_pending(way, vm),
		        .crowds = way->coming[host] > 0,
		        .bytes = step_bytes(draft->fleet, &step),
		        .free = simulate_free(way->sim, host),
		        .opens = true,
		};
		if (!is_better(&hop, best) || !simulate_allows(way->sim, vm, host, NULL) || !leads_on(way, vm, host)) {
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

/* Stepping aside makes sense where the pending VM wants to go, and for that VM itself. */
static bool may_step_aside(const struct way *way, uint32_t vm, uint32_t passes)
{
	return vm != passes && way->hops[vm] < HOPS_AT_MOST && place_may_move(way->draft, vm) &&
	       !way->draft->wishes[vm].barred && way->sim->at[vm] == way->draft->wishes[passes].goal;
}

static void try_for(struct way *way, uint32_t passes, bool also_stays, struct hop *best)
{
	for (uint32_t vm = 0; vm < way->draft->fleet->vm_count; vm++) {
		if (may_step_aside(way, vm, passes) && (also_stays || way_is_pending(way, vm))) {
			try_hop(way, vm, passes, best);
		}
	}
}

bool hop_make(struct way *way)
{
	struct hop best = {.vm = NOWHERE};
	for (uint32_t i = 0; i < way->pending_count; i++) {
		try_for(way, way->pending[i], false, &best);
	}
	for (uint32_t i = 0; i < way->pending_count && (best.vm == NOWHERE || !best.opens); i++) {
		try_for(way, way->pending[i], true, &best);
	}
	if (best.vm == NOWHERE) {
		return false;
	}
	if (best.is_stay) {
		way->pending[way->pending_count++] = best.vm;
	}
	way->hops[best.vm]++;
	way_step(way, best.vm, best.to, true, best.lets_pass);
	return true;
}
