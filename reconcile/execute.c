#include "reconcile/execute.h"

#include "reconcile/carry.h"
#include "reconcile/settle.h"
#include "reconcile/snapshots.h"
#include "state/arena.h"
#include "state/text.h"

#include <errno.h>
#include <time.h>

/* After a failure libvirt may still be at work on both hosts: it ends a migration whose client is gone in about 1 s. */
enum { MOST_LOOKS = 20, LOOKS_AT_SILENCE = 3, LOOKS_AT_PAUSE = 6, PAUSE_MS = 500 };

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct move_ending end_as(enum ending ending, enum code code, const char *text)
{
	return (struct move_ending){.ending = ending, .reason = {.code = code, .text = text}};
}

int execute_ask(const struct execution *execution, struct error *err)
{
	const struct transfer nothing = {0};
	const struct watcher *watcher = execution->watcher;
	bool wanted = watcher == NULL || watcher->tell(watcher->data, &nothing);
	return wanted ? 0 : error_set(err, -ECANCELED, "its move was cancelled");
}

/* The volumes that the move needs on its target, each known to the record before and after it is made. */
static int make_volumes(const struct execution *execution, const struct move_order *order, struct move_entry *entry,
                        struct error *err)
{
	const struct world *world = &execution->world;
	bool copies_files = order->mode == MOVE_OFFLINE || order->mode == MOVE_STOPPED;
	int r = record_step(execution->record, entry, STEP_VOLUMES, err);
	for (size_t i = 0; r == 0 && i < order->disk_count; i++) {
		const struct disk *disk = &order->disks[i];
		uint64_t bytes = 0;
		r = execute_ask(execution, err);
		if (r == 0 && copies_files) {
			r = world->functions->volume_length(world->data, order->from, disk->source, &bytes, err);
		}
		if (r == 0) {
			r = world->functions->create_volume(world->data, order->to, disk, bytes, err);
		}
		if (r == -EEXIST || r == -ECANCELED) { /* this one is a stranger's or not begun, like those behind it */
			entry->volume_count = i;
		}
		if (r == 0) {
			bool goes_on = i + 1 == order->disk_count && order->snapshots == 0;
			entry->volumes[i].made = true;
			r = record_step(execution->record, entry, goes_on ? STEP_TRANSFER : STEP_VOLUMES, err);
		}
	}
	return r;
}

/* libvirt migrates no VM that it knows snapshots of: their definitions leave the source, and are in the record before.
 */
static int take_snapshots(const struct execution *execution, const struct move_order *order, struct move_entry *entry,
                          struct error *err)
{
	int r = snapshots_read(execution, order, entry, err);
	if (r == 0 && entry->snapshots.count > 0) {
		r = record_step(execution->record, entry, STEP_SNAPSHOTS, err);
	}
	return r < 0 ? r : snapshots_leave_source(execution, entry, err);
}

static int transfer(const struct execution *execution, const struct move_order *order, struct carrying *carrying,
                    struct outcome *outcome, struct error *err)
{
	const struct world *world = &execution->world;
	int r = 0;
	switch (order->mode) {
	case MOVE_LIVE:
	case MOVE_SUSPENDED:
		r = take_snapshots(execution, order, carrying->entry, err);
		if (r == 0 && carrying->entry->step != STEP_TRANSFER) { /* the last volume's entry says so already */
			r = record_step(execution->record, carrying->entry, STEP_TRANSFER, err);
		}
		if (r == 0) {
			r = execute_ask(execution, err);
		}
		return r < 0 ? r : world->functions->migrate(world->data, order, execution->watcher, outcome, err);
	case MOVE_OFFLINE:
		return carry_stopped(execution, order, carrying, outcome, err);
	case MOVE_STOPPED:
		return carry_running(execution, order, carrying, outcome, err);
	}
	return error_set(err, -EINVAL, "no such mode");
}

