#include "state/libvirt/look_disk.h"

#include "state/arena.h"
#include "state/libvirt/handle.h"
#include "state/libvirt/qcow2.h"
#include "state/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CHAIN_MOST = 64 }; /* files behind one disk; QEMU itself gives up at about as many */

void look_refuse(struct looking *looking, enum code code, const char *format, ...)
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

static bool is_logical(const struct pool *pool)
{
	return pool != NULL && strcmp(pool->type, "logical") == 0;
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

/*
 * Then nothing is ever copied from there or deleted there, whatever the target, and the disk need not be measured: a
 * target that does not declare the same is none (disk_leaves_shared() in reconcile/fleet.h, whose rule this is).
 */
static bool is_shared(const struct looking *looking, const char *path)
{
	for (size_t i = 0; i < looking->shared_count; i++) {
		size_t length = strlen(looking->shared[i]);
		if (length > 0 && looking->shared[i][length - 1] == '/') {
			length--;
		}
		if (path[0] == '/' && strncmp(path, looking->shared[i], length) == 0 && path[length] == '/' &&
		    strstr(path, "/../") == NULL) {
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
	cleanup_pool virStoragePoolPtr handle = virStoragePoolLookupByName(looking->connection, pool->name);
	if (handle != NULL) {
		virStoragePoolRefresh(handle, 0);
		volume = virStorageVolLookupByPath(looking->connection, path);
	}
	return volume;
}

/* The begin of a volume. Returns how many bytes there are, or a negative number when it cannot be read. */
static int read_begin(const struct looking *looking, virStorageVolPtr volume, unsigned char *bytes, size_t room)
{
	virStreamPtr stream = virStreamNew(looking->connection, 0);
	size_t length = 0;
	int got = stream == NULL || virStorageVolDownload(volume, stream, 0, room, 0) < 0 ? -1 : 1;
	bool opened = got == 1;
	while (got > 0 && length < room) {
		got = virStreamRecv(stream, (char *)bytes + length, room - length);
		length += got > 0 ? (size_t)got : 0;
	}
	if (opened && (got < 0 || virStreamFinish(stream) < 0)) {
		virStreamAbort(stream);
	}
	if (stream != NULL) {
		virStreamFree(stream);
	}
	return got < 0 ? -1 : (int)length;
}

static bool is_used(const struct vm *vm, const char *path)
{
	for (size_t i = 0; i < vm->disk_count; i++) {
		if (text_equal(vm->disks[i].source, path)) {
			return true;
		}
	}
	for (size_t i = 0; i < vm->also_count; i++) {
		if (text_equal(vm->also_uses[i], path)) {
			return true;
		}
	}
	return false;
}

void look_file_use(struct looking *looking, const char *path)
{
	if (path[0] == '/' && !is_used(looking->vm, path)) {
		ARENA_ADD(looking->arena, looking->vm->also_uses, looking->vm->also_count) = path;
	}
}

/* The backing file as the header names it: relative to the file's own folder, if it is a path at all. */
static void use_backing(struct looking *looking, const char *file, const char *backing)
{
	const char *slash = strrchr(file, '/');
	if (backing[0] == '/') {
		look_file_use(looking, backing);
	} else if (backing[0] != '\0' && strchr(backing, ':') == NULL && slash != NULL) {
		int folder = (int)(slash - file);
		look_file_use(looking, arena_print(looking->arena, "%.*s/%s", folder, file, backing));
	}
}

/* A running VM's copy is made by QEMU: of what it sees of the disk now, into a volume that libvirt makes. */
static void check_live_copy(struct looking *looking, const struct disk *disk, const struct qcow2 *qcow2)
{
	if (qcow2->snapshots > looking->vm->snapshots) {
		uint32_t more = qcow2->snapshots - looking->vm->snapshots;
		look_refuse(looking, CODE_STORAGE,
		            "disk %s has %" PRIu32
		            " internal snapshot%s that libvirt does not know of, which a running "
		            "VM's copy would lose",
		            disk->target, more, more == 1 ? "" : "s");
	}
	/* libvirt hands the size to qemu-img in KiB. */
	if (qcow2->size % 1024 != 0) {
		look_refuse(looking, CODE_STORAGE,
		            "disk %s has %" PRIu64 " bytes; libvirt makes a qcow2 of whole KiB only, %" PRIu64
		            ": shut it down to move it, or resize the disk",
		            disk->target, qcow2->size, (qcow2->size / 1024 + 1) * 1024);
	}
}

static void check_qcow2(struct looking *looking, virStorageVolPtr volume, struct disk *disk)
{
	unsigned char bytes[QCOW2_HEADER_BYTES];
	struct qcow2 qcow2;
	int length = read_begin(looking, volume, bytes, sizeof(bytes));
	if (length < 0) {
		look_refuse(looking, CODE_STORAGE, "disk %s: the header of %s cannot be read", disk->target,
		            disk->source);
		return;
	}
	if (!qcow2_read(looking->arena, bytes, (size_t)length, &qcow2)) {
		look_refuse(looking, CODE_STORAGE, "disk %s: %s is no qcow2 file", disk->target, disk->source);
		return;
	}
	disk->size = qcow2.size;
	disk->form = qcow2.form;
	if (qcow2.backing != NULL) {
		use_backing(looking, disk->source, qcow2.backing);
		look_refuse(looking, CODE_STORAGE, "disk %s has a backing file", disk->target);
	}
	if (qcow2.encrypted) {
		look_refuse(looking, CODE_STORAGE, "disk %s is encrypted", disk->target);
	}
	if (qcow2.data_file) {
		look_refuse(looking, CODE_STORAGE, "disk %s keeps its data in another file", disk->target);
	}
	if (qcow2.corrupt) {
		look_refuse(looking, CODE_STORAGE, "disk %s is marked as corrupt: repair it first (qemu-img check)",
		            disk->target);
	}
	if (qcow2.unknown) {
		look_refuse(looking, CODE_STORAGE, "disk %s has features of qcow2 that berth does not know",
		            disk->target);
	}
	if (looking->vm->state != VM_STOPPED) {
		check_live_copy(looking, disk, &qcow2);
	}
}

/* Of a disk whose data may be copied. */
static void measure_disk(struct looking *looking, const struct pool *pool, bool backing_told, struct disk *disk)
{
	cleanup_volume virStorageVolPtr volume = find_volume(looking, pool, disk->source);
	virStorageVolInfo info;
	virStorageVolInfo physical;
	/* With the flag libvirt puts the length of the file into `allocation`. */
	if (volume == NULL || virStorageVolGetInfo(volume, &info) < 0 ||
	    virStorageVolGetInfoFlags(volume, &physical, VIR_STORAGE_VOL_GET_PHYSICAL) < 0) {
		look_refuse(looking, CODE_STORAGE, "disk %s: no volume %s on %s", disk->target, disk->source,
		            looking->host->name);
		return;
	}
	disk->size = info.capacity;
	disk->used = info.allocation;
	if (is_logical(pool)) {
		look_refuse(looking, CODE_STORAGE,
		            "disk %s is a logical volume, which this version of berth does not copy", disk->target);
	} else if (info.type != VIR_STORAGE_VOL_FILE) {
		look_refuse(looking, CODE_STORAGE, "disk %s: %s is no plain file", disk->target, disk->source);
	} else if (disk->format == FORMAT_RAW) {
		/* Whatever libvirt takes it for: its guest sees these bytes. */
		disk->size = physical.allocation;
	} else if (disk->format == FORMAT_QCOW2) {
		size_t before = looking->vm->immovable_count;
		check_qcow2(looking, volume, disk);
		if (backing_told && looking->vm->immovable_count == before) {
			look_refuse(looking, CODE_STORAGE, "disk %s has a backing file", disk->target);
		}
	}
}

static enum disk_format format_of(const char *word)
{
	enum disk_format format = FORMAT_OTHER;
	format_parse(word[0] == '\0' ? "raw" : word, &format);
	return format;
}

static const char *source_of(const struct looking *looking, const struct xml_disk *from)
{
	if (from->pool == NULL) {
		return from->source;
	}
	cleanup_pool virStoragePoolPtr pool = virStoragePoolLookupByName(looking->connection, from->pool);
	cleanup_volume virStorageVolPtr volume = pool == NULL ? NULL : virStorageVolLookupByName(pool, from->volume);
	cleanup_text char *path = volume == NULL ? NULL : virStorageVolGetPath(volume);
	return path == NULL ? "" : arena_copy(looking->arena, path);
}

static bool is_medium(const struct xml_disk *from)
{
	return from->readonly || strcmp(from->device, "cdrom") == 0;
}

/* Kinds of disks that berth knows; the others are their host's own (vhostuser, vhostvdpa, nvme, dir). */
static bool is_known_type(const char *type)
{
	static const char *const types[] = {"file", "block", "network", "volume"};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(type, types[i]) == 0) {
			return true;
		}
	}
	return false;
}

static void check_disk(struct looking *looking, const struct xml_disk *from, const struct disk *disk, bool copied)
{
	if (from->transient) {
		look_refuse(looking, CODE_STORAGE, "disk %s is transient", disk->target);
	}
	if (disk->storage == STORAGE_OTHER && !is_shared(looking, disk->source)) {
		look_refuse(looking, CODE_STORAGE, "disk %s: %s lies in no active pool and is not declared as shared",
		            disk->target, disk->source[0] == '\0' ? "its source" : disk->source);
	}
	if (copied && disk->format == FORMAT_OTHER) {
		look_refuse(looking, CODE_FORMAT, "disk %s has the format %s; berth moves raw and qcow2", disk->target,
		            from->format);
	}
	if (copied && from->encrypted) {
		look_refuse(looking, CODE_STORAGE, "disk %s is encrypted", disk->target);
	}
	if (copied && from->sliced) {
		look_refuse(looking, CODE_STORAGE, "disk %s is a slice of %s", disk->target, disk->source);
	}
	if (copied && from->shareable) {
		look_refuse(looking, CODE_STORAGE, "disk %s is shared with other VMs, but local", disk->target);
	}
}

void look_disk_read(struct looking *looking, const struct xml_disk *from)
{
	bool by_name = from->pool != NULL;
	struct disk disk = {
	        .target = from->target,
	        .source = source_of(looking, from),
	        .pool = from->pool,
	        .format = format_of(from->format),
	};
	const struct pool *pool = NULL;
	if (strcmp(from->type, "network") == 0) {
		disk.storage = STORAGE_NETWORK;
	} else {
		pool = by_name ? find_pool(looking->host, from->pool) : host_pool_of(looking->host, disk.source);
		disk.storage = storage_of(pool);
	}
	if (!is_known_type(from->type)) {
		disk.storage = STORAGE_OTHER;
		look_refuse(looking, CODE_STORAGE, "disk %s is of libvirt's type %s, which is its host's own",
		            disk.target, from->type);
	} else if (strcmp(from->device, "lun") == 0) {
		look_refuse(looking, CODE_STORAGE, "disk %s is a LUN of its host, passed through", disk.target);
	}
	if (is_medium(from)) {
		disk.storage = STORAGE_MEDIA;
	} else {
		bool copied = disk.storage == STORAGE_LOCAL && !is_shared(looking, disk.source);
		check_disk(looking, from, &disk, copied);
		if (copied) {
			measure_disk(looking, pool, from->backing, &disk);
		}
	}
	ARENA_ADD(looking->arena, looking->vm->disks, looking->vm->disk_count) = disk;
}

/* The files behind a file, as far as they are volumes of this host's pools. */
static void follow_chain(struct looking *looking, const char *path)
{
	for (int i = 0; i < CHAIN_MOST && path != NULL; i++) {
		cleanup_volume virStorageVolPtr volume = virStorageVolLookupByPath(looking->connection, path);
		cleanup_text char *xml = volume == NULL ? NULL : virStorageVolGetXMLDesc(volume, 0);
		struct xml_volume description = {.format = ""};
		path = NULL;
		if (xml == NULL || xml_read_volume(looking->arena, xml, &description, NULL) < 0) {
			continue;
		}
		for (size_t k = 0; k < description.refer_count; k++) {
			bool is_new = !is_used(looking->vm, description.refers[k]);
			look_file_use(looking, description.refers[k]);
			path = is_new && path == NULL ? description.refers[k] : path;
		}
	}
}

void look_disk_uses(struct looking *looking, const struct xml_disk *disks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *source = source_of(looking, &disks[i]);
		look_file_use(looking, source);
		for (size_t k = 0; k < disks[i].path_count; k++) {
			look_file_use(looking, disks[i].paths[k]);
		}
		if (source[0] == '/') {
			follow_chain(looking, source);
		}
	}
}

