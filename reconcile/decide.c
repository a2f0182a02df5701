#include "reconcile/decide.h"

#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"

#include <errno.h>

static const char *const STEPS[] = {
        [STEP_VOLUMES] = "its volumes were being made",
        [STEP_SHUTDOWN] = "its guest had been asked to shut down",
        [STEP_SNAPSHOTS] = "its snapshots were leaving the source",
        [STEP_TRANSFER] = "RAM or disks were on their way",
        [STEP_DEFINE] = "its disks were copied and compared, and it was being defined on the target",
        [STEP_SETTLE] = "the target had it, and the source was to give it up",
        [STEP_SOURCE_DISKS] = "it was over but for the disks on the source",
        [STEP_UNDO] = "it was being undone",
};

/* false: there is another one already. */
static bool take_uuid(struct decision *decision, const char *uuid)
{
	bool is_other = decision->uuid != NULL && !text_equal(decision->uuid, uuid);
	decision->uuid = decision->uuid == NULL ? uuid : decision->uuid;
	return !is_other;
}

int decide_begin(struct arena *arena, const char *vm, const struct inventory *inventory,
                 const struct move_entries *entries, struct decision *ret_decision, struct error *err)
{
	struct decision decision = {.vm = vm, .inventory = inventory};
	bool one = true;
	for (size_t i = 0; i < inventory->host_count; i++) {
		const struct host *host = &inventory->hosts[i];
		const struct vm *there = host_is_connected(host) ? host_vm(host, vm) : NULL;
		one = one && (there == NULL || take_uuid(&decision, there->uuid));
	}
	for (size_t i = 0; i < entries->count; i++) {
		one = one && (!text_equal(entries->items[i].vm, vm) || take_uuid(&decision, entries->items[i].uuid));
	}
	if (!one) {
		return error_set(err, -EINVAL,
		                 "there are two VMs called %s, with two UUIDs: rename or undefine one of them", vm);
	}
	if (decision.uuid == NULL) {
		return error_set(err, -ENOENT, "no host that answers has a VM %s, nor has berth's record", vm);
	}
	struct move_entry *own = NULL;
	struct unreadable_entry *unreadable = NULL;
	for (size_t i = 0; i < entries->count; i++) {
		if (text_equal(entries->items[i].uuid, decision.uuid)) {
			ARENA_ADD(arena, own, decision.entry_count) = entries->items[i];
		}
	}
	for (size_t i = 0; i < entries->unreadable_count; i++) {
		if (text_equal(entries->unreadable[i].uuid, decision.uuid)) {
			ARENA_ADD(arena, unreadable, decision.unreadable_count) = entries->unreadable[i];
		}
	}
	decision.entries = own;
	decision.unreadable = unreadable;
	*ret_decision = decision;
	return 0;
}

static const struct vm *vm_on(const struct decision *decision, const struct host *host)
{
	return host_is_connected(host) ? host_vm_by_uuid(host, decision->uuid) : NULL;
}

bool decide_is_open(const struct decision *decision)
{
	size_t copies = 0;
	for (size_t i = 0; i < decision->inventory->host_count; i++) {
		copies += vm_on(decision, &decision->inventory->hosts[i]) != NULL ? 1 : 0;
	}
	return copies > 1 || decision->entry_count > 0 || decision->unreadable_count > 0;
}

static void add_copy(struct arena *arena, struct text *text, const struct decision *decision, const struct vm *vm)
{
	static const char *const pauses[] = {
	        [PAUSE_OTHER] = "",
	        [PAUSE_PERSON] = " by somebody",
	        [PAUSE_MIGRATION] = " by libvirt, for a migration",
	        [PAUSE_POSTCOPY] = ", half of its memory is elsewhere (post-copy)",
	};
	text_print(text, "%s%s%s%s%s", vm_state_word(vm->state), vm->state == VM_PAUSED ? pauses[vm->pause] : "",
	           vm->persistent ? "" : ", not persistent", vm->autostart ? ", autostart" : "",
	           vm->migrating ? ", a migration runs" : "");
	if (!text_equal(vm->name, decision->vm)) {
		text_print(text, ", called %s", text_printable(arena, vm->name));
	}
	if (vm->snapshots > 0) {
		text_print(text, ", %u snapshot%s", vm->snapshots, vm->snapshots == 1 ? "" : "s");
	}
	text_add(text, "\n");
	for (size_t i = 0; i < vm->disk_count; i++) {
		const struct disk *disk = &vm->disks[i];
		text_print(text, "    %s  %s, %s, %s in use\n", text_printable(arena, disk->target),
		           disk->source[0] == '\0' ? "empty" : text_printable(arena, disk->source),
		           storage_word(disk->storage), units_size_short(arena, (int64_t)disk->used));
	}
}

