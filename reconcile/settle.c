#include "reconcile/settle.h"

#include "reconcile/snapshots.h"
#include "state/arena.h"
#include "state/text.h"

#include <errno.h>
#include <time.h>

static bool is_same_host(const struct host *host, const char *uuid)
{
	return uuid[0] == '\0' || host->uuid[0] == '\0' || text_equal(host->uuid, uuid);
}

static const char *why_unclear(struct arena *arena, const struct host *host, const char *name, const char *uuid)
{
	if (host == NULL || !host_is_connected(host)) {
		return arena_print(arena, "%s does not answer: %s", name,
		                   host == NULL ? "no such host" : host->connection);
	}
	if (!is_same_host(host, uuid)) {
		return arena_print(arena, "%s is another machine than when the move began", name);
	}
	return NULL;
}

struct sight settle_look(const struct execution *execution, const struct move_entry *entry, unsigned int how)
{
	struct arena *arena = execution->arena;
	const char *const names[] = {entry->from, entry->to};
	const struct world *world = &execution->world;
	const struct inventory *inventory = world->functions->look(world->data, arena, names, 2, how);
	struct sight sight = {
	        .source = inventory_host(inventory, entry->from),
	        .target = inventory_host(inventory, entry->to),
	};
	sight.why = why_unclear(arena, sight.source, entry->from, entry->from_uuid);
	if (sight.why == NULL) {
		sight.why = why_unclear(arena, sight.target, entry->to, entry->to_uuid);
	}
	if (sight.why != NULL) {
		sight.where = IS_UNCLEAR;
		return sight;
	}
	sight.on_source = host_vm_by_uuid(sight.source, entry->uuid);
	sight.on_target = host_vm_by_uuid(sight.target, entry->uuid);
	if (sight.on_source != NULL && sight.on_target != NULL) {
		sight.where = IS_ON_BOTH;
	} else if (sight.on_source != NULL) {
		sight.where = IS_ON_SOURCE;
	} else if (sight.on_target != NULL && sight.on_target->persistent) {
		sight.where = IS_ON_TARGET;
	} else if (sight.on_target != NULL) {
		sight.where = IS_UNCLEAR;
		sight.why = arena_print(arena, "on %s it is not persistent", entry->to);
	} else {
		sight.where = IS_ON_NEITHER;
	}
	return sight;
}

static bool has_disk(const struct vm *vm, const char *path)
{
	for (size_t i = 0; i < vm->disk_count; i++) {
		if (text_equal(vm->disks[i].source, path)) {
			return true;
		}
	}
	return false;
}

/* The VM that refers to the path on this host, or NULL. */
static const struct vm *user_of(const struct host *host, const char *path)
{
	for (size_t i = 0; i < host->vm_count; i++) {
		const struct vm *vm = &host->vms[i];
		bool uses = has_disk(vm, path);
		for (size_t k = 0; !uses && k < vm->also_count; k++) {
			uses = text_equal(vm->also_uses[k], path);
		}
		if (uses) {
			return vm;
		}
	}
	return NULL;
}

/* 1: it is gone, or not ours any more, and *ret_why says what of it is to be told; 0: it has to stay for now. */
static bool delete_source_disk(const struct execution *execution, const struct move_entry *entry,
                               const struct made_volume *volume, const struct vm *now, const struct host *source,
                               struct error *ret_why)
{
	const struct world *world = &execution->world;
	const struct vm *user = user_of(source, volume->path);
	uint64_t stamp = 0;
	if (user != NULL) {
		error_set(ret_why, -EPERM, "%s is left on %s: %s uses it there", volume->path, entry->from, user->name);
		return false;
	}
	if (!has_disk(now, volume->path)) {
		error_set(ret_why, -EPERM, "%s is left on %s: the VM has no such disk where it is now", volume->path,
		          entry->from);
		return false;
	}
	int r = world->functions->volume_stamp(world->data, entry->from, volume->path, &stamp, ret_why);
	if (r == 0 && stamp != volume->stamp) {
		error_set(ret_why, -EPERM, "%s on %s is not the file that was left there: it stays", volume->path,
		          entry->from);
		return true;
	}
	if (r == 0) {
		r = world->functions->delete_volume(world->data, entry->from, volume->path, ret_why);
	}
	if (r < 0 && r != -ENOENT) {
		error_prefix(ret_why, r, "%s is left on %s", volume->path, entry->from);
		return false;
	}
	*ret_why = (struct error){{0}};
	return true;
}

