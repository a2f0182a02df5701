/* What a plan comes to as an exit code (spec section 7). */
#ifndef BERTH_OUTCOME_H
#define BERTH_OUTCOME_H

#include "cmd/verb.h"
#include "state/plan.h"

/* EXIT_INCOMPLETE when something is blocked, unknown, in conflict, to be decided, or waits. */
enum exit_code outcome_of(const struct plan *plan);

#endif
