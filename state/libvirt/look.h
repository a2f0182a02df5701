/*
 * What one host reports: everything of spec section 3 that libvirt can tell. Inside the door only; runs in a worker.
 */
#ifndef BERTH_LOOK_H
#define BERTH_LOOK_H

#include "state/error.h"
#include "state/model.h"

#include <libvirt/libvirt.h>

struct arena;

/* Fills host (its name is set already). refresh: its pools first. Fails when the host cannot tell what it has. */
int look_at_host(struct arena *arena, virConnectPtr connection, bool refresh, const char *const *shared,
                 size_t shared_count, struct host *host, struct error *err);

/* Is a migration of this VM under way on this host? False when there is no such VM. */
bool look_is_migrating(virConnectPtr connection, const char *uuid);

#endif
