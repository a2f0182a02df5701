#include "reconcile/resolve.h"

#include "state/arena.h"
#include "state/text.h"

#include <errno.h>

struct resolving {
	struct arena *arena;
	const struct world *world;
	const struct decision *decision;
	const char *keep;
	void (*tell)(const char *line);
};

static const char *disks_of(struct arena *arena, const struct vm *vm)
{
	struct text text;
	text_init(&text, arena);
	for (size_t i = 0; i < vm->disk_count; i++) {
		if (vm->disks[i].source[0] != '\0') {
			text_print(&text, "%s%s", text.length == 0 ? "" : ", ", vm->disks[i].source);
		}
	}
	return text_string(&text);
}

static int remove_others(const struct resolving *resolving, struct error *err)
{
	const struct inventory *inventory = resolving->decision->inventory;
	const struct world *world = resolving->world;
	int r = 0;
	for (size_t i = 0; r == 0 && i < inventory->host_count; i++) {
		const struct host *host = &inventory->hosts[i];
		const struct vm *vm = host_is_connected(host) ? host_vm_by_uuid(host, resolving->decision->uuid) : NULL;
		if (vm == NULL || text_equal(host->name, resolving->keep)) {
			continue;
		}
		r = world->functions->remove(world->data, host->name, vm->uuid, err);
		if (r == 0) {
			const char *disks = disks_of(resolving->arena, vm);
			resolving->tell(arena_print(resolving->arena, "%s: destroyed and undefined%s%s", host->name,
			                            disks[0] == '\0' ? "" : "; its disks are left: ", disks));
		}
	}
	return r;
}

/* Asked anew, on new connections: only then may it run where it is kept. A host that is fenced does not answer. */
static int look_again(const struct resolving *resolving, const struct vm **ret_vm, struct error *err)
{
	const struct inventory *before = resolving->decision->inventory;
	const struct world *world = resolving->world;
	const struct inventory *now = world->functions->look(world->data, resolving->arena, NULL, 0, LOOK_FRESH);
	for (size_t i = 0; i < now->host_count; i++) {
		const struct host *host = &now->hosts[i];
		const struct host *was = inventory_host(before, host->name);
		bool is_kept = text_equal(host->name, resolving->keep);
		if (was != NULL && host_is_connected(was) != host_is_connected(host)) {
			return error_set(err, -EBUSY, "%s %s now", host->name,
			                 host_is_connected(host) ? "answers" : "does not answer");
		}
		const struct vm *vm = host_is_connected(host) ? host_vm_by_uuid(host, resolving->decision->uuid) : NULL;
		if ((vm != NULL) != is_kept) {
			return error_set(err, -EBUSY, "%s %s it now", host->name, vm == NULL ? "does not have" : "has");
		}
		*ret_vm = is_kept ? vm : *ret_vm;
	}
	return 0;
}

/* What its move had changed for it: snapshots, autostart, a pause by libvirt, a shutdown. */
static int put_back(const struct resolving *resolving, const struct move_entry *entry, const struct vm *vm,
                    struct error *err)
{
	const struct world *world = resolving->world;
	const char *keep = resolving->keep;
	bool at_source = text_equal(keep, entry->from);
	if ((!at_source && !text_equal(keep, entry->to)) || entry->step == STEP_SOURCE_DISKS) {
		return 0;
	}
	int r = 0;
	if (entry->snapshots.count > 0 && (at_source || !entry->snapshots_end)) {
		r = world->functions->set_snapshots(world->data, keep, vm->uuid, &entry->snapshots, err);
	}
	if (r == 0 && entry->autostart && !vm->autostart) {
		r = world->functions->set_autostart(world->data, keep, vm->uuid, true, err);
	}
	bool was_running = entry->state == VM_RUNNING;
	if (r == 0 && was_running && vm->state == VM_PAUSED && vm->pause == PAUSE_MIGRATION) {
		r = world->functions->resume(world->data, keep, vm->uuid, err);
	}
	if (r == 0 && was_running && entry->mode == MOVE_STOPPED && vm->state == VM_STOPPED) {
		r = world->functions->start(world->data, keep, vm->uuid, err);
	}
	return r;
}

/* Volumes that no definition names any more: whoever cleans up needs their paths. */
static void tell_volumes(const struct resolving *resolving, const struct move_entry *entry)
{
	bool is_over = entry->step == STEP_SOURCE_DISKS;
	const char *where = is_over ? entry->from : entry->to;
	for (size_t i = 0; i < entry->volume_count; i++) {
		if (!text_equal(where, resolving->keep) && (is_over || entry->volumes[i].made)) {
			resolving->tell(arena_print(resolving->arena, "%s: %s is left", where, entry->volumes[i].path));
		}
	}
}

int resolve_carry_out(struct arena *arena, const struct world *world, struct record *record,
                      const struct decision *decision, const char *keep, void (*tell)(const char *line),
                      struct error *err)
{
	const struct resolving resolving = {
	        .arena = arena, .world = world, .decision = decision, .keep = keep, .tell = tell};
	const struct vm *vm = NULL;
	int r = remove_others(&resolving, err);
	if (r == 0) {
		r = look_again(&resolving, &vm, err);
	}
	for (size_t i = 0; r == 0 && i < decision->entry_count; i++) {
		r = put_back(&resolving, &decision->entries[i], vm, err);
	}
	if (r == 0) {
		r = record_clear_vm(record, decision->uuid, err);
	}
	for (size_t i = 0; r == 0 && i < decision->entry_count; i++) {
		tell_volumes(&resolving, &decision->entries[i]);
	}
	return r;
}