/* Libvirt lets a guest go on by itself after most failures, a moment later. */
static bool is_still_paused(const struct move_entry *entry, const struct sight *sight)
{
	return sight->where == IS_ON_SOURCE && entry->state == VM_RUNNING && sight->on_source->state == VM_PAUSED &&
	       sight->on_source->pause == PAUSE_MIGRATION;
}

/* Until it is on one host alone, or it is plain that this will not come by waiting. */
static struct sight look_for_end(const struct execution *execution, const struct move_entry *entry, bool failed)
{
	struct sight sight = settle_look(execution, entry, failed ? LOOK_FRESH : LOOK_PLAIN);
	int silences = sight.where == IS_UNCLEAR ? 1 : 0;
	int pauses = is_still_paused(entry, &sight) ? 1 : 0;
	for (int i = 1; i < MOST_LOOKS && silences < LOOKS_AT_SILENCE && pauses < LOOKS_AT_PAUSE; i++) {
		if (pauses == 0 && (sight.where == IS_ON_SOURCE || sight.where == IS_ON_TARGET)) {
			break;
		}
		execution->world.functions->wait(execution->world.data, PAUSE_MS);
		sight = settle_look(execution, entry, LOOK_FRESH);
		silences += sight.where == IS_UNCLEAR ? 1 : 0;
		pauses = is_still_paused(entry, &sight) ? pauses + 1 : 0;
	}
	return sight;
}

static bool take_back_definition(const struct execution *execution, const struct carrying *carrying,
                                 const struct sight *sight)
{
	const struct world *world = &execution->world;
	const struct move_entry *entry = carrying->entry;
	return carrying->may_take_back && sight->where == IS_ON_BOTH && sight->on_target->state == VM_STOPPED &&
	       snapshots_take_back(execution, entry, NULL) == 0 &&
	       world->functions->undefine(world->data, entry->to, entry->uuid, NULL) == 0;
}

/*
 * libvirt's target lets the guest run once all of it has arrived, then its source is to be told and ends its side. When
 * berth, a connection or the source's daemon went away just between the two, the source's stands still for ever, or is
 * off and still defined: on one host too many.
 */
static bool is_unconfirmed(const struct move_entry *entry, const struct sight *sight)
{
	bool migrated = entry->mode == MOVE_LIVE || entry->mode == MOVE_SUSPENDED;
	if (!migrated || sight->where != IS_ON_BOTH) {
		return false;
	}
	const struct vm *left = sight->on_source;
	const struct vm *there = sight->on_target;
	bool was_running = entry->state == VM_RUNNING;
	bool ended = left->state == VM_STOPPED && (entry->step == STEP_SETTLE || left->dropped);
	bool stands = was_running && left->state == VM_PAUSED && left->pause == PAUSE_MIGRATION;
	/* What comes paused is so for libvirt as if somebody had paused it there, once all of it has arrived. */
	bool arrived = was_running ? there->arrived : there->state == VM_PAUSED && there->pause == PAUSE_PERSON;
	return (stands || ended) && !left->migrating && !there->migrating && there->persistent && arrived;
}

static void confirm(const struct execution *execution, struct move_entry *entry, struct sight *sight)
{
	const struct world *world = &execution->world;
	if (!is_unconfirmed(entry, sight)) {
		return;
	}
	*sight = settle_look(execution, entry, LOOK_FRESH);
	if (is_unconfirmed(entry, sight) && record_step(execution->record, entry, STEP_SETTLE, NULL) == 0 &&
	    world->functions->end_remnant(world->data, entry->from, entry->uuid, NULL) == 0) {
		*sight = settle_look(execution, entry, LOOK_FRESH);
	}
}

/* The source's disks are as they were when they had been copied and compared. */
static bool are_untouched(const struct execution *execution, const struct move_entry *entry)
{
	const struct world *world = &execution->world;
	for (size_t i = 0; i < entry->volume_count; i++) {
		uint64_t stamp = 0;
		const char *path = entry->volumes[i].path;
		if (world->functions->volume_stamp(world->data, entry->from, path, &stamp, NULL) < 0 ||
		    stamp != entry->volumes[i].stamp) {
			return false;
		}
	}
	return true;
}

