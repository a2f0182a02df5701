#include "reconcile/obstacle.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"

#include <stdlib.h>
#include <string.h>

static bool tell(struct obstacle *ret_obstacle, struct obstacle obstacle)
{
	if (ret_obstacle != NULL) {
		*ret_obstacle = obstacle;
	}
	return false;
}

/* "X.Y.Z" as numbers; what is not there is 0. */
static void parse_version(const char *text, unsigned long numbers[3])
{
	for (size_t i = 0; i < 3; i++) {
		char *end;
		numbers[i] = strtoul(text, &end, 10);
		text = *end == '.' ? end + 1 : end;
	}
}

/* A version that no record tells does not block: preflight asks the host itself. */
static bool version_fits(const char *from, const char *to, enum versions versions)
{
	if (from[0] == '\0' || to[0] == '\0' || text_equal(from, to)) {
		return true;
	}
	unsigned long a[3];
	unsigned long b[3];
	parse_version(from, a);
	parse_version(to, b);
	for (size_t i = 0; i < 3; i++) {
		if (a[i] != b[i]) {
			return versions == VERSIONS_COMPATIBLE && b[i] > a[i];
		}
	}
	return true;
}

/* Powered off while its disks are copied: then the volumes travel whole, snapshots with them. */
static bool travels_stopped(const struct fleet_vm *vm)
{
	bool is_shut_down = vm->seen->state == VM_RUNNING && vm->desired->migration.mode == MODE_STOPPED;
	return vm->seen->state == VM_STOPPED || is_shut_down;
}

/* Of a running VM's local disk QEMU copies the active state alone. */
static bool copy_leaves_snapshots(const struct fleet *fleet, uint32_t vm, uint32_t from, uint32_t to)
{
	const struct fleet_vm *v = &fleet->vms[vm];
	if (v->seen->snapshots == 0 || travels_stopped(v)) {
		return false;
	}
	for (size_t i = 0; i < v->seen->disk_count; i++) {
		if (disk_travels(fleet, &v->seen->disks[i], from, to)) {
			return true;
		}
	}
	return false;
}

bool obstacle_ends_snapshots(const struct fleet *fleet, uint32_t vm, uint32_t from, uint32_t to)
{
	return fleet->vms[vm].desired->migration.snapshots == SNAPSHOTS_DELETE &&
	       copy_leaves_snapshots(fleet, vm, from, to);
}

static bool snapshots_allow(const struct fleet *fleet, uint32_t vm, uint32_t from, uint32_t to)
{
	const struct fleet_vm *v = &fleet->vms[vm];
	switch (v->desired->migration.snapshots) {
	case SNAPSHOTS_PRESERVE:
		return !copy_leaves_snapshots(fleet, vm, from, to);
	case SNAPSHOTS_DELETE:
		return true;
	case SNAPSHOTS_REFUSE:
		return v->seen->snapshots == 0;
	}
	abort();
}

static const struct pool *active_pool_named(const struct host *host, const char *name)
{
	for (size_t i = 0; i < host->pool_count; i++) {
		if (host->pools[i].active && text_equal(host->pools[i].name, name)) {
			return &host->pools[i];
		}
	}
	return NULL;
}

static bool takes_format(const struct fleet_host *host, const struct pool *pool, enum disk_format format)
{
	unsigned int formats = host->desired->formats;
	if (formats == 0) {
		formats = pool == NULL ? 0 : pool->formats;
	}
	return formats == 0 || (formats & format) != 0;
}

/* A disk that is copied: it needs an active pool of the same path that takes its format. */
static bool copy_fits(const struct fleet *fleet, const struct obstacle *at, struct obstacle *ret_obstacle)
{
	struct obstacle obstacle = *at;
	const struct fleet_host *target = &fleet->hosts[at->host];
	if (at->disk->storage == STORAGE_OTHER || disk_leaves_shared(fleet, at->disk, at->from, at->host)) {
		obstacle.kind = OBSTACLE_STORAGE;
		return tell(ret_obstacle, obstacle);
	}
	if (at->from != fleet->vms[at->vm].origin && !fleet_frees_source(fleet, at->vm)) {
		obstacle.kind = OBSTACLE_KEPT;
		return tell(ret_obstacle, obstacle);
	}
	const struct pool *pool = host_pool_of(target->seen, at->disk->source);
	if (target->seen->pools_known && (pool == NULL || !pool->active)) {
		obstacle.kind = OBSTACLE_POOL;
		return tell(ret_obstacle, obstacle);
	}
	if (!takes_format(target, pool, at->disk->format)) {
		obstacle.kind = OBSTACLE_FORMAT;
		return tell(ret_obstacle, obstacle);
	}
	return true;
}

/* A network disk that is named by its path: a file on a mount, which the target must have, at the same place. */
static bool mount_fits(const struct fleet *fleet, const struct obstacle *at)
{
	const struct host *target = fleet->hosts[at->host].seen;
	if (at->disk->storage != STORAGE_NETWORK || at->disk->pool != NULL || at->disk->source[0] != '/' ||
	    !target->pools_known || disk_is_shared_by(fleet, at->disk, at->from, at->host)) {
		return true;
	}
	const struct pool *there = host_pool_of(target, at->disk->source);
	const struct pool *here = host_pool_of(fleet->hosts[at->from].seen, at->disk->source);
	return there != NULL && there->active && (here == NULL || text_equal(here->type, there->type));
}

