/*
 * A VM's snapshots on its way (spec section 5). libvirt moves and undefines no VM that it knows snapshots of: their
 * definitions leave the source before and are set again where the VM is afterwards. They are in the record first, and
 * stay there until they are set, so that whatever ends the move on the way, nothing is lost. What they hold of the
 * guest's data is in its disks, and is not touched.
 */
#ifndef BERTH_SNAPSHOTS_H
#define BERTH_SNAPSHOTS_H

#include "reconcile/execute.h"

/* Has the move any to carry? */
bool snapshots_come_along(const struct move_entry *entry);

/* Puts their definitions into the entry, for the next step to be recorded with. */
int snapshots_read(const struct execution *execution, const struct move_order *order, struct move_entry *entry,
                   struct error *err);

/*
 * The recorded ones leave the source. When it does not say whether it has done so, the entry notes that it may do so
 * later.
 */
int snapshots_leave_source(const struct execution *execution, struct move_entry *entry, struct error *err);

/* The recorded ones are set on a host; those that it has stay as they are. */
int snapshots_set(const struct execution *execution, const struct move_entry *entry, const char *host,
                  struct error *err);

/* The recorded ones leave a definition on the target that was made by this move and is taken back. */
int snapshots_take_back(const struct execution *execution, const struct move_entry *entry, struct error *err);

#endif
