/*
 * Why: the reason beside each move, and of every VM that cannot reach its place the code and the numbers. Pure.
 */
#ifndef BERTH_EXPLAIN_H
#define BERTH_EXPLAIN_H

#include "reconcile/order.h"
#include "state/plan.h"

/* `pinned to node2` */
const char *explain_step(struct arena *arena, const struct draft *draft, const struct step *step);

/* Fills plan->blocked: who is not in place after the last move, sorted by name. */
void explain_blocked(const struct draft *done, const struct simulation *end, struct plan *plan);

/* Fills plan->warnings: the desired placement's own first. */
void explain_warnings(const struct draft *done, const struct simulation *end, struct plan *plan);

#endif
