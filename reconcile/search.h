/*
 * The exact search: over all positions that moves can lead to, cheapest first, for the hard cases of small fleets
 * (spec section 4: as few blocked as can be found, then the fewest moves, then the fewest bytes).
 *
 * A* over states; the estimate is the number of VMs that must still move. It ends with the best plan there is, or, when
 * the counted work is used up, with the best end seen so far. Pure.
 */
#ifndef BERTH_SEARCH_H
#define BERTH_SEARCH_H

#include "reconcile/order.h"

struct finding {
	bool found;      /* a state that a plan may end in (the start itself counts) */
	bool exhaustive; /* there is no better one */
	uint32_t unplaced;
	struct route route;
};

/* draft with the wishes of place_alone(). work: so many questions whether a move is allowed. */
struct finding search_exact(const struct draft *draft, uint64_t work);

/* Is the fleet small enough to be worth a try? */
bool search_suits(const struct draft *draft);

#endif
