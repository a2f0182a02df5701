/*
 * Is a move that is under way still asked for, now that there is a newer commit? Pure.
 */
#ifndef BERTH_WANTED_H
#define BERTH_WANTED_H

#include "state/desired.h"
#include "state/plan.h"

/*
 * Would this placement, planned from where all VMs were when the move began, make the same move, now or when its wait
 * is over? inventory: that one, with what is set aside.
 */
bool wanted_still(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                  const struct move *move, unsigned int effort);

#endif
