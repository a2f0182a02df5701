/* The part of reconcile/fleet.h that speaks of disks. */
#include "reconcile/fleet.h"

#include <string.h>

/* shared is an absolute path without a trailing slash, "" or "/" for everything. A path with ".." is under nothing. */
static bool lies_under(const char *path, const char *shared)
{
	size_t length = strlen(shared);
	if (length > 0 && shared[length - 1] == '/') {
		length--;
	}
	return path[0] == '/' && strncmp(path, shared, length) == 0 && path[length] == '/' &&
	       strstr(path, "/../") == NULL;
}

static bool is_shared(const struct fleet_host *host, const char *path)
{
	for (size_t i = 0; host->desired != NULL && i < host->desired->shared_count; i++) {
		if (lies_under(path, host->desired->shared[i])) {
			return true;
		}
	}
	return false;
}

bool disk_leaves_shared(const struct fleet *fleet, const struct disk *disk, uint32_t from, uint32_t to)
{
	return from != to && is_shared(&fleet->hosts[from], disk->source) &&
	       !is_shared(&fleet->hosts[to], disk->source);
}

bool disk_is_shared_by(const struct fleet *fleet, const struct disk *disk, uint32_t from, uint32_t to)
{
	return is_shared(&fleet->hosts[from], disk->source) && is_shared(&fleet->hosts[to], disk->source);
}

bool disk_travels(const struct fleet *fleet, const struct disk *disk, uint32_t from, uint32_t to)
{
	switch (disk->storage) {
	case STORAGE_NETWORK:
	case STORAGE_MEDIA:
		return false;
	case STORAGE_LOCAL:
	case STORAGE_OTHER:
		return from != to && !disk_is_shared_by(fleet, disk, from, to);
	}
	return true;
}

uint64_t fleet_travelling_bytes(const struct fleet *fleet, uint32_t vm, uint32_t from, uint32_t to)
{
	const struct vm *seen = fleet->vms[vm].seen;
	uint64_t bytes = 0;
	for (size_t i = 0; i < seen->disk_count; i++) {
		if (disk_travels(fleet, &seen->disks[i], from, to) &&
		    __builtin_add_overflow(bytes, seen->disks[i].used, &bytes)) {
			bytes = UINT64_MAX;
		}
	}
	return bytes < INT64_MAX ? bytes : INT64_MAX;
}

uint32_t fleet_pool_of(const struct fleet *fleet, uint32_t host, const struct disk *disk)
{
	const struct host *seen = fleet->hosts[host].seen;
	const struct pool *pool = seen == NULL ? NULL : host_pool_of(seen, disk->source);
	return pool == NULL ? NOWHERE : fleet->hosts[host].first_pool + (uint32_t)(pool - seen->pools);
}

bool fleet_frees_source(const struct fleet *fleet, uint32_t vm)
{
	const struct desired_vm *desired = fleet->vms[vm].desired;
	return desired != NULL && desired->migration.source_disks == SOURCE_DISKS_DELETE;
}
