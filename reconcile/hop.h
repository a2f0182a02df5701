/*
 * Hops: when no VM can go to its place, those in the way of one step aside, to hosts that are not their places.
 * Inside of order only.
 */
#ifndef BERTH_HOP_H
#define BERTH_HOP_H

#include "reconcile/order.h"

/* An order in the making. */
struct way {
	struct draft *draft;
	enum strategy strategy;
	struct simulation *sim; /* after the steps of the route so far */
	struct route route;
	uint32_t *pending; /* VMs that are not at their goals, in the strategy's order */
	uint32_t pending_count;
	uint64_t *coming; /* by host: claims of the pending that will come */
	uint8_t *hops;    /* by VM: made so far */
};

bool way_is_pending(const struct way *way, uint32_t vm);
void way_step(struct way *way, uint32_t vm, uint32_t to, bool hop, uint32_t lets_pass);

/*
 * Brings a pending VM to its place after as few hops as that takes, for the one that takes the fewest. Returns false
 * when there is none that hops would help.
 */
bool hop_make(struct way *way);

#endif
