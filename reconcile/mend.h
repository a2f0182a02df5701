/*
 * Small parts of a large fleet searched exactly, for those that a route has left without their place: the hosts that
 * such a VM is on and could go to, with the VMs there (reconcile/search.h). What is found is put behind the route.
 * Pure.
 */
#ifndef BERTH_MEND_H
#define BERTH_MEND_H

#include "reconcile/judge.h"
#include "reconcile/order.h"

/* alone: with the wishes of place_alone(). Returns whether anybody has found a place; the flags `hop` are then stale.
 */
bool mend_route(const struct draft *alone, const struct scope *whole, struct route *route, unsigned int effort);

#endif
