/*
 * Carrying out what a person has decided of a VM (reconcile/decide.h): it stays on one host and goes from all others,
 * its disks untouched everywhere; what its move had changed for it is put back; the record is cleared.
 */
#ifndef BERTH_RESOLVE_H
#define BERTH_RESOLVE_H

#include "reconcile/decide.h"
#include "state/world.h"

/*
 * decision: checked. tell gets a line for everything that is done or left. When it fails on the way, it can be called
 * again with a fresh look: what is done stays done, and the record is cleared last.
 */
int resolve_carry_out(struct arena *arena, const struct world *world, struct record *record,
                      const struct decision *decision, const char *keep, void (*tell)(const char *line),
                      struct error *err);

#endif
