/*
 * The way back, turned round: an order is looked for from the end of a draft to its start, and its steps are made the
 * other way. What is a dead end one way is none the other way. Pure.
 */
#ifndef BERTH_TURN_H
#define BERTH_TURN_H

#include "reconcile/order.h"

/*
 * draft has its goals in draft->final. Every step of what is returned is allowed from draft->start on; which of them
 * are hops is not told. Returns false when there is no such way: RAM alone never minds the direction, but policies and
 * disks may.
 */
bool turn_order(const struct draft *draft, struct route *ret_route);

#endif
