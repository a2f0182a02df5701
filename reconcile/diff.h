/*
 * What differs between what is wanted and what is, before anything is moved (spec section 2, "VMs that do not match").
 *
 * diff_classify is the last step of building a fleet; diff_list fills the plan's lists of everything that is no move.
 * VMs are matched by name; what a name stands for is its UUID. Pure.
 */
#ifndef BERTH_DIFF_H
#define BERTH_DIFF_H

#include "reconcile/fleet.h"
#include "state/plan.h"

/* Sets standing, drifted and reported of every VM. */
void diff_classify(struct arena *arena, struct fleet *fleet);

/* drift, missing, unknown, unmanaged, conflicts and decisions of the plan. */
void diff_list(struct arena *arena, const struct fleet *fleet, struct plan *plan);

#endif
