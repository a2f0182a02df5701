#include "state/libvirt/job.h"

#include "state/arena.h"
#include "state/libvirt/actions.h"
#include "state/libvirt/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CALL_DEADLINE_MS = 30000 };

enum wish { WISH_LOOK, WISH_ABORT, WISH_SUSPEND, WISH_POSTCOPY };

struct job_call {
	const char *uuid;
	enum wish wish;
	struct transfer transfer;
};

struct job {
	struct arena *arena;
	const char *uri;
	const struct move_order *order;
	struct worker *worker;
	struct call *call; /* under way; NULL: none */
	uint64_t call_since_ms;
	struct transfer last;
	uint64_t least_remaining;
	uint64_t least_since_ms;
	bool stall_handled;
	int ending; /* why it has been asked to end; 0: it has not */
	enum wish next;
};

static int read_transfer(virDomainPtr domain, struct transfer *transfer)
{
	virTypedParameterPtr params = NULL;
	int count = 0;
	int type = VIR_DOMAIN_JOB_NONE;
	if (virDomainGetJobStats(domain, &type, &params, &count, 0) < 0) {
		return -EIO;
	}
	uint64_t page_size = 0;
	const struct {
		const char *name;
		uint64_t *value;
	} figures[] = {
	        {VIR_DOMAIN_JOB_TIME_ELAPSED, &transfer->ms},
	        {VIR_DOMAIN_JOB_MEMORY_TOTAL, &transfer->memory_total},
	        {VIR_DOMAIN_JOB_MEMORY_REMAINING, &transfer->memory_remaining},
	        {VIR_DOMAIN_JOB_DISK_TOTAL, &transfer->disk_total},
	        {VIR_DOMAIN_JOB_DISK_REMAINING, &transfer->disk_remaining},
	        {VIR_DOMAIN_JOB_MEMORY_PROCESSED, &transfer->bytes},
	        {VIR_DOMAIN_JOB_MEMORY_ITERATION, &transfer->iterations},
	        {VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE, &transfer->dirty_bytes_per_s},
	        {VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE, &page_size},
	};
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		unsigned long long value = 0;
		if (virTypedParamsGetULLong(params, count, figures[i].name, &value) == 1) {
			*figures[i].value = value;
		}
	}
	transfer->dirty_bytes_per_s *= page_size; /* it is told in pages */
	virTypedParamsFree(params, count);
	return type == VIR_DOMAIN_JOB_NONE ? -ENODATA : 0;
}

static int run_wish(struct call *call, virConnectPtr connection, struct error *err)
{
	struct job_call *data = call_data(call);
	virDomainPtr domain = action_domain(connection, data->uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	int r = 0;
	switch (data->wish) {
	case WISH_LOOK:
		r = read_transfer(domain, &data->transfer);
		break;
	case WISH_ABORT:
		r = virDomainAbortJob(domain);
		break;
	case WISH_SUSPEND:
		r = virDomainSuspend(domain);
		break;
	case WISH_POSTCOPY:
		r = virDomainMigrateStartPostCopy(domain, 0);
		break;
	}
	if (r < 0 && data->wish != WISH_LOOK) {
		r = libvirt_error(err, NULL);
	}
	virDomainFree(domain);
	return r;
}

struct job *job_create(const char *uri, const struct move_order *order)
{
	struct arena *arena = arena_create();
	struct job *job = arena_alloc(arena, sizeof(*job));
	job->arena = arena;
	job->uri = arena_copy(arena, uri);
	job->order = order;
	job->least_remaining = UINT64_MAX;
	return job;
}

void job_destroy(struct job *job)
{
	if (job != NULL) {
		if (job->call != NULL) { /* what hangs on its way must not abort or pause anything later */
			call_give_up(job->call);
		}
		call_release(job->call);
		worker_release(job->worker);
		arena_destroy(job->arena);
	}
}

static void start(struct job *job, enum wish wish, uint64_t ms)
{
	if (job->worker == NULL) {
		job->worker = worker_create(job->uri);
	}
	job->call = call_create(run_wish, sizeof(struct job_call), false);
	struct job_call *data = call_data(job->call);
	data->uuid = arena_copy(call_arena(job->call), job->order->uuid);
	data->wish = wish;
	job->call_since_ms = ms;
	worker_start(job->worker, job->call);
}

/* What a call that succeeded has brought or done. */
static void take_result(struct job *job, const struct job_call *data, uint64_t ms)
{
	const struct transfer before = job->last;
	switch (data->wish) {
	case WISH_LOOK:
		job->last = data->transfer;
		job->last.stall = before.stall;
		if (job->last.dirty_bytes_per_s == 0) { /* QEMU tells none in the last round */
			job->last.dirty_bytes_per_s = before.dirty_bytes_per_s;
		}
		if (job->last.memory_total > 0 && job->last.memory_remaining < job->least_remaining) {
			job->least_remaining = job->last.memory_remaining;
			job->least_since_ms = ms;
		}
		break;
	case WISH_SUSPEND:
		job->last.stall = "suspended";
		break;
	case WISH_POSTCOPY:
		job->last.stall = "post-copy";
		break;
	case WISH_ABORT:
		break;
	}
}

/* Takes what the call under way has brought; leaves one that hangs. */
static void collect(struct job *job, uint64_t ms)
{
	if (job->call == NULL) {
		return;
	}
	if (call_is_over(job->call)) {
		if (call_wait(job->call, 0, NULL) == 0) {
			take_result(job, call_data(job->call), ms);
		}
	} else if (ms - job->call_since_ms > CALL_DEADLINE_MS) {
		call_give_up(job->call);
		worker_release(job->worker);
		job->worker = NULL;
	} else {
		return;
	}
	call_release(job->call);
	job->call = NULL;
}

/* What to do about the stall that is there, once. */
static enum wish answer_stall(struct job *job)
{
	job->stall_handled = true;
	switch (job->order->settings.on_stall) {
	case STALL_SUSPEND:
		return WISH_SUSPEND;
	case STALL_POSTCOPY:
		return WISH_POSTCOPY;
	case STALL_ABORT:
		job->ending = -ETIME;
		job->last.stall = "aborted";
		return WISH_ABORT;
	}
	abort();
}

static bool is_stalled(const struct job *job, uint64_t ms)
{
	return !job->stall_handled && job->order->mode == MOVE_LIVE && job->least_remaining != UINT64_MAX &&
	       ms - job->least_since_ms >= job->order->settings.stall_timeout_ms;
}

int job_attend(struct job *job, uint64_t ms, const struct watcher *watcher)
{
	collect(job, ms);
	bool wanted = watcher == NULL || watcher->tell(watcher->data, &job->last);
	uint64_t timeout_ms = job->order->settings.timeout_ms;
	if (job->ending == 0 && !wanted) {
		job->ending = -ECANCELED;
	} else if (job->ending == 0 && timeout_ms > 0 && ms >= timeout_ms) {
		job->ending = -ETIMEDOUT;
	}
	if (job->call == NULL) {
		bool is_past_ending = job->last.stall != NULL && strcmp(job->last.stall, "post-copy") == 0;
		enum wish wish = job->ending != 0 && !is_past_ending ? WISH_ABORT
		                 : is_stalled(job, ms)               ? answer_stall(job)
		                                                     : WISH_LOOK;
		start(job, wish, ms);
	}
	return job->ending;
}

void job_end(struct job *job, int why)
{
	job->ending = job->ending == 0 ? why : job->ending;
}

const struct transfer *job_figures(const struct job *job)
{
	return &job->last;
}
