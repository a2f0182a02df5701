#include "state/libvirt/migrate.h"

#include "state/arena.h"
#include "state/libvirt/actions.h"
#include "state/libvirt/events.h"
#include "state/libvirt/job.h"
#include "state/libvirt/worker.h"
#include "state/units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

/* QEMU cannot end a disk's copy into a cut link before TCP gives up: the move is left open then, and looked at later.
 */
enum { TELL_EVERY_MS = 200, END_WITHIN_MS = 15000 };

/* Everything that the thread of a migration touches: it may be left behind. */
struct migration_call {
	struct move_order order;
	const char *to_uri;
	const char *address;
	atomic_bool begun;       /* connected to both hosts: from here on keepalive bounds every wait */
	atomic_bool target_gone; /* its connection is closed, by keepalive or by its end */
	struct outcome outcome;
};

static unsigned int flags_of(const struct move_order *order)
{
	unsigned int flags = VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_UNDEFINE_SOURCE;
	const struct migration *settings = &order->settings;
	if (order->mode == MOVE_LIVE) {
		flags |= VIR_MIGRATE_LIVE;
		if (settings->auto_converge) {
			flags |= VIR_MIGRATE_AUTO_CONVERGE;
		}
		if (settings->on_stall == STALL_POSTCOPY) {
			flags |= VIR_MIGRATE_POSTCOPY;
		}
	}
	/* Without the list below this flag would copy every writable disk, network disks onto themselves. */
	if (order->disk_count > 0) {
		flags |= VIR_MIGRATE_NON_SHARED_DISK;
	}
	if (settings->connections > 1) {
		flags |= VIR_MIGRATE_PARALLEL;
	}
	if (settings->tls) {
		flags |= VIR_MIGRATE_TLS;
	}
	return flags;
}

struct parameters {
	virTypedParameterPtr items;
	int count;
	int room;
};

static void clean_parameters(struct parameters *parameters)
{
	virTypedParamsFree(parameters->items, parameters->count);
}
#define cleanup_parameters __attribute__((cleanup(clean_parameters)))

static int add_string(struct parameters *to, const char *name, const char *value)
{
	return virTypedParamsAddString(&to->items, &to->count, &to->room, name, value);
}

static bool is_ip6(const char *address)
{
	struct in6_addr binary;
	return inet_pton(AF_INET6, address, &binary) == 1;
}

static bool is_ip(const char *address)
{
	struct in_addr binary;
	return is_ip6(address) || inet_pton(AF_INET, address, &binary) == 1;
}

static int add_parameters(struct call *call, const struct migration_call *data, struct parameters *to,
                          struct error *err)
{
	const struct migration *settings = &data->order.settings;
	int r = 0;
	if (data->address != NULL) {
		bool brackets = is_ip6(data->address);
		const char *uri = arena_print(call_arena(call), "tcp://%s%s%s", brackets ? "[" : "", data->address,
		                              brackets ? "]" : "");
		r |= add_string(to, VIR_MIGRATE_PARAM_URI, uri);
		if (is_ip(data->address)) {
			r |= add_string(to, VIR_MIGRATE_PARAM_LISTEN_ADDRESS, data->address);
		}
	}
	for (size_t i = 0; i < data->order.disk_count; i++) {
		r |= add_string(to, VIR_MIGRATE_PARAM_MIGRATE_DISKS, data->order.disks[i].target);
	}
	if (settings->bandwidth_mib_per_s > 0) {
		r |= virTypedParamsAddULLong(&to->items, &to->count, &to->room, VIR_MIGRATE_PARAM_BANDWIDTH,
		                             settings->bandwidth_mib_per_s);
	}
	if (settings->connections > 1) {
		r |= virTypedParamsAddInt(&to->items, &to->count, &to->room, VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS,
		                          (int)settings->connections);
	}
	return r < 0 ? libvirt_error(err, "migration parameters") : 0;
}