/* What the files are like now that the VM has left them: only these may be deleted later. */
static int stamp_source_disks(const struct execution *execution, struct move_entry *entry, struct error *err)
{
	const struct world *world = &execution->world;
	for (size_t i = 0; i < entry->volume_count; i++) {
		struct made_volume *volume = &entry->volumes[i];
		int r = world->functions->volume_stamp(world->data, entry->from, volume->path, &volume->stamp, err);
		if (r < 0 && r != -ENOENT) {
			return error_prefix(err, r, "%s is left on %s", volume->path, entry->from);
		}
	}
	return record_step(execution->record, entry, STEP_SOURCE_DISKS, err);
}

int settle_source_disks(const struct execution *execution, struct move_entry *entry, const struct vm *now,
                        const struct host *source, struct error *err)
{
	if (entry->source_disks == SOURCE_DISKS_KEEP || entry->volume_count == 0) {
		return record_clear_move(execution->record, entry, err);
	}
	int r = 0;
	if (entry->step != STEP_SOURCE_DISKS) { /* only now: whoever finishes the move, they are kept from here on */
		entry->due = entry->kept_s == 0 ? 0 : (int64_t)time(NULL) + (int64_t)entry->kept_s;
		r = stamp_source_disks(execution, entry, err);
	}
	if (r < 0 || entry->due > (int64_t)time(NULL)) {
		return r; /* when they are due, a later pass does it */
	}
	struct error told = {{0}};
	size_t left = 0;
	for (size_t i = 0; i < entry->volume_count; i++) {
		struct error why = {{0}};
		if (!delete_source_disk(execution, entry, &entry->volumes[i], now, source, &why)) {
			entry->volumes[left++] = entry->volumes[i];
		}
		if (why.message[0] != '\0') {
			told = why;
		}
	}
	entry->volume_count = left;
	r = left == 0 ? record_clear_move(execution->record, entry, err)
	              : record_write_move(execution->record, entry, err);
	return r == 0 && told.message[0] != '\0' ? error_set(err, -EPERM, "%s", told.message) : r;
}

int settle_resume(const struct execution *execution, const struct move_entry *entry, const char *on, struct error *err)
{
	const struct world *world = &execution->world;
	bool at_source = text_equal(on, entry->from);
	struct sight sight = settle_look(execution, entry, LOOK_FRESH);
	if (sight.where != (at_source ? IS_ON_SOURCE : IS_ON_TARGET)) {
		return error_set(err, -EBUSY, "it stays paused on %s: %s", on,
		                 sight.where == IS_UNCLEAR ? sight.why : "the other host may have it");
	}
	const struct vm *vm = at_source ? sight.on_source : sight.on_target;
	if (vm->state != VM_PAUSED || vm->pause != PAUSE_MIGRATION) {
		return 0; /* it went on by itself, or somebody else has paused it by now */
	}
	int r = world->functions->resume(world->data, on, entry->uuid, err);
	return r < 0 ? error_prefix(err, r, "it stays paused on %s", on) : 0;
}

/* Stopped for the move, and the source has just answered that it has no such VM: now it may run again. */
static int start_on_target(const struct execution *execution, const struct move_entry *entry, const struct sight *sight,
                           struct error *err)
{
	const struct world *world = &execution->world;
	bool was_on = entry->mode == MOVE_STOPPED && entry->state == VM_RUNNING;
	if (!was_on || sight->on_target->state != VM_STOPPED) {
		return 0;
	}
	return world->functions->start(world->data, entry->to, entry->uuid, err);
}

int settle_on_target(const struct execution *execution, struct move_entry *entry, const struct sight *sight,
                     struct error *err)
{
	const struct world *world = &execution->world;
	bool wants_autostart = entry->autostart && !sight->on_target->autostart;
	bool has_more_to_do = wants_autostart || entry->mode == MOVE_STOPPED || snapshots_come_along(entry);
	int r = has_more_to_do ? record_step(execution->record, entry, STEP_SETTLE, err) : 0;
	if (r == 0 && snapshots_come_along(entry)) {
		r = snapshots_set(execution, entry, entry->to, err);
	}
	if (r == 0 && wants_autostart) {
		r = world->functions->set_autostart(world->data, entry->to, entry->uuid, true, err);
	}
	if (r == 0) {
		r = start_on_target(execution, entry, sight, err);
	}
	if (r == 0) { /* an entry that waits for disks alone has no more to say of them */
		entry->snapshots = (struct snapshot_list){0};
	}
	return r < 0 ? r : settle_source_disks(execution, entry, sight->on_target, sight->source, err);
}

/*
 * A volume that may have been made in the instant before a crash or a lost answer: nobody can tell it from a
 * stranger's, so it stays, and is named if it is there.
 */
