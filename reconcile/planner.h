/*
 * From what is wanted and what is to an ordered plan (spec section 4), in these steps, a file or two each:
 *
 *     fleet, diff     both sides as one numbered model; what may be moved, and what is left alone
 *     place           where each VM shall end: pins, groups (group), who gives way (relief)
 *     order, hop      a way that leads there, each step allowed by simulate
 *     route           gives up as few as it can; then searches for better: all of a small fleet (search), parts of a
 *                     large one (mend); judge is the measure
 *     bound, explain  how few moves there could be; why each move, and why not (wait, ring)
 *
 *     const struct plan *plan = planner_plan(arena, desired, inventory, &(struct planner_options){.effort = 1});
 *
 * The same input gives the same plan, whatever the order, the clock and the machine: work is counted, never timed.
 * Pure. What is borrowed from desired and inventory must outlive the plan.
 */
#ifndef BERTH_PLANNER_H
#define BERTH_PLANNER_H

#include "state/desired.h"
#include "state/plan.h"

struct planner_options {
	unsigned int effort; /* multiplies the counted work of searches; 1 by default */
};

/* Never fails: what cannot be planned is in the plan, with its reason. */
const struct plan *planner_plan(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                                const struct planner_options *options);

/* How a VM in that state is moved whose entry says so. */
enum move_mode planner_mode(enum vm_state state, enum mode wanted);

#endif
