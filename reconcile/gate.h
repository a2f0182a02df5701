/*
 * What keeps a planned move from starting now although nothing is wrong with it: the windows of its VM (spec section
 * 2), its next attempt after one that failed (section 5), the limits (section 8). A plan does not look at the clock;
 * this does, and only marks the plan's moves.
 */
#ifndef BERTH_GATE_H
#define BERTH_GATE_H

#include "state/config.h"
#include "state/desired.h"
#include "state/failures.h"
#include "state/plan.h"

struct gating {
	int64_t now;                     /* seconds since 1970 */
	const struct failures *failures; /* NULL: what failed may be tried again at once */
	const struct limits *limits;     /* NULL: none */
	size_t row;                      /* of failures */
	bool approved;                   /* the plan, by a person */
};

/*
 * The same plan with `waits` set on moves that may not start now, and on those that cannot be made before one that
 * waits; a mark that is there already stays. The windows of a VM add up; a zone that
 * this machine does not know keeps its window closed. inventory: the one that was planned.
 */
const struct plan *gate_plan(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                             const struct plan *plan, const struct gating *gating);

#endif