static void tell_doubtful(const struct execution *execution, const struct move_entry *entry, struct text *left)
{
	const struct world *world = &execution->world;
	for (size_t i = 0; i < entry->volume_count; i++) {
		uint64_t bytes = 0;
		const char *path = entry->volumes[i].path;
		if (entry->volumes[i].made) {
			continue;
		}
		int r = world->functions->volume_length(world->data, entry->to, path, &bytes, NULL);
		const char *gap = left->length == 0 ? "" : "; ";
		if (r == 0) {
			text_print(left, "%s%s is on %s, and it cannot be told whether this move made it: it is left",
			           gap, path, entry->to);
		} else if (r != -ENOENT) {
			text_print(left, "%sit cannot be told whether this move left %s on %s", gap, path, entry->to);
		}
		return; /* they are made in this order: those behind it were not begun */
	}
}

/* Deletes what the record names as made by this move, and tells what it cannot delete now. */
static void clean_target(const struct execution *execution, struct move_entry *entry, const struct sight *sight,
                         struct text *left)
{
	const struct world *world = &execution->world;
	for (size_t i = 0; i < entry->volume_count; i++) {
		struct made_volume *volume = &entry->volumes[i];
		const struct vm *user = user_of(sight->target, volume->path);
		struct error why = {0};
		int r = 0;
		if (!volume->made) {
			continue;
		}
		if (user != NULL) {
			r = error_set(&why, -EPERM, "%s uses it", user->name);
		} else if (!has_disk(sight->on_source, volume->path)) {
			r = error_set(&why, -EPERM, "on %s the VM has no such disk", entry->from);
		} else {
			r = world->functions->delete_volume(world->data, entry->to, volume->path, &why);
		}
		if (r < 0 && r != -ENOENT) {
			text_print(left, "%s%s is left on %s: %s", left->length == 0 ? "" : "; ", volume->path,
			           entry->to, why.message);
		}
	}
}

static int restore_source(const struct execution *execution, const struct move_entry *entry, const struct sight *sight,
                          struct error *err)
{
	const struct world *world = &execution->world;
	int r = 0;
	if (entry->autostart && !sight->on_source->autostart) {
		r = world->functions->set_autostart(world->data, entry->from, entry->uuid, true, err);
	}
	bool was_running = entry->state == VM_RUNNING && entry->mode != MOVE_STOPPED;
	if (r == 0 && was_running && sight->on_source->state == VM_PAUSED &&
	    sight->on_source->pause == PAUSE_MIGRATION) {
		r = settle_resume(execution, entry, entry->from, err);
	}
	bool was_on = entry->mode == MOVE_STOPPED && entry->state == VM_RUNNING;
	if (r == 0 && was_on && sight->on_source->state == VM_STOPPED) {
		r = world->functions->start(world->data, entry->from, entry->uuid, err);
	}
	return r;
}

/*
 * A guest that was asked to shut down may do so long after nobody waits for it any more, and so may a host that was
 * asked to drop snapshots and hung. For a while the entry stays, and a pass that finds it so starts the guest or sets
 * the snapshots again.
 */
static bool may_still_happen(struct move_entry *entry, const struct sight *sight)
{
	const int64_t seconds = INT64_C(10) * 60;
	int64_t now = (int64_t)time(NULL);
	bool is_paused = sight->on_source->state == VM_PAUSED; /* it will hear of it once somebody lets it go on */
	bool may_go_off = entry->asked_off && (sight->on_source->state == VM_RUNNING || is_paused);
	if (!may_go_off && !entry->snapshots_open) {
		return false;
	}
	if (entry->due == 0 || (may_go_off && is_paused)) {
		entry->due = now + seconds;
	}
	return entry->due > now;
}

int settle_on_source(const struct execution *execution, struct move_entry *entry, const struct sight *sight,
                     const char **ret_left, struct error *err)
{
	struct text left;
	text_init(&left, execution->arena);
	*ret_left = "";
	int r = record_step(execution->record, entry, STEP_UNDO, err);
	if (r < 0) {
		return r;
	}
	clean_target(execution, entry, sight, &left);
	bool is_clean = left.length == 0;
	tell_doubtful(execution, entry, &left);
	*ret_left = text_string(&left);
	r = restore_source(execution, entry, sight, err);
	int r_snapshots = snapshots_set(execution, entry, entry->from, r < 0 ? NULL : err);
	r = r < 0 ? r : r_snapshots;
	if (r < 0 || !is_clean) {
		return r; /* the entry stays: the next pass tries again */
	}
	return may_still_happen(entry, sight) ? record_write_move(execution->record, entry, err)
	                                      : record_clear_move(execution->record, entry, err);
}
