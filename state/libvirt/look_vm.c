#include "state/libvirt/look_vm.h"

#include "state/arena.h"
#include "state/libvirt/worker.h"
#include "state/libvirt/xml.h"
#include "state/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

struct looking {
	struct arena *arena;
	virConnectPtr connection;
	const struct host *host;
	const char *const *shared;
	size_t shared_count;
	struct vm *vm;
};

static void refuse(struct looking *looking, enum code code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void refuse(struct looking *looking, enum code code, const char *format, ...)
{
	char reason[512];
	va_list args;
	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	ARENA_ADD(looking->arena, looking->vm->immovable, looking->vm->immovable_count) = (struct refusal){
	        .code = code,
	        .reason = arena_copy(looking->arena, reason),
	};
}

/* https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainState */
static enum vm_state state_of(int state)
{
	switch (state) {
	case VIR_DOMAIN_PAUSED:
		return VM_PAUSED;
	case VIR_DOMAIN_SHUTOFF:
		return VM_STOPPED;
	case VIR_DOMAIN_CRASHED:
		return VM_CRASHED;
	case VIR_DOMAIN_PMSUSPENDED:
		return VM_SUSPENDED;
	default: /* running, blocked, in shutdown, or not told: it may run */
		return VM_RUNNING;
	}
}

static bool is_network_pool(const char *type)
{
	static const char *const types[] = {"netfs", "rbd", "gluster", "iscsi", "iscsi-direct"};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(type, types[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_local_pool(const char *type)
{
	return strcmp(type, "dir") == 0 || strcmp(type, "fs") == 0 || strcmp(type, "logical") == 0;
}

static const struct pool *find_pool(const struct host *host, const char *name)
{
	for (size_t i = 0; i < host->pool_count; i++) {
		if (strcmp(host->pools[i].name, name) == 0) {
			return &host->pools[i];
		}
	}
	return NULL;
}

static bool is_shared(const struct looking *looking, const char *path)
{
	for (size_t i = 0; i < looking->shared_count; i++) {
		size_t length = strlen(looking->shared[i]);
		if (strncmp(path, looking->shared[i], length) == 0 && path[length] == '/') {
			return true;
		}
	}
	return false;
}

static enum disk_storage storage_of(const struct pool *pool)
{
	if (pool != NULL && is_network_pool(pool->type)) {
		return STORAGE_NETWORK;
	}
	return pool != NULL && pool->active && is_local_pool(pool->type) ? STORAGE_LOCAL : STORAGE_OTHER;
}

/* A file may be younger than the pool's list of volumes: then the pool is read again, once. */
static virStorageVolPtr find_volume(const struct looking *looking, const struct pool *pool, const char *path)
{
	virStorageVolPtr volume = virStorageVolLookupByPath(looking->connection, path);
	if (volume != NULL || pool == NULL || !pool->active) {
		return volume;
	}
	virStoragePoolPtr handle = virStoragePoolLookupByName(looking->connection, pool->name);
	if (handle != NULL) {
		virStoragePoolRefresh(handle, 0);
		virStoragePoolFree(handle);
		volume = virStorageVolLookupByPath(looking->connection, path);
	}
	return volume;
}

static void measure_disk(struct looking *looking, const struct pool *pool, struct disk *disk)
{
	virStorageVolPtr volume = find_volume(looking, pool, disk->source);
	virStorageVolInfo info;
	if (volume == NULL || virStorageVolGetInfo(volume, &info) < 0) {
		refuse(looking, CODE_STORAGE, "disk %s: no volume %s on %s", disk->target, disk->source,
		       looking->host->name);
	} else {
		disk->size = info.capacity;
		disk->used = info.allocation;
	}
	char *xml = volume == NULL ? NULL : virStorageVolGetXMLDesc(volume, 0);
	struct xml_volume description = {.format = ""};
	if (xml != NULL && xml_read_volume(looking->arena, xml, &description, NULL) == 0 && description.backing) {
		refuse(looking, CODE_STORAGE, "disk %s has a backing file", disk->target);
	}
	free(xml);
	if (volume != NULL) {
		virStorageVolFree(volume);
	}
}

static enum disk_format format_of(const char *word)
{
	enum disk_format format = FORMAT_OTHER;
	format_parse(word[0] == '\0' ? "raw" : word, &format);
	return format;
}

static const char *volume_path(struct looking *looking, const struct xml_disk *from)
{
	virStoragePoolPtr pool = virStoragePoolLookupByName(looking->connection, from->pool);
	virStorageVolPtr volume = pool == NULL ? NULL : virStorageVolLookupByName(pool, from->volume);
	char *path = volume == NULL ? NULL : virStorageVolGetPath(volume);
	const char *copy = path == NULL ? "" : arena_copy(looking->arena, path);
	free(path);
	if (volume != NULL) {
		virStorageVolFree(volume);
	}
	if (pool != NULL) {
		virStoragePoolFree(pool);
	}
	return copy;
}

static void check_disk(struct looking *looking, const struct xml_disk *from, const struct disk *disk)
{
	bool copied = disk->storage == STORAGE_LOCAL && !is_shared(looking, disk->source);
	if (copied && from->backing) {
		refuse(looking, CODE_STORAGE, "disk %s has a backing file", disk->target);
	}
	if (from->transient) {
		refuse(looking, CODE_STORAGE, "disk %s is transient", disk->target);
	}
	if (disk->storage == STORAGE_OTHER && !is_shared(looking, disk->source)) {
		refuse(looking, CODE_STORAGE, "disk %s: %s lies in no active pool and is not declared as shared",
		       disk->target, disk->source[0] == '\0' ? "its source" : disk->source);
	}
	if (copied && disk->format == FORMAT_OTHER) {
		refuse(looking, CODE_FORMAT, "disk %s has the format %s; berth moves raw and qcow2", disk->target,
		       from->format);
	}
	if (copied && from->shareable) {
		refuse(looking, CODE_STORAGE, "disk %s is shared with other VMs, but local", disk->target);
	}
}

static void read_disk(struct looking *looking, const struct xml_disk *from)
{
	struct disk disk = {
	        .target = from->target,
	        .source = from->source,
	        .pool = from->pool,
	        .format = format_of(from->format),
	};
	const struct pool *pool = NULL;
	if (strcmp(from->type, "network") == 0) {
		disk.storage = STORAGE_NETWORK;
	} else if (from->pool != NULL) {
		pool = find_pool(looking->host, from->pool);
		disk.source = volume_path(looking, from);
		disk.storage = storage_of(pool);
	} else {
		pool = host_pool_of(looking->host, from->source);
		disk.storage = storage_of(pool);
	}
	bool media = from->readonly || strcmp(from->device, "cdrom") == 0;
	if (media) {
		disk.storage = STORAGE_MEDIA;
	} else {
		check_disk(looking, from, &disk);
	}
	if (disk.storage == STORAGE_LOCAL && !is_shared(looking, disk.source)) {
		measure_disk(looking, pool, &disk);
	}
	ARENA_ADD(looking->arena, looking->vm->disks, looking->vm->disk_count) = disk;
}

static void check_domain(struct looking *looking, virDomainPtr domain, const struct xml_domain *xml)
{
	const struct vm *vm = looking->vm;
	if (!vm->persistent) {
		refuse(looking, CODE_PREFLIGHT, "it is transient: its definition would be lost");
	}
	if (xml->host_device) {
		refuse(looking, CODE_PREFLIGHT, "it uses a device of its host");
	}
	if (xml->shared_filesystem) {
		refuse(looking, CODE_PREFLIGHT, "it shares a file system with its host");
	}
	if (vm->state == VM_STOPPED && (xml->nvram || xml->tpm)) {
		refuse(looking, CODE_PREFLIGHT, "it is stopped, and libvirt would not carry its %s over",
		       xml->nvram ? "UEFI variables" : "TPM state");
	}
	if (virDomainHasManagedSaveImage(domain, 0) == 1) {
		refuse(looking, CODE_PREFLIGHT, "it has a managed-save image");
	}
	virDomainCheckpointPtr *checkpoints = NULL;
	int count = virDomainListAllCheckpoints(domain, &checkpoints, 0);
	for (int i = 0; i < count; i++) {
		virDomainCheckpointFree(checkpoints[i]);
	}
	if (count > 0) {
		free(checkpoints);
		refuse(looking, CODE_PREFLIGHT, "it has %d checkpoint%s", count, count == 1 ? "" : "s");
	}
	if (vm->snapshots > 0) {
		refuse(looking, CODE_PREFLIGHT, "it has %u snapshot%s, which this version of berth does not carry over",
		       vm->snapshots, vm->snapshots == 1 ? "" : "s");
	}
	if (vm->state == VM_SUSPENDED) {
		refuse(looking, CODE_PREFLIGHT, "its guest sleeps (suspended to RAM): wake it first");
	}
	if (vm->state == VM_CRASHED) {
		refuse(looking, CODE_PREFLIGHT, "it has crashed, and its memory is kept: destroy or reset it first");
	}
	int external = virDomainSnapshotNum(domain, VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL);
	if (external > 0) {
		refuse(looking, CODE_STORAGE, "it has %d external snapshot%s", external, external == 1 ? "" : "s");
	}
}

static int read_facts(virDomainPtr domain, struct arena *arena, struct vm *vm, struct error *err)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	int state = 0;
	int reason = 0;
	int autostart = 0;
	if (virDomainGetUUIDString(domain, uuid) < 0 || virDomainGetState(domain, &state, &reason, 0) < 0) {
		return libvirt_error(err, "a domain's state");
	}
	vm->name = arena_copy(arena, virDomainGetName(domain));
	vm->uuid = arena_copy(arena, uuid);
	vm->state = state_of(state);
	unsigned long kib = virDomainGetMaxMemory(domain);
	int persistent = virDomainIsPersistent(domain);
	int snapshots = virDomainSnapshotNum(domain, 0);
	if (kib == 0 || persistent < 0 || snapshots < 0 ||
	    (persistent == 1 && virDomainGetAutostart(domain, &autostart) < 0)) {
		return libvirt_error(err, vm->name);
	}
	vm->memory = (uint64_t)kib * 1024;
	vm->persistent = persistent == 1;
	vm->autostart = autostart == 1;
	vm->snapshots = (unsigned int)snapshots;
	return 0;
}

int look_at_vm(struct arena *arena, virDomainPtr domain, const struct host *host, const char *const *shared,
               size_t shared_count, struct vm *ret_vm, struct error *err)
{
	struct vm vm = {0};
	int r = read_facts(domain, arena, &vm, err);
	if (r < 0) {
		return r;
	}
	char *text = virDomainGetXMLDesc(domain, 0);
	if (text == NULL) {
		return libvirt_error(err, vm.name);
	}
	struct xml_domain xml;
	r = xml_read_domain(arena, text, &xml, err);
	free(text);
	if (r < 0) {
		return r;
	}
	struct looking looking = {
	        .arena = arena,
	        .connection = virDomainGetConnect(domain),
	        .host = host,
	        .shared = shared,
	        .shared_count = shared_count,
	        .vm = &vm,
	};
	for (size_t i = 0; i < xml.disk_count; i++) {
		read_disk(&looking, &xml.disks[i]);
	}
	check_domain(&looking, domain, &xml);
	*ret_vm = vm;
	return 0;
}
