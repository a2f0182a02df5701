/*
 * The inventory as text (spec section 3): what `berth inventory` prints, what the status branch keeps, what --inventory
 * reads. Written and read back without loss; unknown keys are ignored on reading. Pure.
 */
#ifndef BERTH_INVENTORY_H
#define BERTH_INVENTORY_H

#include "state/desired.h"
#include "state/model.h"

/* One document with the hosts given. The text ends with a newline. The same inventory gives the same bytes. */
const char *inventory_write(struct arena *arena, const struct inventory *inventory);

/*
 * Reads files (each a document as above, a host in one of them only) into one sorted inventory. Returns 0, or -EINVAL
 * with every problem as FILE:LINE:COLUMN: message.
 *
 * What may be left out, and is harmless: connection (ok), seen, uuid, libvirt, qemu and cpu of a host (not known),
 * networks (none), pools (not known, so needed of nobody), a pool's state (active), formats (raw and qcow2) and free
 * (1 EiB), persistent (true), all else of a VM (false, 0, none), a disk's storage (local), format (raw), source and
 * size (none), and used (its size). null says that a key is left out.
 */
int inventory_read(struct arena *arena, const struct desired_file *files, size_t count,
                   const struct inventory **ret_inventory, struct problem_list *ret_problems);

/*
 * What the status branch need not be written again for: the same but for free, used and seen (spec section 6).
 */
bool inventory_host_equal(const struct host *a, const struct host *b);

#endif
