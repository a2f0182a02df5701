/*
 * The moves of a group that is to stand together, brought next to each other where memory allows (spec section 2).
 * Pure.
 */
#ifndef BERTH_TOGETHER_H
#define BERTH_TOGETHER_H

#include "reconcile/order.h"

/* Reorders the steps of a complete route; every step stays allowed. */
void together_adjoin(const struct draft *done, struct route *route);

#endif
