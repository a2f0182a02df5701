#include "reconcile/execute.h"

#include "reconcile/settle.h"
#include "state/arena.h"
#include "state/text.h"

#include <errno.h>
#include <time.h>

/* After a failure libvirt may still be at work on both hosts: it ends a migration whose client is gone in about 1 s. */
enum { MOST_LOOKS = 20, LOOKS_AT_SILENCE = 3, PAUSE_MS = 500 };

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int write_step(const struct execution *execution, struct move_entry *entry, enum step step, struct error *err)
{
	entry->step = step;
	return record_write_move(execution->record, entry, err);
}

static struct move_ending end_as(enum ending ending, enum code code, const char *text)
{
	return (struct move_ending){.ending = ending, .reason = {.code = code, .text = text}};
}

/* The volumes that the move needs on its target, each known to the record before and after it is made. */
static int make_volumes(const struct execution *execution, const struct move_order *order, struct move_entry *entry,
                        struct error *err)
{
	const struct world *world = &execution->world;
	bool copies_files = order->mode == MOVE_OFFLINE || order->mode == MOVE_STOPPED;
	int r = write_step(execution, entry, STEP_VOLUMES, err);
	for (size_t i = 0; r == 0 && i < order->disk_count; i++) {
		const struct disk *disk = &order->disks[i];
		uint64_t bytes = 0;
		if (copies_files) {
			r = world->functions->volume_length(world->data, order->from, disk->source, &bytes, err);
		}
		if (r == 0) {
			r = world->functions->create_volume(world->data, order->to, disk, bytes, err);
		}
		if (r == -EEXIST) {
			entry->volume_count =
			        i; /* this one is a stranger's for sure, and those behind it were not begun */
		}
		if (r == 0) {
			entry->volumes[i].made = true;
			r = record_write_move(execution->record, entry, err);
		}
	}
	return r;
}

/* Its definition is on both hosts for a moment; the source's goes only when the target has answered that it has it. */
static int hand_over_definition(const struct execution *execution, const struct move_order *order,
                                struct move_entry *entry, struct error *err)
{
	const struct world *world = &execution->world;
	struct sight sight = settle_look(execution, entry, false);
	if (sight.where == IS_UNCLEAR) {
		return error_set(err, -EIO, "%s", sight.why);
	}
	if (sight.on_source == NULL || sight.on_source->state != VM_STOPPED) {
		return error_set(err, -EBUSY, "it was started or undefined on %s meanwhile", order->from);
	}
	int r = world->functions->define(world->data, order, err);
	if (r < 0) {
		return r;
	}
	sight = settle_look(execution, entry, false);
	bool stands = sight.where == IS_ON_BOTH && sight.on_target->persistent &&
	              sight.on_target->state == VM_STOPPED && sight.on_source->state == VM_STOPPED;
	if (!stands) {
		return error_set(err, -EBUSY,
		                 "it is not stopped on both hosts, as it should be between its two definitions");
	}
	r = write_step(execution, entry, STEP_SETTLE, err);
	return r < 0 ? r : world->functions->undefine(world->data, order->from, order->uuid, err);
}

/* The VM is stopped: its files are copied and compared, then its definition changes hosts. */
static int carry_stopped(const struct execution *execution, const struct move_order *order, struct move_entry *entry,
                         struct outcome *outcome, struct error *err)
{
	const struct world *world = &execution->world;
	int r = write_step(execution, entry, STEP_TRANSFER, err);
	for (size_t i = 0; r == 0 && i < order->disk_count; i++) {
		uint64_t bytes = 0;
		r = world->functions->copy_volume(world->data, order, &order->disks[i], execution->watcher, &bytes,
		                                  err);
		outcome->bytes += bytes;
	}
	return r < 0 ? r : hand_over_definition(execution, order, entry, err);
}

static int shut_down_and_carry(const struct execution *execution, const struct move_order *order,
                               struct move_entry *entry, struct outcome *outcome, struct error *err)
{
	const struct world *world = &execution->world;
	const uint64_t default_ms = UINT64_C(5) * 60 * 1000;
	uint64_t timeout_ms = order->settings.timeout_ms == 0 ? default_ms : order->settings.timeout_ms;
	int r = write_step(execution, entry, STEP_SHUTDOWN, err);
	if (r == 0) {
		r = world->functions->shutdown(world->data, order->from, order->uuid, timeout_ms, execution->watcher,
		                               err);
	}
	return r < 0 ? r : carry_stopped(execution, order, entry, outcome, err);
}

static int transfer(const struct execution *execution, const struct move_order *order, struct move_entry *entry,
                    struct outcome *outcome, struct error *err)
{
	const struct world *world = &execution->world;
	int r = 0;
	switch (order->mode) {
	case MOVE_LIVE:
	case MOVE_SUSPENDED:
		r = write_step(execution, entry, STEP_TRANSFER, err);
		return r < 0 ? r : world->functions->migrate(world->data, order, execution->watcher, outcome, err);
	case MOVE_OFFLINE:
		return carry_stopped(execution, order, entry, outcome, err);
	case MOVE_STOPPED:
		return shut_down_and_carry(execution, order, entry, outcome, err);
	}
	return error_set(err, -EINVAL, "no such mode");
}

