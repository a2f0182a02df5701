/*
 * The volume of a stopped VM, read through berth's own two connections, holes left holes: copied, and compared. Inside
 * the door only.
 */
#ifndef BERTH_COPY_H
#define BERTH_COPY_H

#include "state/error.h"
#include "state/world.h"

/*
 * From the volume of the disk's path to the one of the same path on the target, which is there already and as long.
 * Returns when it is over; -ECANCELED when the watcher asked for it.
 */
int copy_between(const char *from_uri, const char *to_uri, const struct disk *disk, unsigned int deadline_ms,
                 const struct watcher *watcher, uint64_t *ret_bytes, struct error *err);

/* Reads the target's volume and then the source's as it is by now. -EIO when they differ. */
int copy_compare(const char *from_uri, const char *to_uri, const struct disk *disk, unsigned int deadline_ms,
                 const struct watcher *watcher, struct error *err);

#endif
