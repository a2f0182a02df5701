/*
 * Hops: when no VM can go to its place, one of those in the way steps aside, to a host that is not its place.
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
	uint8_t *helped;  /* by VM: hops made to let it pass */
};

bool way_is_pending(const struct way *way, uint32_t vm);
void way_step(struct way *way, uint32_t vm, uint32_t to, bool hop, uint32_t lets_pass);

/* Makes the hop of the fewest bytes that lets a pending VM go to its place. Returns false when there is none. */
bool hop_make(struct way *way);

#endif
