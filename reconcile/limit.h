/*
 * The limits of berth's configuration (spec section 8): is this plan one that berth may carry out by itself? Pure.
 */
#ifndef BERTH_LIMIT_H
#define BERTH_LIMIT_H

#include "state/config.h"
#include "state/plan.h"

/*
 * Why no move of the plan may start now, with the numbers; NULL: it may. row: moves that failed without one that
 * succeeded between them. approved: a person allows this plan, whatever its moves, its share and the hosts in
 * maintenance; that many failures and hosts that do not answer stop it all the same.
 */
const struct reason *limit_waits(struct arena *arena, const struct limits *limits, const struct desired *desired,
                                 const struct plan *plan, size_t row, bool approved);

#endif
