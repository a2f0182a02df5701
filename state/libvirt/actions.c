#include "state/libvirt/actions.h"

#include "state/arena.h"
#include "state/digest.h"
#include "state/libvirt/handle.h"
#include "state/libvirt/worker.h"
#include "state/libvirt/xml.h"
#include "state/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

virDomainPtr action_domain(virConnectPtr connection, const char *uuid, struct error *err)
{
	virDomainPtr domain = virDomainLookupByUUIDString(connection, uuid);
	if (domain == NULL) {
		libvirt_error(err, NULL);
	}
	return domain;
}

static bool is_of_type(const char *type, const char *const *types, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(type, types[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* Pools whose volumes are files that may need each other, or LVM's snapshots of each other. */
static bool has_chains(const char *type)
{
	static const char *const types[] = {"dir", "fs", "netfs", "logical"};
	return is_of_type(type, types, sizeof(types) / sizeof(types[0]));
}

/* Pools that files can be made in. */
static bool has_files(const char *type)
{
	static const char *const types[] = {"dir", "fs", "netfs"};
	return is_of_type(type, types, sizeof(types) / sizeof(types[0]));
}

static void free_pools(virStoragePoolPtr *pools, int count)
{
	for (int i = 0; i < count; i++) {
		virStoragePoolFree(pools[i]);
	}
	free(pools);
}

static int describe_pool(struct arena *arena, virStoragePoolPtr pool, struct xml_pool *ret, struct error *err)
{
	cleanup_text char *xml = virStoragePoolGetXMLDesc(pool, 0);
	return xml == NULL ? libvirt_error(err, "a pool's definition") : xml_read_pool(arena, xml, ret, err);
}

/* The active pool of files whose path is this folder. */
static virStoragePoolPtr find_pool(struct arena *arena, virConnectPtr connection, const char *folder, struct error *err)
{
	virStoragePoolPtr *pools = NULL;
	virStoragePoolPtr found = NULL;
	int count = virConnectListAllStoragePools(connection, &pools, VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE);
	if (count < 0) {
		libvirt_error(err, "storage pools");
		return NULL;
	}
	for (int i = 0; i < count && found == NULL; i++) {
		struct xml_pool pool;
		if (describe_pool(arena, pools[i], &pool, NULL) == 0 && strcmp(pool.path, folder) == 0 &&
		    has_files(pool.type)) {
			found = pools[i];
			virStoragePoolRef(found);
		}
	}
	free_pools(pools, count);
	if (found == NULL) {
		error_set(err, -ENOENT, "no active pool of files has the path %s", folder);
	}
	return found;
}

/* libvirt makes the file with O_EXCL: what is there is never reused. */
static int create_exclusively(virStoragePoolPtr pool, const char *xml, struct error *err)
{
	cleanup_volume virStorageVolPtr volume = virStorageVolCreateXML(pool, xml, 0);
	return volume == NULL ? libvirt_error(err, NULL) : 0;
}

/* What the guest sees of a raw file: QEMU takes whole sectors. */
static uint64_t whole_sectors(uint64_t bytes)
{
	const uint64_t sector = 512;
	return bytes % sector == 0 || bytes > UINT64_MAX - sector ? bytes : (bytes / sector + 1) * sector;
}

int action_create_volume(struct arena *arena, virConnectPtr connection, const struct disk *disk, uint64_t bytes,
                         struct error *err)
{
	const char *slash = strrchr(disk->source, '/');
	if (slash == NULL || slash == disk->source) {
		return error_set(err, -EINVAL, "%s lies in no folder", disk->source);
	}
	const char *folder = arena_copy_n(arena, disk->source, (size_t)(slash - disk->source));
	cleanup_pool virStoragePoolPtr pool = find_pool(arena, connection, folder, err);
	if (pool == NULL) {
		return -ENOENT;
	}
	struct xml_new_volume volume = {.name = slash + 1, .format = "raw", .bytes = bytes};
	if (bytes == 0) {
		volume.format = format_word(disk->format);
		volume.form = disk->form;
		volume.bytes = disk->format == FORMAT_RAW ? whole_sectors(disk->size) : disk->size;
	}
	const char *xml = xml_write_volume(arena, &volume);
	int r = create_exclusively(pool, xml, err);
	/* The pool may remember a file that was removed behind its back: it is asked to look, and then again. */
	if (r == -EEXIST && virStoragePoolRefresh(pool, 0) == 0) {
		r = create_exclusively(pool, xml, err);
	}
	return r;
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

/*
 * Does a volume's reference mean this file? Links and dots are followed by the host alone: of a file of the same name
 * that is no volume it cannot be told, and then it counts.
 */
static bool means_file(virConnectPtr connection, const char *reference, const char *path)
{
	if (strcmp(reference, path) == 0) {
		return true;
	}
	if (strcmp(file_name(reference), file_name(path)) != 0) {
		return false;
	}
	cleanup_volume virStorageVolPtr volume = virStorageVolLookupByPath(connection, reference);
	cleanup_text char *real = volume == NULL ? NULL : virStorageVolGetPath(volume);
	return real == NULL || strcmp(real, path) == 0;
}

static int check_volume(struct arena *arena, virConnectPtr connection, virStorageVolPtr volume, const char *path,
                        struct error *err)
{
	cleanup_text char *xml = virStorageVolGetXMLDesc(volume, 0);
	struct xml_volume description;
	if (xml == NULL || xml_read_volume(arena, xml, &description, NULL) < 0) {
		return 0; /* it went away meanwhile, or its file did */
	}
	for (size_t i = 0; i < description.refer_count; i++) {
		if (means_file(connection, description.refers[i], path)) {
			cleanup_text char *other = virStorageVolGetPath(volume);
			return error_set(err, -EBUSY, "%s is the backing file of %s", path,
			                 other == NULL ? "a volume" : other);
		}
	}
	return 0;
}

/* -EBUSY when a volume of the pool, as it is now, needs the file. */
static int check_pool(struct arena *arena, virConnectPtr connection, virStoragePoolPtr pool, const char *path,
                      struct error *err)
{
	struct xml_pool description;
	int r = describe_pool(arena, pool, &description, err);
	if (r < 0 || !has_chains(description.type)) {
		return r;
	}
	virStorageVolPtr *volumes = NULL;
	int count = virStoragePoolRefresh(pool, 0) < 0 ? -1 : virStoragePoolListAllVolumes(pool, &volumes, 0);
	if (count < 0) {
		return libvirt_error(err, "a pool cannot be looked through");
	}
	for (int i = 0; i < count; i++) {
		if (r == 0) {
			r = check_volume(arena, connection, volumes[i], path, err);
		}
		virStorageVolFree(volumes[i]);
	}
	free(volumes);
	return r;
}

/* -EBUSY when another volume of this host needs the file, be it of a VM or not. */
static int check_nobody_needs(struct arena *arena, virConnectPtr connection, const char *path, struct error *err)
{
	virStoragePoolPtr *pools = NULL;
	int count = virConnectListAllStoragePools(connection, &pools, VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE);
	if (count < 0) {
		return libvirt_error(err, "storage pools");
	}
	int r = 0;
	for (int i = 0; i < count && r == 0; i++) {
		r = check_pool(arena, connection, pools[i], path, err);
	}
	free_pools(pools, count);
	return r;
}

int action_delete_volume(struct arena *arena, virConnectPtr connection, const char *path, struct error *err)
{
	cleanup_volume virStorageVolPtr volume = virStorageVolLookupByPath(connection, path);
	if (volume == NULL) {
		return libvirt_error(err, NULL);
	}
	int r = check_nobody_needs(arena, connection, path, err);
	if (r < 0) {
		return r;
	}
	return virStorageVolDelete(volume, 0) < 0 ? libvirt_error(err, NULL) : 0;
}

int action_volume_length(virConnectPtr connection, const char *path, uint64_t *ret_bytes, struct error *err)
{
	cleanup_volume virStorageVolPtr volume = virStorageVolLookupByPath(connection, path);
	virStorageVolInfo info;
	/* With this flag libvirt puts the length of the file into `allocation`. */
	if (volume == NULL || virStorageVolGetInfoFlags(volume, &info, VIR_STORAGE_VOL_GET_PHYSICAL) < 0) {
		return libvirt_error(err, NULL);
	}
	*ret_bytes = info.allocation;
	return 0;
}

int action_set_autostart(virConnectPtr connection, const char *uuid, bool autostart, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	return virDomainSetAutostart(domain, autostart ? 1 : 0) < 0 ? libvirt_error(err, "autostart") : 0;
}

int action_undefine(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	/* Nothing that only this host has may go with the definition. */
	const unsigned int flags = VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | VIR_DOMAIN_UNDEFINE_KEEP_TPM;
	return virDomainUndefineFlags(domain, flags) < 0 ? libvirt_error(err, "undefine") : 0;
}

int action_define(virConnectPtr from, virConnectPtr to, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr source = action_domain(from, uuid, err);
	if (source == NULL) {
		return -ENOENT;
	}
	const unsigned int flags = VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE;
	cleanup_text char *xml = virDomainGetXMLDesc(source, flags);
	if (xml == NULL) {
		return libvirt_error(err, "its definition");
	}
	cleanup_domain virDomainPtr target = virDomainDefineXMLFlags(to, xml, VIR_DOMAIN_DEFINE_VALIDATE);
	return target == NULL ? libvirt_error(err, "define") : 0;
}

int action_state(virConnectPtr connection, const char *uuid, int *ret_state, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	int reason;
	return virDomainGetState(domain, ret_state, &reason, 0) < 0 ? libvirt_error(err, NULL) : 0;
}

int action_shutdown(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	return virDomainShutdown(domain) < 0 ? libvirt_error(err, "shutdown") : 0;
}

int action_start(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	return virDomainCreate(domain) < 0 ? libvirt_error(err, "start") : 0;
}

int action_resume(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	return virDomainResume(domain) < 0 ? libvirt_error(err, "resume") : 0;
}

int action_volume_stamp(struct arena *arena, virConnectPtr connection, const char *path, uint64_t *ret_stamp,
                        struct error *err)
{
	cleanup_volume virStorageVolPtr volume = virStorageVolLookupByPath(connection, path);
	virStorageVolInfo info;
	/* The definition is made from the file as it is now. */
	cleanup_text char *xml = volume == NULL ? NULL : virStorageVolGetXMLDesc(volume, 0);
	if (xml == NULL || virStorageVolGetInfoFlags(volume, &info, VIR_STORAGE_VOL_GET_PHYSICAL) < 0) {
		return libvirt_error(err, NULL);
	}
	struct xml_volume description = {.format = "", .changed = ""};
	int r = xml_read_volume(arena, xml, &description, err);
	if (r == 0) {
		struct digest *digest = digest_create(arena);
		digest_add_text(digest, description.changed);
		digest_add_number(digest, info.allocation);
		*ret_stamp = strtoull(arena_copy_n(arena, digest_end(digest, arena) + strlen("sha256:"), 15), NULL, 16);
	}
	return r;
}

static int check_networks(struct arena *arena, virConnectPtr to, const struct xml_domain *domain, struct error *err)
{
	(void)arena;
	for (size_t i = 0; i < domain->network_count; i++) {
		virNetworkPtr network = virNetworkLookupByName(to, domain->networks[i]);
		bool active = network != NULL && virNetworkIsActive(network) == 1;
		if (network != NULL) {
			virNetworkFree(network);
		}
		if (!active) {
			return error_set(err, -EPERM, "network %s is not active on the target", domain->networks[i]);
		}
	}
	return 0;
}

/*
 * A read-only medium stays where it is, and must be on the target too. QEMU finds out when it starts there; for a
 * stopped VM nobody would, until it is started.
 */
static int check_media(virConnectPtr to, const struct xml_domain *domain, struct error *err)
{
	for (size_t i = 0; i < domain->disk_count; i++) {
		const struct xml_disk *disk = &domain->disks[i];
		bool medium = (disk->readonly || strcmp(disk->device, "cdrom") == 0) && disk->source[0] == '/';
		cleanup_volume virStorageVolPtr volume = medium ? virStorageVolLookupByPath(to, disk->source) : NULL;
		if (medium && volume == NULL) {
			return error_set(err, -EPERM, "its medium %s is in no pool of the target", disk->source);
		}
	}
	return 0;
}

static int check_memory(struct arena *arena, virConnectPtr to, virDomainPtr domain, struct error *err)
{
	unsigned long long available = virNodeGetFreeMemory(to);
	int node_stats = 0;
	virNodeMemoryStatsPtr stats = NULL;
	/* What buffers and caches hold can be had as well: the kernel gives it back when it is asked for memory. */
	if (virNodeGetMemoryStats(to, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &node_stats, 0) == 0 && node_stats > 0) {
		stats = arena_array(arena, (size_t)node_stats, sizeof(*stats));
		if (virNodeGetMemoryStats(to, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &node_stats, 0) < 0) {
			node_stats = 0;
		}
		for (int i = 0; i < node_stats; i++) {
			if (strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_BUFFERS) == 0 ||
			    strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_CACHED) == 0) {
				available += stats[i].value * 1024;
			}
		}
	}
	uint64_t needed = (uint64_t)virDomainGetMaxMemory(domain) * 1024;
	if (available > 0 && available < needed) {
		return error_set(err, -EPERM, "the target has %s of memory really free, it needs %s",
		                 units_size_short(arena, (int64_t)available), units_size_short(arena, (int64_t)needed));
	}
	return 0;
}

int action_check_target(struct arena *arena, virConnectPtr from, virConnectPtr to, const char *uuid, bool will_be_off,
                        struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(from, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	cleanup_text char *text = virDomainGetXMLDesc(domain, 0);
	if (text == NULL) {
		return libvirt_error(err, "its definition");
	}
	struct xml_domain xml;
	int r = xml_read_domain(arena, text, &xml, err);
	if (r == 0) {
		r = check_networks(arena, to, &xml, err);
	}
	virDomainJobInfo job = {0};
	if (r == 0 && virDomainIsActive(domain) == 1) {
		if (virDomainGetJobInfo(domain, &job) == 0 && job.type != VIR_DOMAIN_JOB_NONE) {
			return error_set(err, -EPERM, "another job is running on it");
		}
		r = check_memory(arena, to, domain, err);
	}
	if (r == 0 && will_be_off) {
		r = check_media(to, &xml, err);
	}
	return r;
}