/*
 * A stopped VM that was defined on its target and was to go from its source, when the answer was lost or berth killed:
 * it goes now, if both still stand there and nobody has run the source's in the meantime.
 */
static void hand_over(const struct execution *execution, struct move_entry *entry, struct sight *sight)
{
	const struct world *world = &execution->world;
	bool carried = entry->mode == MOVE_OFFLINE || entry->mode == MOVE_STOPPED;
	if (!carried || entry->step != STEP_SETTLE || sight->where != IS_ON_BOTH) {
		return;
	}
	*sight = settle_look(execution, entry, LOOK_FRESH);
	if (sight->where == IS_ON_BOTH && sight->on_source->state == VM_STOPPED &&
	    sight->on_target->state == VM_STOPPED && sight->on_target->persistent && are_untouched(execution, entry)) {
		if (snapshots_set(execution, entry, entry->to, NULL) == 0 && /* it may have been taken back */
		    snapshots_leave_source(execution, entry, NULL) == 0) {
			world->functions->undefine(world->data, entry->from, entry->uuid, NULL);
		}
		*sight = settle_look(execution, entry, LOOK_FRESH);
	}
}

static struct move_ending end_open(const struct execution *execution, const struct move_entry *entry,
                                   const struct sight *sight, const char *message)
{
	static const char *const where[] = {
	        [IS_ON_SOURCE] = "on its source",
	        [IS_ON_TARGET] = "on its target",
	        [IS_ON_BOTH] = "it is on both hosts",
	        [IS_ON_NEITHER] = "it is on neither host",
	        [IS_UNCLEAR] = "",
	};
	const char *seen = sight->where == IS_UNCLEAR ? sight->why : where[sight->where];
	struct text text;
	text_init(&text, execution->arena);
	text_print(&text, "%s%sthe end of its move from %s to %s is open: %s", message, message[0] == '\0' ? "" : "; ",
	           entry->from, entry->to, seen);
	for (size_t i = 0; i < entry->volume_count; i++) {
		if (entry->volumes[i].made) {
			text_print(&text, "; %s is left on %s", entry->volumes[i].path, entry->to);
		}
	}
	return end_as(ENDED_OPEN, sight->where == IS_UNCLEAR ? CODE_CONNECTION : CODE_DECISION, text_string(&text));
}

static struct move_ending finish(const struct execution *execution, struct move_entry *entry, const struct sight *sight)
{
	struct error err = {0};
	struct arena *arena = execution->arena;
	bool was_running = entry->state == VM_RUNNING && (entry->mode == MOVE_LIVE || entry->mode == MOVE_SUSPENDED);
	/* What somebody has paused meanwhile stays so, and has moved all the same. */
	bool stands = sight->on_target->state == VM_PAUSED && sight->on_target->pause != PAUSE_PERSON;
	if (was_running && stands) {
		int r = sight->on_target->pause == PAUSE_MIGRATION
		                ? settle_resume(execution, entry, entry->to, &err)
		                : error_set(&err, -EBUSY, "it has moved, but is paused on %s", entry->to);
		if (r < 0) {
			return end_as(ENDED_OPEN, CODE_DECISION, arena_copy(arena, err.message));
		}
	}
	if (settle_on_target(execution, entry, sight, &err) == 0) {
		return end_as(ENDED_DONE, CODE_FAILED, "");
	}
	/* Disks that are left do not make it less done; a VM that is not yet as it was does. */
	bool only_disks = entry->step == STEP_SOURCE_DISKS;
	return end_as(only_disks ? ENDED_DONE : ENDED_OPEN, CODE_FAILED, arena_copy(arena, err.message));
}

/*
 * Did a host refuse it before anything of the guest was sent or copied in vain? A guest that was shut down for it has
 * been through more than that.
 */
static bool was_refused(const struct move_entry *entry, int why)
{
	bool carried = entry->mode == MOVE_OFFLINE || entry->mode == MOVE_STOPPED;
	bool nothing_sent =
	        carried && entry->volume_count > 0 ? entry->step < STEP_TRANSFER : entry->step <= STEP_DEFINE;
	return (why == -EPERM || why == -EEXIST) && !entry->asked_off && nothing_sent;
}