static void read_outcome(virDomainPtr target, struct outcome *outcome)
{
	virTypedParameterPtr params = NULL;
	int count = 0;
	int type = 0;
	unsigned long long downtime = 0;
	unsigned long long memory = 0;
	unsigned long long iterations = 0;
	if (virDomainGetJobStats(target, &type, &params, &count, VIR_DOMAIN_JOB_STATS_COMPLETED) < 0) {
		return; /* figures are a courtesy: the move is not less done without them */
	}
	virTypedParamsGetULLong(params, count, VIR_DOMAIN_JOB_DOWNTIME, &downtime);
	virTypedParamsGetULLong(params, count, VIR_DOMAIN_JOB_MEMORY_PROCESSED, &memory);
	virTypedParamsGetULLong(params, count, VIR_DOMAIN_JOB_MEMORY_ITERATION, &iterations);
	virTypedParamsFree(params, count);
	outcome->downtime_ms = downtime;
	outcome->bytes = memory;
	outcome->iterations = iterations;
}

/*
 * What libvirt says, and what helps where QEMU refuses for good: a paused guest had been handed over, and the target
 * has lost it. Only QEMU's words tell (hmp and qmp_migrate in its migration.c); libvirt shows a pause like any other.
 */
static int tell_failure(struct error *err)
{
	int r = libvirt_error(err, NULL);
	if (err != NULL && strstr(err->message, "paused due to previous migration") != NULL) {
		return error_prefix(err, r,
		                    "an earlier move of the paused VM failed at its very end: resume it for a "
		                    "moment before it is moved again");
	}
	return r;
}

