#include "reconcile/preflight.h"

#include "reconcile/fleet.h"
#include "reconcile/obstacle.h"
#include "reconcile/planner.h"
#include "reconcile/simulate.h"
#include "state/arena.h"
#include "state/text.h"

static uint32_t find_vm(const struct fleet *fleet, const char *uuid, uint32_t home)
{
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		if (fleet->vms[vm].home == home && text_equal(fleet->vms[vm].seen->uuid, uuid)) {
			return vm;
		}
	}
	return NOWHERE;
}

static bool refuse(struct reason *ret, enum code code, const char *text)
{
	*ret = (struct reason){.code = code, .text = text};
	return false;
}

/* Exactly the disks whose bytes travel: the list that libvirt gets by name. */
static void list_disks(struct arena *arena, const struct fleet *fleet, uint32_t vm, uint32_t to,
                       struct move_order *order)
{
	const struct fleet_vm *moved = &fleet->vms[vm];
	struct disk *disks = NULL;
	size_t count = 0;
	for (size_t i = 0; i < moved->seen->disk_count; i++) {
		const struct disk *disk = &moved->seen->disks[i];
		if (disk->storage == STORAGE_LOCAL && disk_travels(fleet, disk, moved->home, to)) {
			ARENA_ADD(arena, disks, count) = *disk;
		}
	}
	order->disks = disks;
	order->disk_count = count;
}

bool preflight_expects(const struct desired *desired, const struct inventory *inventory, const struct move *move)
{
	const struct desired_vm *wanted = desired_vm(desired, move->vm);
	const struct host *from = inventory_host(inventory, move->from);
	const struct vm *vm = from == NULL ? NULL : host_vm_by_uuid(from, move->uuid);
	return vm != NULL && wanted != NULL && text_equal(vm->name, move->vm) && vm->memory == move->memory &&
	       planner_mode(vm->state, wanted->migration.mode) == move->mode;
}

bool preflight_check(struct arena *arena, const struct desired *desired, const struct inventory *inventory,
                     const struct move *move, const char *plan_id, struct move_order *ret_order,
                     struct move_entry *ret_entry, struct reason *ret_reason)
{
	const struct fleet *fleet = fleet_build(arena, desired, inventory);
	uint32_t from = fleet_host_index(fleet, move->from);
	uint32_t to = fleet_host_index(fleet, move->to);
	uint32_t vm = from == NOWHERE ? NOWHERE : find_vm(fleet, move->uuid, from);
	if (vm == NOWHERE || to == NOWHERE || fleet->vms[vm].standing != STANDS_MANAGED) {
		return refuse(ret_reason, CODE_PREFLIGHT, arena_print(arena, "it is no longer on %s", move->from));
	}
	const struct vm *seen = fleet->vms[vm].seen;
	if (!preflight_expects(desired, inventory, move)) {
		return refuse(ret_reason, CODE_PREFLIGHT, "it is not as it was when the move was planned");
	}
	struct obstacle obstacle;
	if (!simulate_allows(simulate_begin(arena, fleet), vm, to, &obstacle)) {
		return refuse(ret_reason, obstacle_code(&obstacle), obstacle_text(arena, fleet, &obstacle));
	}
	const struct migration *settings = &fleet->vms[vm].desired->migration;
	*ret_order = (struct move_order){
	        .vm = seen->name,
	        .uuid = seen->uuid,
	        .from = move->from,
	        .to = move->to,
	        .mode = move->mode,
	        .settings = *settings,
	        .snapshots = seen->snapshots,
	};
	list_disks(arena, fleet, vm, to, ret_order);
	*ret_entry = (struct move_entry){
	        .vm = seen->name,
	        .uuid = seen->uuid,
	        .from = move->from,
	        .from_uuid = fleet->hosts[from].seen->uuid,
	        .to = move->to,
	        .to_uuid = fleet->hosts[to].seen->uuid,
	        .mode = move->mode,
	        .state = seen->state,
	        .autostart = seen->autostart,
	        .source_disks = settings->source_disks,
	        .kept_s = settings->source_disks == SOURCE_DISKS_LATER ? settings->source_disks_ms / 1000 : 0,
	        .snapshots_end = obstacle_ends_snapshots(fleet, vm, from, to),
	        .plan = plan_id,
	        .desired = desired->commit,
	};
	return true;
}
