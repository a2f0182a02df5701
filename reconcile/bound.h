/*
 * How many moves any plan needs at least that reaches the same placement of the pinned and follows the same rules for
 * the others, those that are blocked left out (spec section 4).
 */
#ifndef BERTH_BOUND_H
#define BERTH_BOUND_H

#include "reconcile/place.h"

/* done: the wishes that the plan fulfils; end: the state after its last move. */
size_t bound_moves(const struct draft *done, const struct simulation *end);

#endif