static bool disks_fit(const struct fleet *fleet, struct obstacle at, struct obstacle *ret_obstacle)
{
	const struct vm *seen = fleet->vms[at.vm].seen;
	const struct host *target = fleet->hosts[at.host].seen;
	for (size_t i = 0; i < seen->disk_count; i++) {
		at.disk = &seen->disks[i];
		if (at.disk->storage == STORAGE_MEDIA) {
			continue;
		}
		if (!mount_fits(fleet, &at) || (at.disk->pool != NULL && target->pools_known &&
		                                active_pool_named(target, at.disk->pool) == NULL)) {
			at.kind = OBSTACLE_POOL;
			return tell(ret_obstacle, at);
		}
		if (disk_travels(fleet, at.disk, at.from, at.host) && !copy_fits(fleet, &at, ret_obstacle)) {
			return false;
		}
	}
	return true;
}

/* Why the host does not admit the VM at all; fleet_admits() said that it does not. */
static enum obstacle_kind why_not_admitted(const struct fleet *fleet, struct obstacle *at)
{
	const struct desired_host *desired = fleet->hosts[at->host].desired;
	if (desired == NULL) {
		return OBSTACLE_UNDEFINED;
	}
	at->rule = fleet_forbidding_rule(fleet, at->vm, at->host);
	return desired->maintenance ? OBSTACLE_MAINTENANCE : at->rule != NULL ? OBSTACLE_RULE : OBSTACLE_ENTRY;
}

bool obstacle_absent(const struct fleet *fleet, uint32_t vm, uint32_t from, uint32_t to, struct obstacle *ret_obstacle)
{
	const struct fleet_vm *v = &fleet->vms[vm];
	const struct host *source = fleet->hosts[from].seen;
	const struct host *target = fleet->hosts[to].seen;
	struct obstacle at = {.vm = vm, .host = to, .from = from, .other = NOWHERE, .pool = NOWHERE};
	if (v->seen->immovable_count > 0) {
		at.refusal = &v->seen->immovable[0];
		at.kind = OBSTACLE_IMMOVABLE;
	} else if (!fleet_admits(fleet, vm, to)) {
		at.kind = why_not_admitted(fleet, &at);
	} else if (!fleet->hosts[to].connected) {
		at.kind = OBSTACLE_CONNECTION;
	} else if (v->seen->live_only != NULL && travels_stopped(v)) {
		at.kind = OBSTACLE_LIVE_ONLY;
	} else if (from != v->origin && vm_moves_once(v->seen)) {
		at.kind = OBSTACLE_MOVES_ONCE;
	} else if (!snapshots_allow(fleet, vm, from, to)) {
		at.kind = OBSTACLE_SNAPSHOTS;
	} else if (!version_fits(source->qemu, target->qemu, v->desired->migration.versions) ||
	           !version_fits(source->libvirt, target->libvirt, v->desired->migration.versions)) {
		at.kind = OBSTACLE_VERSION;
	}
	return at.kind != OBSTACLE_NONE ? tell(ret_obstacle, at) : disks_fit(fleet, at, ret_obstacle);
}

uint64_t obstacle_missing(const struct obstacle *obstacle)
{
	if (obstacle->free >= 0) {
		return obstacle->need - (uint64_t)obstacle->free;
	}
	uint64_t sum;
	bool overflows = __builtin_add_overflow(obstacle->need, (uint64_t)-obstacle->free, &sum);
	return overflows ? UINT64_MAX : sum;
}

enum code obstacle_code(const struct obstacle *obstacle)
{
	switch (obstacle->kind) {
	case OBSTACLE_IMMOVABLE:
		return obstacle->refusal->code;
	case OBSTACLE_LIVE_ONLY:
	case OBSTACLE_MOVES_ONCE:
		return CODE_PREFLIGHT;
	case OBSTACLE_SNAPSHOTS:
	case OBSTACLE_STORAGE:
	case OBSTACLE_POOL:
	case OBSTACLE_KEPT:
	case OBSTACLE_IN_THE_WAY:
		return CODE_STORAGE;
	case OBSTACLE_MAINTENANCE:
		return CODE_MAINTENANCE;
	case OBSTACLE_ENTRY:
	case OBSTACLE_RULE:
	case OBSTACLE_STEP:
		return CODE_POLICY;
	case OBSTACLE_UNDEFINED:
	case OBSTACLE_CONNECTION:
		return CODE_CONNECTION;
	case OBSTACLE_VERSION:
		return CODE_VERSION;
	case OBSTACLE_FORMAT:
		return CODE_FORMAT;
	case OBSTACLE_GROUP:
		return obstacle->free >= 0 && (uint64_t)obstacle->free >= obstacle->need ? CODE_POLICY : CODE_MEMORY;
	case OBSTACLE_MEMORY:
		return CODE_MEMORY;
	case OBSTACLE_SPACE:
		return CODE_SPACE;
	case OBSTACLE_NONE:
		break;
	}
	abort();
}
