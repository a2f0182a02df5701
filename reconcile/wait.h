/*
 * What blocked VMs wait for: each for a place of its own, or one for another that is blocked, or several in a ring.
 * Inside of explain only.
 */
#ifndef BERTH_WAIT_H
#define BERTH_WAIT_H

#include "reconcile/place.h"
#include "state/plan.h"

struct waiting {
	const struct draft *done;
	const struct simulation *end; /* after the last move */
	struct simulation *loose;     /* the same with all blocked VMs lifted off */
	bool *blocked;                /* by VM */
	uint32_t *order;              /* the blocked, by name */
	uint32_t count;
	struct obstacle *obstacles; /* by VM; NONE: only other blocked VMs are in its way */
	uint32_t *targets;          /* by VM: the host that it is nearest to; NOWHERE: no host suits it */
	bool **waits_for;           /* by VM: for which of the others; NULL for none */
};

void wait_begin(struct waiting *waiting, const struct draft *done, const struct simulation *end);
void wait_add(struct waiting *waiting, uint32_t vm);

/* Adds those that should give way on hosts that are still over capacity or crowded. */
void wait_add_residue(struct waiting *waiting);

/* Once all are added: finds out who waits for what. */
void wait_resolve(struct waiting *waiting);

const struct reason *wait_reason(const struct waiting *waiting, uint32_t vm);

#endif
