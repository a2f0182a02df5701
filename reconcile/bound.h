/*
 * How many moves any plan needs at least that reaches the same placement of the pinned and follows the same rules for
 * the others, those that are blocked left out (spec section 4).
 *
 * It counts: every VM that has to leave its host whatever the others do; of hosts over capacity and of crowded ones, as
 * many of the others as must leave at least; and one hop for every set of hosts in which no first move is possible.
 */
#ifndef BERTH_BOUND_H
#define BERTH_BOUND_H

#include "reconcile/place.h"

/* done: the wishes that the plan fulfils; end: the state after its last move. */
size_t bound_moves(const struct draft *done, const struct simulation *end);

#endif
