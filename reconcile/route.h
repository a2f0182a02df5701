/*
 * From wishes to a way that fulfils them: places, orders, and gives up as few VMs as it can; then, where it is not
 * certain that there is no better way and the fleet is small, searches for one (spec section 4). Pure.
 */
#ifndef BERTH_ROUTE_H
#define BERTH_ROUTE_H

#include "reconcile/order.h"

struct way_found {
	struct route route; /* complete: nobody is stuck */
	struct draft *done; /* the wishes that it fulfils; those given up are barred */
	bool exhaustive;    /* a search has shown that there is no better one */
};

struct way_found route_find(const struct draft *draft, unsigned int effort);

#endif
