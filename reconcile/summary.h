/*
 * A pass in a few words and numbers: phase, reason and counts of the status (spec section 6). Pure.
 */
#ifndef BERTH_SUMMARY_H
#define BERTH_SUMMARY_H

#include "state/status.h"

/*
 * progress: one for each move of the plan, or NULL when none was begun. open: moves of the record whose end is not
 * known. The status borrows from its arguments; failures, error and problems are for the caller to set.
 */
struct status summary_make(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                           const struct plan *plan, const struct move_progress *progress, size_t open);

#endif
