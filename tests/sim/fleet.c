#include "tests/sim/fleet.h"

#include "state/arena.h"
#include "state/text.h"

#include <errno.h>
#include <string.h>

static void copy_host(struct arena *arena, const struct host *from, struct host *ret)
{
	*ret = *from;
	ret->vms = arena_array(arena, from->vm_count, sizeof(*ret->vms));
	ret->pools = arena_array(arena, from->pool_count, sizeof(*ret->pools));
	for (size_t i = 0; i < from->vm_count; i++) {
		ret->vms[i] = from->vms[i];
	}
	for (size_t i = 0; i < from->pool_count; i++) {
		ret->pools[i] = from->pools[i];
	}
}

void sim_fleet_init(struct sim_fleet *fleet, struct arena *arena, const struct desired *desired,
                    const struct inventory *inventory)
{
	*fleet = (struct sim_fleet){.arena = arena, .desired = desired};
	fleet->now.host_count = inventory->host_count;
	fleet->now.hosts = arena_array(arena, inventory->host_count, sizeof(struct host));
	for (size_t i = 0; i < inventory->host_count; i++) {
		copy_host(arena, &inventory->hosts[i], &fleet->now.hosts[i]);
	}
}

static void violate(struct sim_fleet *fleet, const char *what, const char *vm)
{
	if (fleet->violation == NULL) {
		fleet->violation = arena_print(fleet->arena, "%s: %s", vm, what);
	}
}

static struct host *host_of(struct sim_fleet *fleet, const char *name)
{
	for (size_t i = 0; i < fleet->now.host_count; i++) {
		if (text_equal(fleet->now.hosts[i].name, name)) {
			return &fleet->now.hosts[i];
		}
	}
	return NULL;
}

static struct vm *vm_of(const struct host *host, const char *uuid)
{
	for (size_t i = 0; host != NULL && i < host->vm_count; i++) {
		if (text_equal(host->vms[i].uuid, uuid)) {
			return &host->vms[i];
		}
	}
	return NULL;
}

static void remove_vm(struct host *host, const char *uuid)
{
	struct vm *vm = vm_of(host, uuid);
	size_t left = (size_t)(host->vms + host->vm_count - vm) - 1;
	memmove(vm, vm + 1, left * sizeof(*vm));
	host->vm_count--;
}

static void add_vm(struct sim_fleet *fleet, struct host *host, const struct vm *vm)
{
	struct vm *grown = arena_grow(fleet->arena, host->vms, host->vm_count, host->vm_count + 1, sizeof(*grown));
	grown[host->vm_count] = *vm;
	host->vms = grown;
	host->vm_count++;
	inventory_sort(&fleet->now);
}

/* spec section 1: claims and capacity, counted here anew. */
static void check_memory(struct sim_fleet *fleet, const struct host *host, const struct vm *comes)
{
	const struct desired_host *desired = desired_host(fleet->desired, host->name);
	if (desired == NULL) {
		violate(fleet, "moved to a host that is not defined", comes->name);
		return;
	}
	uint64_t capacity = host->memory > desired->reserve ? host->memory - desired->reserve : 0;
	capacity = desired->limit < capacity ? desired->limit : capacity;
	uint64_t claims = comes->memory + desired->overhead;
	for (size_t i = 0; i < host->vm_count; i++) {
		claims += host->vms[i].memory + desired->overhead;
	}
	if (claims > capacity) {
		violate(fleet, "moved to a host without room for it", comes->name);
	}
}

static const struct inventory *look(void *data, struct arena *arena, const char *const *names, size_t count,
                                    unsigned int how)
{
	struct sim_fleet *fleet = data;
	(void)how;
	fleet->looks++;
	struct inventory *inventory = arena_alloc(arena, sizeof(*inventory));
	size_t total = count == 0 ? fleet->now.host_count : count;
	inventory->hosts = arena_array(arena, total, sizeof(*inventory->hosts));
	for (size_t i = 0; i < total; i++) {
		const struct host *host = count == 0 ? &fleet->now.hosts[i] : host_of(fleet, names[i]);
		if (host != NULL) {
			copy_host(arena, host, &inventory->hosts[inventory->host_count++]);
		}
	}
	inventory_sort(inventory);
	return inventory;
}

static int preflight(void *data, const struct move_order *order, struct error *err)
{
	struct sim_fleet *fleet = data;
	const struct vm *vm = vm_of(host_of(fleet, order->from), order->uuid);
	if (vm == NULL) {
		return error_set(err, -ENOENT, "no such domain");
	}
	check_memory(fleet, host_of(fleet, order->to), vm);
	return 0;
}