/* Until it is on one host alone, or it is plain that this will not come by waiting. */
static struct sight look_for_end(const struct execution *execution, const struct move_entry *entry, bool failed)
{
	struct sight sight = settle_look(execution, entry, failed);
	int silences = sight.where == IS_UNCLEAR ? 1 : 0;
	for (int i = 1; i < MOST_LOOKS && silences < LOOKS_AT_SILENCE; i++) {
		if (sight.where == IS_ON_SOURCE || sight.where == IS_ON_TARGET) {
			break;
		}
		execution->world.functions->wait(execution->world.data, PAUSE_MS);
		sight = settle_look(execution, entry, true);
		silences += sight.where == IS_UNCLEAR ? 1 : 0;
	}
	return sight;
}

/*
 * A copy whose two definitions may both stand. Taken back only by the process that made the second one a moment ago:
 * later, nobody could say that it has not run since.
 */
static bool take_back_definition(const struct execution *execution, const struct move_entry *entry,
                                 const struct sight *sight)
{
	bool ours = (entry->mode == MOVE_OFFLINE || entry->mode == MOVE_STOPPED) && entry->step == STEP_TRANSFER;
	const struct world *world = &execution->world;
	return ours && sight->where == IS_ON_BOTH && sight->on_target->state == VM_STOPPED &&
	       world->functions->undefine(world->data, entry->to, entry->uuid, NULL) == 0;
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
	const char *text = arena_print(execution->arena, "%s%sthe end of its move from %s to %s is open: %s", message,
	                               message[0] == '\0' ? "" : "; ", entry->from, entry->to, seen);
	return end_as(ENDED_OPEN, sight->where == IS_UNCLEAR ? CODE_CONNECTION : CODE_DECISION, text);
}

static struct move_ending finish(const struct execution *execution, struct move_entry *entry, const struct sight *sight)
{
	struct error err = {0};
	bool running = entry->state == VM_RUNNING && (entry->mode == MOVE_LIVE || entry->mode == MOVE_SUSPENDED);
	if (running && sight->on_target->state == VM_PAUSED) {
		return end_as(ENDED_OPEN, CODE_DECISION,
		              arena_print(execution->arena, "it has moved, but is paused on %s", entry->to));
	}
	if (settle_on_target(execution, entry, sight, &err) < 0) {
		return end_as(ENDED_DONE, CODE_FAILED, arena_copy(execution->arena, err.message));
	}
	return end_as(ENDED_DONE, CODE_FAILED, "");
}

static struct move_ending undo(const struct execution *execution, struct move_entry *entry, const struct sight *sight,
                               int why, const char *message)
{
	struct error err = {0};
	const char *left = "";
	int r = settle_on_source(execution, entry, sight, &left, &err);
	const char *text = arena_print(execution->arena, "%s%s%s%s%s", message, left[0] == '\0' ? "" : "; ", left,
	                               r < 0 ? "; " : "", r < 0 ? err.message : "");
	bool cancelled = why == -ECANCELED;
	return end_as(cancelled ? ENDED_CANCELLED : ENDED_FAILED, cancelled ? CODE_CANCELLED : CODE_FAILED, text);
}

/* From what both hosts answer, whatever the transfer said. */
static struct move_ending conclude(const struct execution *execution, struct move_entry *entry,
                                   const struct sight *sight, int result, const char *message)
{
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
	if (world->functions->preflight(world->data, order, &err) < 0) {
		ending = end_as(ENDED_REFUSED, CODE_PREFLIGHT, arena_copy(execution->arena, err.message));
	} else {
		int r = make_volumes(execution, order, &current, &err);
		if (r == 0) {
			r = switch_autostart_off(execution, &current, &err);
		}
		if (r == 0) {
			r = transfer(execution, order, &current, &outcome, &err);
		}
		if (order->settings.source_disks == SOURCE_DISKS_LATER) {
			current.due = (int64_t)time(NULL) + (int64_t)(order->settings.source_disks_ms / 1000);
		}
		struct sight sight = look_for_end(execution, &current, r < 0);
		if (r < 0 && take_back_definition(execution, &current, &sight)) {
			sight = settle_look(execution, &current, true);
		}
		const char *message = arena_copy(execution->arena, r < 0 ? err.message : "");
		ending = conclude(execution, &current, &sight, r, message);
		if (r == -EEXIST) {
			ending.reason.code = CODE_STORAGE;
		}
	}
	ending.started = current.started;
	ending.ms = now_ms() - begin_ms;
	ending.outcome = outcome;
	return ending;
}

struct move_ending execute_recover(const struct execution *execution, const struct move_entry *entry)
{
	struct move_entry current = *entry;
	if (entry->step == STEP_SOURCE_DISKS) {
		struct sight sight = settle_look(execution, entry, true);
		struct error err = {0};
		if (sight.where != IS_ON_TARGET) {
			return end_open(execution, entry, &sight, "");
		}
		int r = settle_source_disks(execution, &current, &sight, &err);
		return end_as(ENDED_DONE, CODE_FAILED, arena_copy(execution->arena, r < 0 ? err.message : ""));
	}
	struct sight sight = look_for_end(execution, entry, true);
	return conclude(execution, &current, &sight, -EINTR, "berth was stopped in the middle of its move");
}
