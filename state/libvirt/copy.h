/*
 * The volume of a stopped VM, copied through berth's own two connections, holes left holes, and compared. Inside the
 * door only.
 */
#ifndef BERTH_COPY_H
#define BERTH_COPY_H

#include "state/error.h"
#include "state/world.h"

/*
 * From the volume of the disk's path to the one of the same path on the target, which is there already and as long.
 * Returns when it is over: -EIO when what arrived differs from what was sent, -ECANCELED when the watcher asked for it.
 */
int copy_between(const char *from_uri, const char *to_uri, const struct disk *disk, unsigned int deadline_ms,
                 const struct watcher *watcher, uint64_t *ret_bytes, struct error *err);

#endif