static int migrate_between(struct call *call, virConnectPtr from, virConnectPtr to, struct error *err)
{
	struct migration_call *data = call_data(call);
	cleanup_parameters struct parameters parameters = {0};
	int r = add_parameters(call, data, &parameters, err);
	if (r < 0) {
		return r;
	}
	virDomainPtr domain = action_domain(from, data->order.uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	/* 300 ms is QEMU's own default: nothing to set then. */
	if (data->order.mode == MOVE_LIVE && data->order.settings.max_downtime_ms != 300 &&
	    virDomainMigrateSetMaxDowntime(domain, data->order.settings.max_downtime_ms, 0) < 0) {
		r = libvirt_error(err, "max_downtime");
	}
	virDomainPtr target = NULL;
	if (r == 0) {
		target = virDomainMigrate3(domain, to, parameters.items, (unsigned int)parameters.count,
		                           flags_of(&data->order));
		r = target == NULL ? tell_failure(err) : 0;
	}
	if (target != NULL) {
		read_outcome(target, &data->outcome);
		virDomainFree(target);
	}
	virDomainFree(domain);
	return r;
}

static void note_gone(virConnectPtr connection, int reason, void *opaque)
{
	struct migration_call *data = opaque;
	(void)connection;
	(void)reason;
	atomic_store(&data->target_gone, true);
}

/*
 * A migration that fails before its target has taken the VM in is refused: by libvirt's checks on the source or by the
 * target, where some of them are made by starting QEMU. Nothing of the guest has been touched then.
 */
static int migrate_or_refuse(struct call *call, virConnectPtr from, virConnectPtr to, struct error *err)
{
	struct migration_call *data = call_data(call);
	struct events *at_source = events_listen(from, data->order.uuid);
	struct events *at_target = events_listen(to, data->order.uuid);
	int r = migrate_between(call, from, to, err);
	if (r == 0 && data->outcome.downtime_ms == 0) { /* libvirt has no figures after post-copy */
		data->outcome.downtime_ms = events_downtime_ms(at_source, at_target);
	}
	bool answered = !atomic_load(&data->target_gone) && virConnectIsAlive(from) == 1 && virConnectIsAlive(to) == 1;
	bool refused = answered && at_target != NULL && !events_have_arrival(at_target);
	if (at_target != NULL && (r == -EIO || r == -EPERM)) {
		r = refused ? -EPERM : -EIO;
	}
	events_end(from, at_source);
	events_end(to, at_target);
	return r;
}

static int run_migration(struct call *call, virConnectPtr from, struct error *err)
{
	struct migration_call *data = call_data(call);
	virConnectPtr to = worker_connect(data->to_uri, err);
	if (to == NULL) {
		return -ENOTCONN;
	}
	int r = -ECANCELED;
	if (call_begin(call)) {
		/* Not every driver tells; then only libvirt's own end of the migration does. */
		bool listens = virConnectRegisterCloseCallback(to, note_gone, data, NULL) == 0;
		atomic_store(&data->begun, true);
		r = migrate_or_refuse(call, from, to, err);
		if (listens) {
			virConnectUnregisterCloseCallback(to, note_gone);
		}
	}
	virConnectClose(to);
	return r;
}

/* A copy that lives as long as the call. */
static void keep_order(struct arena *arena, const struct move_order *order, struct move_order *ret)
{
	*ret = *order;
	ret->vm = arena_copy(arena, order->vm);
	ret->uuid = arena_copy(arena, order->uuid);
	ret->from = arena_copy(arena, order->from);
	ret->to = arena_copy(arena, order->to);
	struct disk *disks = arena_array(arena, order->disk_count, sizeof(*disks));
	for (size_t i = 0; i < order->disk_count; i++) {
		disks[i] = order->disks[i];
		disks[i].target = arena_copy(arena, order->disks[i].target);
		disks[i].source = arena_copy(arena, order->disks[i].source);
		disks[i].pool = NULL;
	}
	ret->disks = disks;
}

/* How far it was: by these a person chooses other settings. */
static const char *describe(struct arena *arena, const struct transfer *last)
{
	const char *disks = "";
	const char *pace = "";
	if (last->disk_remaining > 0) {
		disks = arena_print(arena, " and %s of disks", units_size_short(arena, (int64_t)last->disk_remaining));
	}
	if (last->dirty_bytes_per_s > 0) {
		pace = arena_print(arena, ", rewritten at %s/s",
		                   units_size_short(arena, (int64_t)last->dirty_bytes_per_s));
	}
	return arena_print(arena, "%s of %s memory%s left in round %llu%s",
	                   units_size_short(arena, (int64_t)last->memory_remaining),
	                   units_size_short(arena, (int64_t)last->memory_total), disks,
	                   (unsigned long long)last->iterations, pace);
}

/* The migration was asked to end for this reason, and has failed. */
static int end_for(int why, int result, const struct move_order *order, const struct transfer *last, struct error *err)
{
	cleanup_arena struct arena *arena = arena_create();
	switch (why) {
	case -ETIMEDOUT:
		return error_set(err, why, "not over within its timeout of %s, %s: aborted",
		                 units_duration(arena, order->settings.timeout_ms), describe(arena, last));
	case -ETIME:
		return error_set(err, -ETIMEDOUT, "its memory reached no new low for %s, %s: aborted",
		                 units_duration(arena, order->settings.stall_timeout_ms), describe(arena, last));
	case -ECANCELED:
		return error_set(err, why, "its migration was cancelled");
	case -ENOTCONN:
		return error_set(err, why, "the connection to %s was lost: aborted", order->to);
	default:
		return result;
	}
}

/* It has not begun: has it waited too long, or is it wanted no more? Then it never will. */
static int give_up_connecting(struct call *call, uint64_t waited_ms, unsigned int deadline_ms,
                              const struct watcher *watcher, struct error *err)
{
	const struct migration_call *data = call_data(call);
	const struct transfer nothing = {.ms = waited_ms};
	bool is_late = waited_ms > deadline_ms;
	bool wanted = watcher == NULL || watcher->tell(watcher->data, &nothing);
	if ((wanted && !is_late) || !call_give_up(call)) {
		return 0;
	}
	return !wanted ? end_for(-ECANCELED, 0, &data->order, &nothing, err)
	               : error_set(err, -ETIMEDOUT, "no connection to %s and %s within %u s", data->order.from,
	                           data->order.to, deadline_ms / 1000);
}

/* In its post-copy phase the only way is on. */
static bool is_past_ending(const struct job *job)
{
	const char *stall = job_figures(job)->stall;
	return stall != NULL && strcmp(stall, "post-copy") == 0;
}

/* Waits for the migration; tells of it and, where that is asked for, ends it. */
static int attend(struct call *call, struct job *job, const struct watcher *watcher, unsigned int deadline_ms,
                  struct error *err)
{
	struct migration_call *data = call_data(call);
	uint64_t waited_ms = 0;
	uint64_t asked_ms = 0; /* how long it has been asked to end */
	int why = 0;
	while (!call_is_over(call)) {
		if (call_wait(call, TELL_EVERY_MS, NULL) != -ETIMEDOUT) {
			continue;
		}
		waited_ms += TELL_EVERY_MS;
		if (!atomic_load(&data->begun)) {
			int r = give_up_connecting(call, waited_ms, deadline_ms, watcher, err);
			if (r < 0) {
				return r;
			}
			continue;
		}
		bool gone = atomic_load(&data->target_gone);
		if (gone) {
			job_end(job, -ENOTCONN);
		}
		int wish = job_attend(job, waited_ms, watcher);
		why = why == 0 ? wish : why;
		asked_ms += why != 0 && (gone || !is_past_ending(job)) ? TELL_EVERY_MS : 0;
		if (asked_ms > END_WITHIN_MS) {
			call_give_up(call); /* a QEMU or daemon that hangs: whoever looks again will see how it ends */
			end_for(why, -ETIMEDOUT, &data->order, job_figures(job), err);
			return error_prefix(err, why == -ECANCELED ? why : -ETIMEDOUT, "%s does not end it yet",
			                    data->order.from);
		}
	}
	int r = call_wait(call, 0, err);
	bool was_ended = r < 0 && (why != -ECANCELED || !is_past_ending(job));
	return was_ended ? end_for(why, r, &data->order, job_figures(job), err) : r;
}

/* What a job that is over does not tell any more, and that of one that failed. */
static void tell_stall(struct outcome *outcome, const struct job *job, int result)
{
	const struct transfer *last = job_figures(job);
	bool came_too_late = result == 0 && last->stall != NULL && strcmp(last->stall, "aborted") == 0;
	outcome->stall = came_too_late ? NULL : last->stall;
	outcome->dirty_bytes_per_s = last->dirty_bytes_per_s;
	outcome->iterations = outcome->iterations > last->iterations ? outcome->iterations : last->iterations;
}

int migrate_vm(const struct move_order *order, const char *from_uri, const char *to_uri, const char *address,
               unsigned int deadline_ms, const struct watcher *watcher, struct outcome *outcome, struct error *err)
{
	struct call *call = call_create(run_migration, sizeof(struct migration_call), true);
	struct migration_call *data = call_data(call);
	struct arena *arena = call_arena(call);
	keep_order(arena, order, &data->order);
	data->to_uri = arena_copy(arena, to_uri);
	data->address = address == NULL ? NULL : arena_copy(arena, address);
	struct worker *worker = worker_create(from_uri);
	struct job *job = job_create(from_uri, &data->order);
	worker_start(worker, call);
	int r = attend(call, job, watcher, deadline_ms, err);
	if (r == 0) {
		*outcome = data->outcome;
		if (outcome->bytes == 0) { /* after post-copy: those that were seen on the way */
			outcome->bytes = job_figures(job)->bytes;
		}
		for (size_t i = 0; i < order->disk_count;
		     i++) { /* libvirt's figures of a finished job leave them out */
			outcome->bytes += order->disks[i].used;
		}
	}
	tell_stall(outcome, job, r);
	job_destroy(job);
	worker_release(worker);
	call_release(call);
	return r;
}
