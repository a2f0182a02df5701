/*
 * Steps that a route can do without: a VM that moves twice might as well have gone the whole way at once, and one that
 * made way for others might as well have stayed. Pure.
 */
#ifndef BERTH_SHORTEN_H
#define BERTH_SHORTEN_H

#include "reconcile/judge.h"
#include "reconcile/order.h"

/*
 * Takes out what it can. Every step that is left stays allowed, and everybody ends where he ended, but those who may as
 * well be at home. draft has the wishes of place_alone().
 */
void shorten_route(const struct draft *draft, const struct scope *whole, struct route *route);

#endif