static struct pool *pool_of(struct host *host, const char *path)
{
	const struct pool *pool = host_pool_of(host, path);
	return pool == NULL ? NULL : &host->pools[pool - host->pools];
}

static int create_volume(void *data, const char *name, const struct disk *disk, uint64_t bytes, struct error *err)
{
	struct sim_fleet *fleet = data;
	struct host *host = host_of(fleet, name);
	struct pool *pool = pool_of(host, disk->source);
	(void)bytes;
	if (pool == NULL || !pool->active) {
		return error_set(err, -ENOENT, "no active pool");
	}
	if (pool->free < disk->size) {
		violate(fleet, "a volume is made where there is no room", disk->source);
	}
	for (size_t i = 0; i < host->vm_count; i++) {
		for (size_t k = 0; k < host->vms[i].disk_count; k++) {
			if (text_equal(host->vms[i].disks[k].source, disk->source)) {
				return error_set(err, -EEXIST, "it exists already");
			}
		}
	}
	pool->free -= disk->size;
	return 0;
}

static int delete_volume(void *data, const char *name, const char *path, struct error *err)
{
	struct sim_fleet *fleet = data;
	struct host *host = host_of(fleet, name);
	struct pool *pool = pool_of(host, path);
	(void)err;
	bool elsewhere = false;
	uint64_t used = 0;
	for (size_t i = 0; i < fleet->now.host_count; i++) {
		const struct host *other = &fleet->now.hosts[i];
		for (size_t k = 0; k < other->vm_count; k++) {
			for (size_t d = 0; d < other->vms[k].disk_count; d++) {
				bool same = text_equal(other->vms[k].disks[d].source, path);
				elsewhere = elsewhere || (same && other != host);
				used = same ? other->vms[k].disks[d].used : used;
				if (same && other == host) {
					violate(fleet, "a disk is deleted that is in use", path);
				}
			}
		}
	}
	if (!elsewhere) {
		violate(fleet, "the only copy of a disk is deleted", path);
	}
	if (pool != NULL) {
		pool->free += used;
	}
	return 0;
}

static int set_autostart(void *data, const char *name, const char *uuid, bool autostart, struct error *err)
{
	struct vm *vm = vm_of(host_of(data, name), uuid);
	if (vm == NULL) {
		return error_set(err, -ENOENT, "no such domain");
	}
	vm->autostart = autostart;
	return 0;
}

static int read_snapshots(void *data, struct arena *arena, const char *name, const char *uuid,
                          struct snapshot_list *ret_snapshots, struct error *err)
{
	const struct vm *vm = vm_of(host_of(data, name), uuid);
	(void)err;
	struct snapshot_list list = {0};
	for (unsigned int i = 0; i < vm->snapshots; i++) {
		ARENA_ADD(arena, list.items, list.count) =
		        (struct snapshot){.name = arena_print(arena, "%u", i), .definition = "<domainsnapshot/>"};
	}
	*ret_snapshots = list;
	return 0;
}

static int set_snapshots(void *data, const char *name, const char *uuid, const struct snapshot_list *snapshots,
                         struct error *err)
{
	(void)err;
	vm_of(host_of(data, name), uuid)->snapshots = (unsigned int)snapshots->count;
	return 0;
}

static int drop_snapshots(void *data, const char *name, const char *uuid, const struct snapshot_list *snapshots,
                          struct error *err)
{
	(void)err;
	vm_of(host_of(data, name), uuid)->snapshots -= (unsigned int)snapshots->count;
	return 0;
}

static int migrate(void *data, const struct move_order *order, const struct watcher *watcher, struct outcome *outcome,
                   struct error *err)
{
	struct sim_fleet *fleet = data;
	struct host *from = host_of(fleet, order->from);
	struct host *to = host_of(fleet, order->to);
	fleet->migrations++;
	const struct transfer transfer = {.memory_total = 100, .memory_remaining = 50};
	if (watcher != NULL && !watcher->tell(watcher->data, &transfer)) {
		return error_set(err, -ECANCELED, "cancelled");
	}
	if (fleet->all_fail || (fleet->fails != NULL && text_equal(order->vm, fleet->fails))) {
		return error_set(err, -EIO, "the guest was too busy");
	}
	struct vm vm = *vm_of(from, order->uuid);
	if (vm_of(to, order->uuid) != NULL || host_vm(to, order->vm) != NULL) {
		return error_set(err, -EEXIST, "domain exists already");
	}
	if (vm.snapshots > 0) {
		return error_set(err, -EPERM, "cannot migrate domain with %u snapshots", vm.snapshots);
	}
	vm.autostart = false;
	remove_vm(from, order->uuid);
	add_vm(fleet, to, &vm);
	*outcome = (struct outcome){.bytes = vm.memory, .downtime_ms = 5};
	return 0;
}

