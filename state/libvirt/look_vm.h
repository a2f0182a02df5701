/* What one host reports of one VM. Inside the door only; runs in a worker. */
#ifndef BERTH_LOOK_VM_H
#define BERTH_LOOK_VM_H

#include "state/error.h"
#include "state/model.h"

#include <libvirt/libvirt.h>

struct arena;

/*
 * host has its pools already. A disk is classed by spec section 1; refusals that hold for any target are listed. Asks
 * no QEMU monitor, so that a guest that hangs does not hide its host: sizes come from the volumes.
 */
int look_at_vm(struct arena *arena, virDomainPtr domain, const struct host *host, const char *const *shared,
               size_t shared_count, struct vm *ret_vm, struct error *err);

#endif
