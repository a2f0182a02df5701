/*
 * Steps that a route can do without: a VM that moves twice might as well have gone the whole way at once. Pure.
 */
#ifndef BERTH_SHORTEN_H
#define BERTH_SHORTEN_H

#include "reconcile/order.h"

/* Takes out what it can; every step that is left stays allowed, and everybody ends where he ended. */
void shorten_route(const struct draft *draft, struct route *route);

#endif
