/*
 * What blocked VMs wait for: each for a place of its own, or one for another that is blocked, or several in a ring.
 * Inside of explain only.
 */
#ifndef BERTH_WAIT_H
#define BERTH_WAIT_H

#include "reconcile/place.h"
#include "state/plan.h"

struct vm_list {
	uint32_t *items;
	uint32_t count;
};

struct waiting {
	const struct draft *done;
	const struct simulation *end; /* after the last move */
	struct simulation *loose;     /* the same with all blocked VMs lifted off */
	bool *blocked;                /* by VM */
	struct vm_list all;           /* the blocked, by name */
	struct obstacle *obstacles;   /* by VM; NONE: only other blocked VMs are in its way */
	uint32_t *targets;            /* by VM: the host that it is nearest to; NOWHERE: no host suits it */
	struct vm_list *waits_for;    /* by VM: for which of the others, by name */
	uint32_t *ring_of;            /* by VM: the smallest VM of the ring that it is in; NOWHERE for none */
	const char **ring_texts;      /* by that VM */
	uint64_t tries_left;          /* of more room for a ring */
};

void wait_begin(struct waiting *waiting, const struct draft *done, const struct simulation *end);
void wait_add(struct waiting *waiting, uint32_t vm);

/* Adds those that should give way on hosts that are still over capacity or crowded. */
void wait_add_residue(struct waiting *waiting);

/* Once all are added: finds out who waits for what. */
void wait_resolve(struct waiting *waiting);

const struct reason *wait_reason(struct waiting *waiting, uint32_t vm);

/* reconcile/ring.c: fills ring_of; the text of a ring, with the room that would break it. */
void ring_find(struct waiting *waiting);
const char *ring_text(struct waiting *waiting, uint32_t ring);

#endif
