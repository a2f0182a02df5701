#include "reconcile/carry.h"

#include "reconcile/settle.h"
#include "reconcile/snapshots.h"
#include "state/arena.h"

#include <errno.h>

/* As the guest's data is by now, all of it; to be asked for again to see that nobody has touched it. */
static int stamp_sources(const struct execution *execution, const struct move_order *order, uint64_t *stamps,
                         struct error *err)
{
	const struct world *world = &execution->world;
	int r = 0;
	for (size_t i = 0; r == 0 && i < order->disk_count; i++) {
		r = world->functions->volume_stamp(world->data, order->from, order->disks[i].source, &stamps[i], err);
	}
	return r;
}

static int check_untouched(const struct execution *execution, const struct move_order *order, const uint64_t *stamps,
                           struct error *err)
{
	uint64_t *now = arena_array(execution->arena, order->disk_count, sizeof(*now));
	int r = stamp_sources(execution, order, now, err);
	for (size_t i = 0; r == 0 && i < order->disk_count; i++) {
		if (now[i] != stamps[i]) {
			r = error_set(err, -EBUSY, "%s was written to on %s meanwhile", order->disks[i].source,
			              order->from);
		}
	}
	return r;
}

/* The source is as it was, the target has nothing of the VM yet. */
static int check_before_define(const struct execution *execution, const struct move_entry *entry, struct error *err)
{
	struct sight sight = settle_look(execution, entry, LOOK_PLAIN);
	if (sight.where == IS_UNCLEAR) {
		return error_set(err, -EIO, "%s", sight.why);
	}
	if (sight.where != IS_ON_SOURCE || sight.on_source->state != VM_STOPPED) {
		return error_set(err, -EBUSY, "it was started, undefined or defined elsewhere meanwhile");
	}
	if (sight.on_source->immovable_count > 0) {
		return error_set(err, -EBUSY, "%s", sight.on_source->immovable[0].reason);
	}
	return 0;
}

static int check_both_defined(const struct execution *execution, const struct move_entry *entry, struct error *err)
{
	struct sight sight = settle_look(execution, entry, LOOK_PLAIN);
	bool stands = sight.where == IS_ON_BOTH && sight.on_target->persistent &&
	              sight.on_target->state == VM_STOPPED && sight.on_source->state == VM_STOPPED;
	return stands ? 0
	              : error_set(err, -EBUSY,
	                          "it is not stopped on both hosts, as it should be between its two definitions");
}

/*
 * Its definition is on both hosts for a moment; the source's goes only when the target has answered that it has it, and
 * when nobody has touched the source's disks since they were compared.
 */
static int hand_over_definition(const struct execution *execution, const struct move_order *order,
                                struct carrying *carrying, const uint64_t *stamps, struct error *err)
{
	const struct world *world = &execution->world;
	int r = check_before_define(execution, carrying->entry, err);
	if (r == 0) {
		r = snapshots_read(execution, order, carrying->entry, err);
	}
	if (r == 0) {
		r = record_step(execution->record, carrying->entry, STEP_DEFINE, err);
	}
	if (r < 0) {
		return r;
	}
	carrying->may_take_back = true;
	r = execute_ask(execution, err);
	if (r == 0) {
		r = world->functions->define(world->data, order, err);
	}
	if (r == 0) {
		r = snapshots_set(execution, carrying->entry, order->to, err);
	}
	if (r == 0) {
		r = check_both_defined(execution, carrying->entry, err);
	}
	if (r == 0) {
		for (size_t i = 0; i < order->disk_count; i++) {
			carrying->entry->volumes[i].stamp = stamps[i]; /* a later run can see that they are untouched */
		}
		r = record_step(execution->record, carrying->entry, STEP_SETTLE, err);
	}
	if (r == 0) {
		r = check_untouched(execution, order, stamps, err);
	}
	if (r == 0) {
		r = execute_ask(execution, err); /* for the last time: from here on it is finished */
	}
	if (r == 0) {
		r = snapshots_leave_source(execution, carrying->entry, err);
	}
	if (r < 0) {
		return r;
	}
	r = world->functions->undefine(world->data, order->from, order->uuid, err);
	carrying->may_take_back = r == -EPERM; /* it has answered that it still has it; otherwise nobody knows */
	return r;
}

int carry_stopped(const struct execution *execution, const struct move_order *order, struct carrying *carrying,
                  struct outcome *outcome, struct error *err)
{
	const struct world *world = &execution->world;
	uint64_t *stamps = arena_array(execution->arena, order->disk_count, sizeof(*stamps));
	int r = record_step(execution->record, carrying->entry, STEP_TRANSFER, err);
	for (size_t i = 0; r == 0 && i < order->disk_count; i++) {
		uint64_t bytes = 0;
		r = world->functions->copy_volume(world->data, order, &order->disks[i], execution->watcher, &bytes,
		                                  err);
		outcome->bytes += bytes;
	}
	if (r == 0) {
		r = stamp_sources(execution, order, stamps, err);
	}
	if (r == 0) {
		r = execute_ask(execution, err);
	}
	for (size_t i = 0; r == 0 && i < order->disk_count; i++) {
		r = world->functions->compare_volume(world->data, order, &order->disks[i], execution->watcher, err);
	}
	return r < 0 ? r : hand_over_definition(execution, order, carrying, stamps, err);
}

int carry_running(const struct execution *execution, const struct move_order *order, struct carrying *carrying,
                  struct outcome *outcome, struct error *err)
{
	const struct world *world = &execution->world;
	const uint64_t default_ms = UINT64_C(5) * 60 * 1000;
	uint64_t timeout_ms = order->settings.timeout_ms == 0 ? default_ms : order->settings.timeout_ms;
	carrying->entry->asked_off = true;
	int r = record_step(execution->record, carrying->entry, STEP_SHUTDOWN, err);
	if (r == 0) {
		r = world->functions->shutdown(world->data, order->from, order->uuid, timeout_ms, execution->watcher,
		                               err);
	}
	return r < 0 ? r : carry_stopped(execution, order, carrying, outcome, err);
}
