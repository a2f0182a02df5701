/* What the kinds of proposals share: changed copies of a placement, and where a plan ends. */
#ifndef BERTH_PROPOSE_DATA_H
#define BERTH_PROPOSE_DATA_H

#include "reconcile/place.h"
#include "reconcile/propose.h"

/* Entries can be changed in it without harm to the first. Its digest is another one, and it is no commit's. */
struct desired *propose_copy(struct arena *arena, const struct desired *desired);

/* The VM's entry names this host alone, or with NULL any. The VM is one of the placement's. */
void propose_set_host(struct arena *arena, struct desired *copy, const char *vm, const char *host);

/* The plan for it. A VM whose entry has changed has not been in place under that entry: it has not drifted. */
const struct plan *propose_plan(struct arena *arena, const struct desired *before, const struct desired *after,
                                const struct inventory *inventory, const struct propose_options *options);

/* Where everybody is after the plan. */
struct simulation *propose_end(struct arena *arena, const struct fleet *fleet, const struct plan *plan);

/* The sighting that the planner may move, or NOWHERE. */
uint32_t propose_find(const struct fleet *fleet, const char *vm);

/* The reason why a plan leaves the VM where it is; NULL: it does not. */
const struct reason *propose_blocked(const struct plan *plan, const char *vm);

/* The changes between two placements, by VM, are listed in the proposal. */
void propose_list_changes(struct arena *arena, const struct fleet *fleet, const struct desired *before,
                          struct proposal *proposal);

#endif