static int volume_length(void *data, const char *name, const char *path, uint64_t *ret_bytes, struct error *err)
{
	const struct host *host = host_of(data, name);
	for (size_t i = 0; i < host->vm_count; i++) {
		for (size_t k = 0; k < host->vms[i].disk_count; k++) {
			if (text_equal(host->vms[i].disks[k].source, path)) {
				*ret_bytes = 1;
				return 0;
			}
		}
	}
	return error_set(err, -ENOENT, "no such volume");
}

static int copy_volume(void *data, const struct move_order *order, const struct disk *disk,
                       const struct watcher *watcher, uint64_t *ret_bytes, struct error *err)
{
	(void)data;
	(void)order;
	(void)watcher;
	(void)err;
	*ret_bytes = disk->used;
	return 0;
}

static int compare_volume(void *data, const struct move_order *order, const struct disk *disk,
                          const struct watcher *watcher, struct error *err)
{
	(void)data;
	(void)order;
	(void)disk;
	(void)watcher;
	(void)err;
	return 0;
}

static int volume_stamp(void *data, const char *name, const char *path, uint64_t *ret_stamp, struct error *err)
{
	(void)data;
	(void)name;
	(void)path;
	(void)err;
	*ret_stamp = 1;
	return 0;
}

static int resume(void *data, const char *name, const char *uuid, struct error *err)
{
	struct sim_fleet *fleet = data;
	(void)name;
	(void)err;
	violate(fleet, "resumed, though nothing had paused it", uuid);
	return 0;
}

static int define(void *data, const struct move_order *order, struct error *err)
{
	struct sim_fleet *fleet = data;
	struct vm vm = *vm_of(host_of(fleet, order->from), order->uuid);
	(void)err;
	fleet->migrations++;
	if (vm.state != VM_STOPPED) {
		violate(fleet, "a second definition of a VM that runs", vm.name);
	}
	vm.autostart = false;
	vm.snapshots = 0;
	add_vm(fleet, host_of(fleet, order->to), &vm);
	return 0;
}

static int shut_down(void *data, const char *name, const char *uuid, uint64_t timeout_ms, const struct watcher *watcher,
                     struct error *err)
{
	(void)timeout_ms;
	(void)watcher;
	(void)err;
	vm_of(host_of(data, name), uuid)->state = VM_STOPPED;
	return 0;
}

static int start(void *data, const char *name, const char *uuid, struct error *err)
{
	struct sim_fleet *fleet = data;
	struct vm *vm = vm_of(host_of(fleet, name), uuid);
	(void)err;
	for (size_t i = 0; i < fleet->now.host_count; i++) {
		const struct vm *other = vm_of(&fleet->now.hosts[i], uuid);
		if (other != NULL && other != vm) {
			violate(fleet, "started while another host has it", vm->name);
		}
	}
	vm->state = VM_RUNNING;
	return 0;
}

static int undefine(void *data, const char *name, const char *uuid, struct error *err)
{
	struct sim_fleet *fleet = data;
	struct host *host = host_of(fleet, name);
	size_t copies = 0;
	for (size_t i = 0; i < fleet->now.host_count; i++) {
		copies += vm_of(&fleet->now.hosts[i], uuid) != NULL ? 1 : 0;
	}
	if (copies < 2) {
		violate(fleet, "the only definition is removed", uuid);
	}
	if (vm_of(host, uuid) == NULL) {
		return error_set(err, -ENOENT, "no such domain");
	}
	if (vm_of(host, uuid)->snapshots > 0) {
		return error_set(err, -EPERM, "cannot undefine a domain with snapshots");
	}
	remove_vm(host, uuid);
	return 0;
}

static void wait(void *data, unsigned int ms)
{
	(void)data;
	(void)ms;
}

const struct world_functions SIM_FLEET_FUNCTIONS = {
        .look = look,
        .preflight = preflight,
        .create_volume = create_volume,
        .delete_volume = delete_volume,
        .set_autostart = set_autostart,
        .read_snapshots = read_snapshots,
        .set_snapshots = set_snapshots,
        .drop_snapshots = drop_snapshots,
        .migrate = migrate,
        .volume_length = volume_length,
        .copy_volume = copy_volume,
        .compare_volume = compare_volume,
        .volume_stamp = volume_stamp,
        .resume = resume,
        .define = define,
        .shutdown = shut_down,
        .start = start,
        .undefine = undefine,
        .wait = wait,
};
