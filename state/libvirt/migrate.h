/*
 * One live or suspended migration, driven by berth's own two connections. Inside the door only.
 */
#ifndef BERTH_MIGRATE_H
#define BERTH_MIGRATE_H

#include "state/error.h"
#include "state/world.h"

/* from_uri, to_uri: of the two hosts; address: where the target takes RAM and disks, NULL for libvirt's own choice. */
int migrate_vm(const struct move_order *order, const char *from_uri, const char *to_uri, const char *address,
               unsigned int deadline_ms, const struct watcher *watcher, struct outcome *outcome, struct error *err);

#endif
