/* The words of obstacles: each says who, what, and by how much. */
#include "reconcile/obstacle.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"

#include <inttypes.h>
#include <stdlib.h>

/* In the unit of what is needed, as long as that shows anything: `0.8 GiB`. */
static const char *gap_text(struct arena *arena, uint64_t need, int64_t gap)
{
	if (need >= GIB && gap < (int64_t)GIB && gap >= (int64_t)GIB / 10) {
		return arena_print(arena, "0.%" PRId64 " GiB", (gap * 10 + (int64_t)GIB / 2) / (int64_t)GIB % 10);
	}
	return units_size_short(arena, gap);
}

static const char *shortage_text(struct arena *arena, const struct obstacle *o, const char *place, const char *what)
{
	uint64_t missing = obstacle_missing(o);
	int64_t shown = missing > INT64_MAX ? INT64_MAX : (int64_t)missing;
	const char *needs = units_size_short(arena, (int64_t)o->need);
	const char *gap = gap_text(arena, o->need, shown);
	if (o->free < 0) {
		return arena_print(arena, "%s is over capacity by %s, %s needs %s: %s short", place,
		                   units_size_short(arena, -o->free), what, needs, gap);
	}
	return arena_print(arena, "%s has %s free, %s needs %s: %s short", place, units_size_short(arena, o->free),
	                   what, needs, gap);
}

static const char *space_text(struct arena *arena, const struct fleet *fleet, const struct obstacle *o)
{
	const struct fleet_host *host = &fleet->hosts[o->host];
	const struct pool *pool = &host->seen->pools[o->pool - host->first_pool];
	const char *place = arena_print(arena, "pool %s on %s", pool->name, host->name);
	return shortage_text(arena, o, place, fleet->vms[o->vm].name);
}

static const char *known(const char *version)
{
	return version[0] == '\0' ? "?" : version;
}

static const char *version_text(struct arena *arena, const struct fleet *fleet, const struct obstacle *o)
{
	const struct host *source = fleet->hosts[o->from].seen;
	const struct host *target = fleet->hosts[o->host].seen;
	return arena_print(arena, "%s has QEMU %s and libvirt %s, %s has %s and %s (migration.versions: %s)",
	                   source->name, known(source->qemu), known(source->libvirt), target->name, known(target->qemu),
	                   known(target->libvirt),
	                   fleet->vms[o->vm].desired->migration.versions == VERSIONS_SAME ? "same" : "compatible");
}

static const char *snapshots_text(struct arena *arena, const struct fleet *fleet, const struct obstacle *o)
{
	const struct fleet_vm *vm = &fleet->vms[o->vm];
	const char *many = vm->seen->snapshots == 1 ? "" : "s";
	if (vm->desired->migration.snapshots == SNAPSHOTS_REFUSE) {
		return arena_print(arena, "%s has %u snapshot%s (migration.snapshots: refuse)", vm->name,
		                   vm->seen->snapshots, many);
	}
	return arena_print(arena, "%s has %u snapshot%s on local storage, which a running VM's copy leaves behind",
	                   vm->name, vm->seen->snapshots, many);
}

static const char *pool_text(struct arena *arena, const struct fleet *fleet, const struct obstacle *o)
{
	const char *host = fleet->hosts[o->host].name;
	const char *vm = fleet->vms[o->vm].name;
	if (o->disk->pool != NULL) {
		return arena_print(arena, "%s has no active pool %s for disk %s of %s", host, o->disk->pool,
		                   o->disk->target, vm);
	}
	return arena_print(arena, "%s has no active pool for disk %s of %s (%s)", host, o->disk->target, vm,
	                   o->disk->source);
}

static const char *group_text(struct arena *arena, const struct fleet *fleet, const struct obstacle *o)
{
	const char *group = o->rule->policy->name;
	if (obstacle_code(o) == CODE_MEMORY) {
		return shortage_text(arena, o, fleet->hosts[o->host].name,
		                     arena_print(arena, "what policy %s brings there together", group));
	}
	return arena_print(arena, "policy %s: %s may not be parted from the others, which cannot all go to one place",
	                   group, fleet->vms[o->vm].name);
}

const char *obstacle_text(struct arena *arena, const struct fleet *fleet, const struct obstacle *o)
{
	const char *host = o->host == NOWHERE ? "" : fleet->hosts[o->host].name;
	const char *vm = fleet->vms[o->vm].name;
	switch (o->kind) {
	case OBSTACLE_IMMOVABLE:
		return arena_copy(arena, o->refusal->reason);
	case OBSTACLE_LIVE_ONLY:
		return arena_print(arena, "libvirt carries the %s of %s only while it runs",
		                   fleet->vms[o->vm].seen->live_only, vm);
	case OBSTACLE_MOVES_ONCE:
		return arena_print(arena, "%s is paused, and would have to run on %s before it goes on to %s", vm,
		                   fleet->hosts[o->from].name, host);
	case OBSTACLE_SNAPSHOTS:
		return snapshots_text(arena, fleet, o);
	case OBSTACLE_UNDEFINED:
		return arena_print(arena, "%s is no host of the desired placement", host);
	case OBSTACLE_MAINTENANCE:
		return arena_print(arena, "%s is in maintenance", host);
	case OBSTACLE_ENTRY:
		return arena_print(arena, "%s is not where %s may be", host, vm);
	case OBSTACLE_RULE:
		return arena_print(arena, "policy %s does not admit %s on %s", o->rule->policy->name, vm, host);
	case OBSTACLE_CONNECTION:
		if (fleet->hosts[o->host].seen == NULL) {
			return arena_print(arena, "%s has never been seen", host);
		}
		return arena_print(arena, "%s is not connected: %s", host, fleet->hosts[o->host].seen->connection);
	case OBSTACLE_VERSION:
		return version_text(arena, fleet, o);
	case OBSTACLE_KEPT:
		return arena_print(arena, "%s keeps its source disks, and would leave a copy on %s", vm,
		                   fleet->hosts[o->from].name);
	case OBSTACLE_STORAGE:
		if (disk_leaves_shared(fleet, o->disk, o->from, o->host)) {
			return arena_print(arena, "disk %s of %s (%s) is declared as shared on %s but not on %s",
			                   o->disk->target, vm, o->disk->source, fleet->hosts[o->from].name, host);
		}
		return arena_print(arena, "disk %s of %s (%s) is in no pool, nor shared by %s and %s", o->disk->target,
		                   vm, o->disk->source, fleet->hosts[o->from].name, host);
	case OBSTACLE_POOL:
		return pool_text(arena, fleet, o);
	case OBSTACLE_FORMAT:
		return arena_print(arena, "%s does not take %s, the format of disk %s of %s", host,
		                   format_word(o->disk->format), o->disk->target, vm);
	case OBSTACLE_IN_THE_WAY:
		return arena_print(arena, "%s of %s is in the way on %s", o->disk->source, fleet->vms[o->other].name,
		                   host);
	case OBSTACLE_MEMORY:
		return shortage_text(arena, o, host, vm);
	case OBSTACLE_SPACE:
		return space_text(arena, fleet, o);
	case OBSTACLE_STEP:
		return arena_print(arena, "policy %s leaves no place for %s on %s", o->rule->policy->name, vm, host);
	case OBSTACLE_GROUP:
		return group_text(arena, fleet, o);
	case OBSTACLE_NONE:
		break;
	}
	abort();
}