static const struct xml_disk *find_disk(const struct xml_domain *domain, const char *target)
{
	for (size_t i = 0; i < domain->disk_count; i++) {
		if (text_equal(domain->disks[i].target, target)) {
			return &domain->disks[i];
		}
	}
	return NULL;
}

void look_disk_compare(struct looking *looking, const struct xml_domain *now, const struct xml_domain *stored)
{
	for (size_t i = 0; i < now->disk_count; i++) {
		const struct xml_disk *disk = &now->disks[i];
		const struct xml_disk *other = find_disk(stored, disk->target);
		if (other == NULL && !is_medium(disk)) {
			look_refuse(
			        looking, CODE_STORAGE,
			        "disk %s is not in its stored definition: attach it there too (--config), or detach it",
			        disk->target);
		} else if (other != NULL && (!is_medium(disk) || !is_medium(other)) &&
		           (!text_equal(source_of(looking, disk), source_of(looking, other)) ||
		            format_of(disk->format) != format_of(other->format))) {
			look_refuse(looking, CODE_STORAGE,
			            "disk %s is another one in its stored definition (%s): make both the same",
			            disk->target, source_of(looking, other));
		}
	}
	for (size_t i = 0; i < stored->disk_count; i++) {
		const struct xml_disk *disk = &stored->disks[i];
		if (!is_medium(disk) && find_disk(now, disk->target) == NULL) {
			look_refuse(
			        looking, CODE_STORAGE,
			        "disk %s is in its stored definition only: attach it to the running VM too (--live), "
			        "or detach it (--config)",
			        disk->target);
		}
	}
}