static enum code code_of(enum ending ending, int why)
{
	if (why == -EEXIST) {
		return CODE_STORAGE; /* something is in the way of a volume */
	}
	return ending == ENDED_REFUSED ? CODE_PREFLIGHT : ending == ENDED_CANCELLED ? CODE_CANCELLED : CODE_FAILED;
}

static struct move_ending undo(const struct execution *execution, struct move_entry *entry, const struct sight *sight,
                               int why, const char *message)
{
	struct error err = {0};
	const char *left = "";
	bool refused = was_refused(entry, why);
	int r = settle_on_source(execution, entry, sight, &left, &err);
	const char *text = arena_print(execution->arena, "%s%s%s%s%s", message, left[0] == '\0' ? "" : "; ", left,
	                               r < 0 ? "; " : "", r < 0 ? err.message : "");
	enum ending ending = why == -ECANCELED                      ? ENDED_CANCELLED
	                     : refused && r == 0 && left[0] == '\0' ? ENDED_REFUSED
	                                                            : ENDED_FAILED;
	return end_as(ending, code_of(ending, why), text);
}

/* From what both hosts answer, whatever the transfer said. */
static struct move_ending conclude(const struct execution *execution, struct move_entry *entry,
                                   const struct sight *sight, int result, const char *message)
{
	bool half = sight->where == IS_ON_SOURCE && sight->on_source->pause == PAUSE_POSTCOPY;
	if (half || (sight->where == IS_ON_TARGET && sight->on_target->pause == PAUSE_POSTCOPY)) {
		return end_as(ENDED_OPEN, CODE_DECISION,
		              "its memory is on two hosts (post-copy), and one of them has lost it");
	}
	if (sight->where == IS_ON_TARGET) {
		return finish(execution, entry, sight);
	}
	if (sight->where == IS_ON_SOURCE) {
		return undo(execution, entry, sight, result,
		            message[0] == '\0' ? "it did not leave its source" : message);
	}
	return end_open(execution, entry, sight, message);
}

/* Off before the switch, so that the source can never start it by itself behind the target's back. */
static int switch_autostart_off(const struct execution *execution, const struct move_entry *entry, struct error *err)
{
	const struct world *world = &execution->world;
	if (!entry->autostart) {
		return 0;
	}
	return world->functions->set_autostart(world->data, entry->from, entry->uuid, false, err);
}

static struct made_volume *list_volumes(struct arena *arena, const struct move_order *order)
{
	struct made_volume *volumes = arena_array(arena, order->disk_count, sizeof(*volumes));
	for (size_t i = 0; i < order->disk_count; i++) {
		volumes[i].target = order->disks[i].target;
		volumes[i].path = order->disks[i].source;
	}
	return volumes;
}

/* What libvirt knows to be in the way already; a file that it does not know meets the exclusive call. */
static bool is_in_the_way(const struct execution *execution, const struct move_order *order, struct error *err)
{
	const struct world *world = &execution->world;
	for (size_t i = 0; i < order->disk_count; i++) {
		uint64_t bytes = 0;
		const char *path = order->disks[i].source;
		if (world->functions->volume_length(world->data, order->to, path, &bytes, NULL) == 0) {
			error_set(err, -EEXIST, "%s: %s exists already", order->to, path);
			return true;
		}
	}
	return false;
}