const char *decide_evidence(struct arena *arena, const struct decision *decision)
{
	struct text text;
	text_init(&text, arena);
	text_print(&text, "%s, %s\n", text_printable(arena, decision->vm), decision->uuid);
	for (size_t i = 0; i < decision->inventory->host_count; i++) {
		const struct host *host = &decision->inventory->hosts[i];
		const struct vm *vm = vm_on(decision, host);
		text_print(&text, "  %s: ", host->name);
		if (!host_is_connected(host)) {
			text_print(&text, "does not answer: %s\n", text_printable(arena, host->connection));
		} else if (vm == NULL) {
			text_add(&text, "does not have it\n");
		} else {
			add_copy(arena, &text, decision, vm);
		}
	}
	for (size_t i = 0; i < decision->entry_count; i++) {
		const struct move_entry *entry = &decision->entries[i];
		text_print(&text, "  record: a move from %s to %s, %s, begun %s: %s\n", entry->from, entry->to,
		           move_mode_word(entry->mode), units_time(arena, entry->started), STEPS[entry->step]);
		for (size_t k = 0; k < entry->volume_count; k++) {
			if (entry->volumes[k].made) {
				text_print(&text, "    made on %s: %s\n", entry->to,
				           text_printable(arena, entry->volumes[k].path));
			}
		}
	}
	for (size_t i = 0; i < decision->unreadable_count; i++) {
		text_print(&text, "  record: %s\n", text_printable(arena, decision->unreadable[i].why));
	}
	return text_string(&text);
}

/* NULL: the copy is whole, as far as anybody can tell. */
static const char *why_incomplete(const struct decision *decision, const struct host *host, const struct vm *vm)
{
	bool is_source = false;
	for (size_t i = 0; i < decision->entry_count; i++) {
		const struct move_entry *entry = &decision->entries[i];
		bool carried = entry->mode == MOVE_OFFLINE || entry->mode == MOVE_STOPPED;
		bool is_early = entry->step < STEP_DEFINE || entry->step == STEP_UNDO;
		is_source = is_source || text_equal(entry->from, host->name);
		if (!text_equal(entry->to, host->name)) {
			continue;
		}
		if (entry->step == STEP_UNDO || (carried && is_early && entry->volume_count > 0)) {
			return "its disks were not all copied, or are being removed";
		}
	}
	if (!vm->persistent) {
		return "it is not persistent there";
	}
	if (vm->pause == PAUSE_POSTCOPY) {
		return "half of its memory is elsewhere (post-copy)";
	}
	/* The source of a migration has all of its memory; for anybody else that is what has not arrived. */
	return vm->pause == PAUSE_MIGRATION && !is_source ? "its memory has not all arrived" : NULL;
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (text_equal(names[i], name)) {
			return true;
		}
	}
	return false;
}

static int check_hosts(const struct decision *decision, const char *const *fenced, size_t fenced_count,
                       struct error *err)
{
	for (size_t i = 0; i < fenced_count; i++) {
		if (inventory_host(decision->inventory, fenced[i]) == NULL) {
			return error_set(err, -EPERM, "the placement has no host %s", fenced[i]);
		}
	}
	for (size_t i = 0; i < decision->inventory->host_count; i++) {
		const struct host *host = &decision->inventory->hosts[i];
		const struct vm *vm = vm_on(decision, host);
		bool is_off = is_among(host->name, fenced, fenced_count);
		if (is_off && host_is_connected(host)) {
			return error_set(err, -EPERM, "%s answers: it is not powered off", host->name);
		}
		if (!is_off && !host_is_connected(host)) {
			return error_set(err, -EPERM,
			                 "%s does not answer: %s; if it is powered off for certain, say --fenced %s",
			                 host->name, host->connection, host->name);
		}
		if (vm != NULL && vm->migrating) {
			return error_set(err, -EPERM,
			                 "a migration of it runs on %s: wait for its end, or abort it there",
			                 host->name);
		}
	}
	return 0;
}

int decide_check(const struct decision *decision, const char *keep, const char *const *fenced, size_t fenced_count,
                 struct error *err)
{
	const struct host *host = inventory_host(decision->inventory, keep);
	if (host == NULL) {
		return error_set(err, -EPERM, "the placement has no host %s", keep);
	}
	if (is_among(keep, fenced, fenced_count)) {
		return error_set(err, -EPERM, "what is on %s cannot be kept: it is powered off", keep);
	}
	int r = check_hosts(decision, fenced, fenced_count, err);
	if (r < 0) {
		return r;
	}
	const struct vm *vm = vm_on(decision, host);
	if (vm == NULL) {
		return error_set(err, -EPERM, "%s does not have it", keep);
	}
	const char *why = why_incomplete(decision, host, vm);
	return why == NULL ? 0 : error_set(err, -EPERM, "its copy on %s is incomplete: %s", keep, why);
}
