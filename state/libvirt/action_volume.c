#include "state/libvirt/actions.h"

#include "state/arena.h"
#include "state/digest.h"
#include "state/libvirt/handle.h"
#include "state/libvirt/worker.h"
#include "state/libvirt/xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Pools that files can be made in. */
static bool has_files(const char *type)
{
	return strcmp(type, "dir") == 0 || strcmp(type, "fs") == 0 || strcmp(type, "netfs") == 0;
}

/* Pools whose volumes may need each other: files, and LVM's snapshots. */
static bool has_chains(const char *type)
{
	return has_files(type) || strcmp(type, "logical") == 0;
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

/* Is a file of the name in the pool's folder, be it that the pool does not know it yet? */
static bool has_file(virStoragePoolPtr pool, const char *name)
{
	cleanup_volume virStorageVolPtr volume =
	        virStoragePoolRefresh(pool, 0) < 0 ? NULL : virStorageVolLookupByName(pool, name);
	return volume != NULL;
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
	/* Nor may it know of one that has come: libvirt finds that in the way, and calls it an invalid operation. */
	return r == -EPERM && has_file(pool, slash + 1) ? -EEXIST : r;
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
	int r = xml == NULL ? libvirt_error(err, "a volume that may rest on it")
	                    : xml_read_volume(arena, xml, &description, err);
	if (r < 0) {
		return r == -ENOENT ? 0 : r; /* what went away meanwhile needs nothing */
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
static int check_no_volume_needs(struct arena *arena, virConnectPtr connection, const char *path, struct error *err)
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

/* The file of a disk that is named by pool and volume; NULL when there is none. To be freed. */
static char *named_file(virConnectPtr connection, const struct xml_disk *disk)
{
	cleanup_pool virStoragePoolPtr pool = virStoragePoolLookupByName(connection, disk->pool);
	cleanup_volume virStorageVolPtr volume = pool == NULL ? NULL : virStorageVolLookupByName(pool, disk->volume);
	return volume == NULL ? NULL : virStorageVolGetPath(volume);
}

static bool domain_names(virConnectPtr connection, const struct xml_domain *domain, const char *path)
{
	for (size_t i = 0; i < domain->disk_count; i++) {
		const struct xml_disk *disk = &domain->disks[i];
		cleanup_text char *file = disk->pool == NULL ? NULL : named_file(connection, disk);
		if (file != NULL && strcmp(file, path) == 0) {
			return true;
		}
		for (size_t k = 0; k < disk->path_count; k++) {
			if (means_file(connection, disk->paths[k], path)) {
				return true;
			}
		}
	}
	return false;
}

static int check_domain(struct arena *arena, virConnectPtr connection, virDomainPtr domain, const char *path,
                        struct error *err)
{
	static const unsigned int definitions[] = {0, VIR_DOMAIN_XML_INACTIVE};
	for (size_t i = 0; i < sizeof(definitions) / sizeof(definitions[0]); i++) {
		cleanup_text char *text = virDomainGetXMLDesc(domain, definitions[i]);
		struct xml_domain description;
		int r = text == NULL ? libvirt_error(err, "a VM that may use it")
		                     : xml_read_domain(arena, text, &description, err);
		if (r < 0) {
			return r == -ENOENT ? 0 : r;
		}
		if (domain_names(connection, &description, path)) {
			return error_set(err, -EBUSY, "%s is used by %s", path, virDomainGetName(domain));
		}
	}
	return 0;
}

/* -EBUSY when a VM names the file in one of its definitions, be it by another path. */
static int check_no_vm_uses(struct arena *arena, virConnectPtr connection, const char *path, struct error *err)
{
	virDomainPtr *domains = NULL;
	int count = virConnectListAllDomains(connection, &domains, 0);
	if (count < 0) {
		return libvirt_error(err, "domains");
	}
	int r = 0;
	for (int i = 0; i < count; i++) {
		if (r == 0) {
			r = check_domain(arena, connection, domains[i], path, err);
		}
		virDomainFree(domains[i]);
	}
	free(domains);
	return r;
}

int action_delete_volume(struct arena *arena, virConnectPtr connection, const char *path, struct error *err)
{
	cleanup_volume virStorageVolPtr volume = virStorageVolLookupByPath(connection, path);
	if (volume == NULL) {
		return libvirt_error(err, NULL);
	}
	int r = check_no_volume_needs(arena, connection, path, err);
	if (r == 0) {
		r = check_no_vm_uses(arena, connection, path, err);
	}
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