struct move_ending execute_move(const struct execution *execution, const struct move_order *order,
                                const struct move_entry *entry)
{
	const struct world *world = &execution->world;
	struct move_entry current = *entry;
	struct error err = {0};
	struct outcome outcome = {0};
	uint64_t begin_ms = now_ms();
	struct move_ending ending;
	current.started = (int64_t)time(NULL);
	current.volumes = list_volumes(execution->arena, order);
	current.volume_count = order->disk_count;
	int asked = world->functions->preflight(world->data, order, &err);
	if (asked < 0) {
		enum code code = asked == -ENOTCONN ? CODE_CONNECTION : CODE_PREFLIGHT;
		ending = end_as(ENDED_REFUSED, code, arena_copy(execution->arena, err.message));
	} else if (is_in_the_way(execution, order, &err)) {
		ending = end_as(ENDED_REFUSED, CODE_STORAGE, arena_copy(execution->arena, err.message));
	} else if (execute_ask(execution, &err) < 0) {
		ending = end_as(ENDED_CANCELLED, CODE_CANCELLED, arena_copy(execution->arena, err.message));
	} else {
		struct carrying carrying = {.entry = &current};
		int r = make_volumes(execution, order, &current, &err);
		if (r == 0) {
			r = switch_autostart_off(execution, &current, &err);
		}
		if (r == 0) {
			r = execute_ask(execution, &err);
		}
		if (r == 0) {
			r = transfer(execution, order, &carrying, &outcome, &err);
		}
		struct sight sight = look_for_end(execution, &current, r < 0);
		if (r < 0 && take_back_definition(execution, &carrying, &sight)) {
			sight = settle_look(execution, &current, LOOK_FRESH);
		}
		confirm(execution, &current, &sight);
		hand_over(execution, &current, &sight);
		const char *message = arena_copy(execution->arena, r < 0 ? err.message : "");
		ending = conclude(execution, &current, &sight, r, message);
	}
	ending.started = current.started;
	ending.ms = now_ms() - begin_ms;
	ending.outcome = outcome;
	return ending;
}

/*
 * All that is left of the move are disks on its source. The VM may have moved on since: they go once it is persistent
 * on some host with disks of its own, and never make it wait.
 */
static struct move_ending recover_source_disks(const struct execution *execution, struct move_entry *entry)
{
	struct arena *arena = execution->arena;
	const struct world *world = &execution->world;
	const struct inventory *inventory = world->functions->look(world->data, arena, NULL, 0, LOOK_FRESH);
	const struct host *source = inventory_host(inventory, entry->from);
	const struct vm *now = NULL;
	struct error err = {0};
	for (size_t i = 0; i < inventory->host_count; i++) {
		const struct host *host = &inventory->hosts[i];
		const struct vm *there = host_is_connected(host) ? host_vm_by_uuid(host, entry->uuid) : NULL;
		now = there != NULL && there->persistent && host != source ? there : now;
	}
	bool knows = source != NULL && host_is_connected(source) &&
	             (entry->from_uuid[0] == '\0' || text_equal(entry->from_uuid, source->uuid));
	int r = 0;
	if (knows && host_vm_by_uuid(source, entry->uuid) != NULL) {
		r = record_clear_move(execution->record, entry, &err); /* it lives there again, with what was left */
	} else if (knows && now != NULL) {
		r = settle_source_disks(execution, entry, now, source, &err);
	} else {
		error_set(&err, -EAGAIN, "its former disks are left on %s: %s", entry->from,
		          knows ? "the VM is not to be seen" : "the host does not answer");
		r = -EAGAIN;
	}
	return end_as(ENDED_DONE, CODE_FAILED, arena_copy(arena, r < 0 ? err.message : ""));
}

/* An entry with a time to wait for was undone before: berth itself has left it, see may_still_happen() in settle.c. */
static const char *why_left(const struct move_entry *entry)
{
	if (entry->due == 0) {
		return "its move was not finished";
	}
	return entry->asked_off ? "its guest was asked to shut down and may do so yet: it is started again then"
	                        : "its snapshots were to go and may do so yet: they are set again then";
}

struct move_ending execute_recover(const struct execution *execution, const struct move_entry *entry)
{
	struct move_entry current = *entry;
	if (entry->step == STEP_SOURCE_DISKS) {
		return recover_source_disks(execution, &current);
	}
	struct sight sight = look_for_end(execution, entry, true);
	confirm(execution, &current, &sight);
	hand_over(execution, &current, &sight);
	return conclude(execution, &current, &sight, -EINTR, why_left(entry));
}
