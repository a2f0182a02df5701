#include "state/libvirt/host_call.h"

#include "state/arena.h"
#include "state/libvirt/actions.h"
#include "state/libvirt/look.h"
#include "state/libvirt/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct request_data {
	struct request request;
	struct disk disk;
	struct answer answer;
};

/* What a target says that goes away meanwhile is no answer. -EHOSTDOWN: it was the target, and err names it. */
static int run_with_target(struct call *call, virConnectPtr connection, struct error *err)
{
	struct request_data *data = call_data(call);
	const struct request *request = &data->request;
	virConnectPtr to = worker_connect(request->to_uri, err);
	if (to == NULL) {
		return error_prefix(err, -EHOSTDOWN, "%s", request->to_name);
	}
	int r = -ECANCELED;
	if (call_begin(call)) {
		r = request->action == ACTION_DEFINE
		            ? action_define(connection, to, request->uuid, err)
		            : action_check_target(call_arena(call), connection, to, request->to_name, request->uuid,
		                                  request->on, err);
	}
	if (r < 0 && virConnectIsAlive(to) != 1) {
		r = error_prefix(err, -EHOSTDOWN, "the connection to %s was lost", request->to_name);
	}
	virConnectClose(to);
	return r;
}

static int run_request(struct call *call, virConnectPtr connection, struct error *err)
{
	struct request_data *data = call_data(call);
	const struct request *request = &data->request;
	int state = 0;
	int r = 0;
	switch (request->action) {
	case ACTION_CREATE_VOLUME:
		return action_create_volume(call_arena(call), connection, request->disk, request->bytes, err);
	case ACTION_DELETE_VOLUME:
		return action_delete_volume(call_arena(call), connection, request->path, err);
	case ACTION_VOLUME_LENGTH:
		return action_volume_length(connection, request->path, &data->answer.number, err);
	case ACTION_SET_AUTOSTART:
		return action_set_autostart(connection, request->uuid, request->on, err);
	case ACTION_UNDEFINE:
		return action_undefine(connection, request->uuid, err);
	case ACTION_DEFINE:
	case ACTION_CHECK_TARGET:
		return run_with_target(call, connection, err);
	case ACTION_SHUTDOWN:
		return action_shutdown(connection, request->uuid, err);
	case ACTION_START:
		return action_start(connection, request->uuid, err);
	case ACTION_RESUME:
		return action_resume(connection, request->uuid, err);
	case ACTION_END_REMNANT:
		return action_end_remnant(connection, request->uuid, err);
	case ACTION_REMOVE:
		return action_remove(connection, request->uuid, err);
	case ACTION_VOLUME_STAMP:
		return action_volume_stamp(call_arena(call), connection, request->path, &data->answer.number, err);
	case ACTION_STATE:
		r = action_state(connection, request->uuid, &state, err);
		data->answer.number = (uint64_t)state;
		return r;
	case ACTION_IS_MIGRATING:
		data->answer.number = look_is_migrating(connection, request->uuid) ? 1 : 0;
		return 0;
	case ACTION_READ_SNAPSHOTS:
		return action_read_snapshots(call_arena(call), connection, request->uuid, &data->answer.snapshots, err);
	case ACTION_SET_SNAPSHOTS:
		return action_set_snapshots(call, connection, request->uuid, &request->snapshots, err);
	case ACTION_DROP_SNAPSHOTS:
		return action_drop_snapshots(call, connection, request->uuid, &request->snapshots, err);
	}
	abort();
}

static const char *keep(struct arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_copy(arena, text);
}

static struct snapshot_list keep_snapshots(struct arena *arena, const struct snapshot_list *from)
{
	struct snapshot_list list = {.items = arena_array(arena, from->count, sizeof(*list.items))};
	for (; list.count < from->count; list.count++) {
		list.items[list.count] = (struct snapshot){
		        .name = keep(arena, from->items[list.count].name),
		        .definition = keep(arena, from->items[list.count].definition),
		        .current = from->items[list.count].current,
		};
	}
	return list;
}

/* The call may outlive whoever asked for it. */
static struct call *make_call(const struct request *request)
{
	bool two_hosts = request->action == ACTION_DEFINE || request->action == ACTION_CHECK_TARGET;
	struct call *call = call_create(run_request, sizeof(struct request_data), two_hosts);
	struct request_data *data = call_data(call);
	struct arena *arena = call_arena(call);
	data->request = *request;
	data->request.uuid = keep(arena, request->uuid);
	data->request.path = keep(arena, request->path);
	data->request.to_uri = keep(arena, request->to_uri);
	data->request.to_name = keep(arena, request->to_name);
	data->request.snapshots = keep_snapshots(arena, &request->snapshots);
	if (request->disk != NULL) {
		data->disk = *request->disk;
		data->disk.target = keep(arena, request->disk->target);
		data->disk.source = keep(arena, request->disk->source);
		data->disk.pool = NULL;
		data->request.disk = &data->disk;
	}
	return call;
}

int host_call_make(struct worker **worker, const struct request *request, unsigned int deadline_ms, struct arena *arena,
                   struct answer *ret_answer, struct error *err)
{
	struct call *call = make_call(request);
	worker_start(*worker, call);
	call_wait(call, (int)deadline_ms, NULL);
	int r = 0;
	if (!call_is_over(call)) {
		bool without_effect = call_give_up(call);
		worker_release(*worker);
		*worker = NULL;
		r = error_set(err, -ETIMEDOUT, "no answer within %u s%s", deadline_ms / 1000,
		              without_effect ? "" : "; it may still take effect");
	} else if ((r = call_wait(call, 0, err)) == 0 && ret_answer != NULL) {
		*ret_answer = ((struct request_data *)call_data(call))->answer;
		if (arena != NULL) {
			call_take_arena(call, arena);
		}
	}
	call_release(call);
	return r;
}

uint64_t host_call_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int host_call_ms_until(uint64_t end_ms)
{
	uint64_t now_ms = host_call_now_ms();
	return end_ms > now_ms ? (int)(end_ms - now_ms) : 0;
}

void host_call_pause(unsigned int ms)
{
	struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	nanosleep(&pause, NULL);
}
