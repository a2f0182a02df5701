/*
 * From what is wanted and what is to an ordered plan: diff, place and order, one after another (spec section 4).
 *
 *     const struct plan *plan = planner_plan(arena, desired, inventory, &(struct planner_options){.effort = 1});
 *
 * The same input gives the same plan, whatever the order, the clock and the machine: work is counted, never timed.
 * Pure. What is borrowed from desired and inventory must outlive the plan.
 */
#ifndef BERTH_PLANNER_H
#define BERTH_PLANNER_H

#include "state/plan.h"

struct planner_options {
	unsigned int effort; /* multiplies the counted work of searches; 1 by default */
};

/* Never fails: what cannot be planned is in the plan, with its reason. */
const struct plan *planner_plan(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                                const struct planner_options *options);

#endif
