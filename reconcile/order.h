/*
 * The order of moves: a way from where everybody is to where the draft's wishes want them, each step allowed by
 * simulate_allows (spec section 4).
 *
 * Direct moves first, those that cannot harm others before those that may; when none is left, a VM whose place is free
 * in choice gets another place, or one makes a hop. What cannot be brought in is told in `stuck`. Pure; the work is
 * bounded by the size of the fleet.
 */
#ifndef BERTH_ORDER_H
#define BERTH_ORDER_H

#include "reconcile/place.h"

struct step {
	uint32_t vm;
	uint32_t from;
	uint32_t to;
	bool hop;
	uint32_t lets_pass; /* of a hop: the VM that it is made for */
};

struct route {
	struct step *steps;
	uint32_t count;
	uint32_t *stuck; /* VMs that are not at their goals when nothing more can be done */
	uint32_t stuck_count;
	uint64_t bytes; /* RAM and disks of all steps */
};

/* Different ways of choosing between moves that are all allowed: what is a dead end for one is none for another. */
enum strategy { STRATEGY_BY_NAME, STRATEGY_LARGE_FIRST, STRATEGY_SMALL_FIRST, STRATEGIES };

/* Goals of flexible VMs may change in draft->wishes on the way. */
struct route order_run(struct draft *draft, enum strategy strategy);

/* The best way that any strategy finds; ret_draft gets a copy of the draft with the wishes that it fulfils. */
struct route order_best(const struct draft *draft, struct draft **ret_draft);

/* Makes all steps of the route in the simulation; back: undoes them, from the last to the first. */
void route_apply(struct simulation *sim, const struct route *route, bool back);

/* Is a the better one: fewer stuck, then fewer moves, then fewer bytes? */
bool route_is_better(const struct route *a, const struct route *b);

/*
 * Are the steps from `first` to `last` allowed, after those before them? The simulation is the start, and is so again
 * at the end: going back undoes every step.
 */
bool order_is_allowed(struct simulation *sim, const struct step *steps, uint32_t first, uint32_t last);

/* Bytes of one step. */
uint64_t step_bytes(const struct fleet *fleet, const struct step *step);

#endif
