#include "reconcile/remember.h"

#include "reconcile/fleet.h"
#include "state/arena.h"
#include "state/inventory.h"
#include "state/text.h"

#include <stdlib.h>
#include <string.h>

/* A copy that shares what hangs below its VMs. */
static struct inventory *copy_of(struct arena *arena, const struct inventory *inventory)
{
	struct inventory *copy = arena_alloc(arena, sizeof(*copy));
	copy->host_count = inventory->host_count;
	copy->hosts = arena_array(arena, inventory->host_count, sizeof(*copy->hosts));
	for (size_t i = 0; i < inventory->host_count; i++) {
		struct host *host = &copy->hosts[i];
		*host = inventory->hosts[i];
		host->vms = arena_array(arena, host->vm_count, sizeof(*host->vms));
		if (host->vm_count > 0) {
			memcpy(host->vms, inventory->hosts[i].vms, host->vm_count * sizeof(*host->vms));
		}
	}
	return copy;
}

static int compare_uuids(const void *a, const void *b)
{
	return strcmp((*(struct vm *const *)a)->uuid, (*(struct vm *const *)b)->uuid);
}

/* All VMs by UUID. */
static struct vm **index_vms(struct arena *arena, const struct inventory *inventory, size_t *ret_count)
{
	struct vm **index = NULL;
	size_t count = 0;
	for (size_t i = 0; i < inventory->host_count; i++) {
		for (size_t k = 0; k < inventory->hosts[i].vm_count; k++) {
			ARENA_ADD(arena, index, count) = &inventory->hosts[i].vms[k];
		}
	}
	if (count > 1) {
		qsort(index, count, sizeof(struct vm *), compare_uuids);
	}
	*ret_count = count;
	return index;
}

static void carry_places(struct arena *arena, struct inventory *inventory, const struct inventory *recorded)
{
	size_t count;
	struct vm **known = index_vms(arena, recorded, &count);
	for (size_t i = 0; i < inventory->host_count; i++) {
		for (size_t k = 0; k < inventory->hosts[i].vm_count; k++) {
			struct vm *vm = &inventory->hosts[i].vms[k];
			struct vm **found =
			        count == 0 ? NULL : bsearch(&vm, known, count, sizeof(struct vm *), compare_uuids);
			if (found != NULL) {
				vm->in_place = (*found)->in_place;
				vm->entry = (*found)->entry;
			}
		}
	}
}

struct inventory *remember_merge(struct arena *arena, const struct inventory *fresh, const struct inventory *recorded)
{
	struct inventory *merged = copy_of(arena, fresh);
	if (recorded == NULL) {
		return merged;
	}
	for (size_t i = 0; i < merged->host_count; i++) {
		struct host *host = &merged->hosts[i];
		const struct host *known = inventory_host(recorded, host->name);
		if (!host_is_connected(host) && known != NULL) {
			const char *connection = host->connection;
			const char *name = host->name;
			*host = *known;
			host->name = name;
			host->connection = connection;
		}
	}
	merged = copy_of(arena, merged);
	carry_places(arena, merged, recorded);
	return merged;
}

struct inventory *remember_places(struct arena *arena, const struct desired *desired, const struct inventory *inventory)
{
	struct inventory *copy = copy_of(arena, inventory);
	const struct fleet *fleet = fleet_build(arena, desired, inventory);
	for (uint32_t i = 0; i < fleet->vm_count; i++) {
		const struct fleet_vm *vm = &fleet->vms[i];
		if (vm->standing != STANDS_MANAGED || !fleet_suits(fleet, i, vm->home)) {
			continue;
		}
		const struct host *host = inventory_host(copy, fleet->hosts[vm->home].name);
		struct vm *there = host->vms;
		while (there < host->vms + host->vm_count && !text_equal(there->uuid, vm->seen->uuid)) {
			there++;
		}
		if (there < host->vms + host->vm_count) {
			there->in_place = true;
			there->entry = desired_vm_entry(arena, vm->desired);
		}
	}
	return copy;
}

struct inventory *remember_hosts(struct arena *arena, const struct inventory *inventory, const struct inventory *pair)
{
	struct inventory *copy = copy_of(arena, inventory);
	for (size_t i = 0; i < copy->host_count; i++) {
		const struct host *newer = inventory_host(pair, copy->hosts[i].name);
		if (newer != NULL && host_is_connected(newer)) {
			copy->hosts[i] = *newer;
		} else if (newer != NULL) {
			copy->hosts[i].connection = newer->connection;
		}
	}
	copy = copy_of(arena, copy);
	carry_places(arena, copy, inventory);
	return copy;
}

struct inventory *remember_figures(struct arena *arena, const struct inventory *inventory,
                                   const struct inventory *recorded)
{
	struct inventory *copy = copy_of(arena, inventory);
	for (size_t i = 0; recorded != NULL && i < copy->host_count; i++) {
		const struct host *known = inventory_host(recorded, copy->hosts[i].name);
		if (known != NULL && inventory_host_equal(&copy->hosts[i], known)) {
			copy->hosts[i] = *known;
		}
	}
	return copy;
}

static void refuse(struct arena *arena, struct inventory *inventory, const struct set_aside *item)
{
	for (size_t i = 0; i < inventory->host_count; i++) {
		struct host *host = &inventory->hosts[i];
		for (size_t k = 0; k < host->vm_count; k++) {
			struct vm *vm = &host->vms[k];
			if (!text_equal(vm->uuid, item->uuid)) {
				continue;
			}
			struct refusal *all = arena_array(arena, vm->immovable_count + 1, sizeof(*all));
			all[0] = item->why;
			for (size_t n = 0; n < vm->immovable_count; n++) {
				all[n + 1] = vm->immovable[n];
			}
			vm->immovable = all;
			vm->immovable_count++;
		}
	}
}

struct inventory *remember_set_aside(struct arena *arena, const struct inventory *inventory,
                                     const struct set_aside *items, size_t count)
{
	struct inventory *copy = copy_of(arena, inventory);
	for (size_t i = 0; i < count; i++) {
		refuse(arena, copy, &items[i]);
	}
	return copy;
}
