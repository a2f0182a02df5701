/*
 * The exact search: over all positions that moves can lead to, cheapest first, for the hard cases of small fleets and
 * of small parts of large ones (spec section 4: as few blocked as can be found, then the fewest moves, then the fewest
 * bytes).
 *
 * A* over states; the estimate is the number of VMs that must still move. It ends with the best plan there is, or, when
 * the counted work is used up, with the best end seen so far. Pure.
 */
#ifndef BERTH_SEARCH_H
#define BERTH_SEARCH_H

#include "reconcile/judge.h"
#include "reconcile/order.h"

struct finding {
	bool found;      /* a state that a plan may end in (that before the first move counts) */
	bool exhaustive; /* there is no better one within the scope */
	uint32_t unplaced;
	struct route route; /* from `from` on */
};

/*
 * draft has the wishes of place_alone(). Starts at `from` and moves the scope's VMs between the scope's hosts. work: so
 * many questions whether a move is allowed. pauses: it is enough if a plan may go on from its end.
 */
struct finding search_exact(const struct draft *draft, const struct simulation *from, const struct scope *scope,
                            uint64_t work, bool pauses);

/* Is the scope small enough to be worth a try? */
bool search_suits(const struct scope *scope);

#endif
