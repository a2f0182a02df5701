#include "state/libvirt/libvirt.h"

#include "state/arena.h"
#include "state/libvirt/bell.h"
#include "state/libvirt/copy.h"
#include "state/libvirt/host_call.h"
#include "state/libvirt/hosts.h"
#include "state/libvirt/migrate.h"
#include "state/libvirt/worker.h"

#include <errno.h>

#include <libvirt/libvirt.h>

static const char NOT_AMONG_HOSTS[] = "a host of the move is not among those of the desired placement";

int libvirt_open(const struct libvirt_host *hosts, size_t count, unsigned int deadline_ms, struct libvirt **ret_libvirt,
                 struct error *err)
{
	(void)err;
	struct arena *arena = arena_create();
	struct libvirt *libvirt = arena_alloc(arena, sizeof(*libvirt));
	libvirt->arena = arena;
	libvirt->deadline_ms = deadline_ms;
	libvirt->hosts = arena_array(arena, count, sizeof(*libvirt->hosts));
	libvirt->host_count = count;
	for (size_t i = 0; i < count; i++) {
		struct libvirt_host *settings = &libvirt->hosts[i].settings;
		libvirt->hosts[i].ear = ear_create();
		settings->name = arena_copy(arena, hosts[i].name);
		settings->uri = arena_copy(arena, hosts[i].uri);
		settings->migration_address =
		        hosts[i].migration_address == NULL ? NULL : arena_copy(arena, hosts[i].migration_address);
		settings->shared_count = hosts[i].shared_count;
		settings->shared = arena_array(arena, hosts[i].shared_count, sizeof(*settings->shared));
		for (size_t k = 0; k < hosts[i].shared_count; k++) {
			settings->shared[k] = arena_copy(arena, hosts[i].shared[k]);
		}
	}
	*ret_libvirt = libvirt;
	return 0;
}

void libvirt_close(struct libvirt *libvirt)
{
	if (libvirt == NULL) {
		return;
	}
	hosts_close(libvirt);
	arena_destroy(libvirt->arena);
}

static int preflight(void *data, const struct move_order *order, struct error *err)
{
	struct libvirt *libvirt = data;
	struct connected_host *from = hosts_find(libvirt, order->from);
	const struct connected_host *to = hosts_find(libvirt, order->to);
	if (from == NULL || to == NULL) {
		return error_set(err, -ENOENT, NOT_AMONG_HOSTS);
	}
	struct request request = {
	        .action = ACTION_CHECK_TARGET,
	        .uuid = order->uuid,
	        .on = order->mode == MOVE_OFFLINE || order->mode == MOVE_STOPPED,
	        .to_uri = to->settings.uri,
	        .to_name = order->to,
	};
	int r = hosts_call(from, &request, libvirt->deadline_ms, NULL, NULL, err);
	/* What the target has to do with names it; what else goes wrong is the source's, which was asked. */
	if (r < 0 && r != -EPERM && r != -EHOSTDOWN) {
		error_prefix(err, r, "%s", order->from);
	}
	if (r == -ETIMEDOUT) {
		error_set(err, r, "%s or %s gives no answer within %u ms", order->from, order->to,
		          libvirt->deadline_ms);
	}
	return r == -EHOSTDOWN || r == -ETIMEDOUT ? -ENOTCONN : r;
}

static int create_volume(void *data, const char *host, const struct disk *disk, uint64_t bytes, struct error *err)
{
	struct request request = {.action = ACTION_CREATE_VOLUME, .disk = disk, .bytes = bytes};
	return hosts_ask(data, host, &request, NULL, err);
}

static int delete_volume(void *data, const char *host, const char *path, struct error *err)
{
	struct request request = {.action = ACTION_DELETE_VOLUME, .path = path};
	return hosts_ask(data, host, &request, NULL, err);
}

static int set_autostart(void *data, const char *host, const char *uuid, bool autostart, struct error *err)
{
	struct request request = {.action = ACTION_SET_AUTOSTART, .uuid = uuid, .on = autostart};
	return hosts_ask(data, host, &request, NULL, err);
}

static int read_snapshots(void *data, struct arena *arena, const char *host, const char *uuid,
                          struct snapshot_list *ret_snapshots, struct error *err)
{
	struct request request = {.action = ACTION_READ_SNAPSHOTS, .uuid = uuid};
	struct answer answer;
	int r = hosts_ask_for(data, host, &request, arena, &answer, err);
	if (r == 0) {
		*ret_snapshots = answer.snapshots;
	}
	return r;
}

static int set_snapshots(void *data, const char *host, const char *uuid, const struct snapshot_list *snapshots,
                         struct error *err)
{
	struct request request = {.action = ACTION_SET_SNAPSHOTS, .uuid = uuid, .snapshots = *snapshots};
	return hosts_ask(data, host, &request, NULL, err);
}

static int drop_snapshots(void *data, const char *host, const char *uuid, const struct snapshot_list *snapshots,
                          struct error *err)
{
	struct request request = {.action = ACTION_DROP_SNAPSHOTS, .uuid = uuid, .snapshots = *snapshots};
	return hosts_ask(data, host, &request, NULL, err);
}

static int find_pair(struct libvirt *libvirt, const struct move_order *order, const struct connected_host **ret_from,
                     const struct connected_host **ret_to, struct error *err)
{
	*ret_from = hosts_find(libvirt, order->from);
	*ret_to = hosts_find(libvirt, order->to);
	if (*ret_from == NULL || *ret_to == NULL) {
		return error_set(err, -ENOENT, NOT_AMONG_HOSTS);
	}
	return 0;
}

static int migrate(void *data, const struct move_order *order, const struct watcher *watcher, struct outcome *outcome,
                   struct error *err)
{
	struct libvirt *libvirt = data;
	const struct connected_host *from = NULL;
	const struct connected_host *to = NULL;
	int r = find_pair(libvirt, order, &from, &to, err);
	return r < 0 ? r
	             : migrate_vm(order, from->settings.uri, to->settings.uri, to->settings.migration_address,
	                          libvirt->deadline_ms, watcher, outcome, err);
}

static int volume_length(void *data, const char *host, const char *path, uint64_t *ret_bytes, struct error *err)
{
	struct request request = {.action = ACTION_VOLUME_LENGTH, .path = path};
	return hosts_ask(data, host, &request, ret_bytes, err);
}

static int copy_volume(void *data, const struct move_order *order, const struct disk *disk,
                       const struct watcher *watcher, uint64_t *ret_bytes, struct error *err)
{
	struct libvirt *libvirt = data;
	const struct connected_host *from = NULL;
	const struct connected_host *to = NULL;
	int r = find_pair(libvirt, order, &from, &to, err);
	return r < 0 ? r
	             : copy_between(from->settings.uri, to->settings.uri, disk, libvirt->deadline_ms, watcher,
	                            ret_bytes, err);
}

static int compare_volume(void *data, const struct move_order *order, const struct disk *disk,
                          const struct watcher *watcher, struct error *err)
{
	struct libvirt *libvirt = data;
	const struct connected_host *from = NULL;
	const struct connected_host *to = NULL;
	int r = find_pair(libvirt, order, &from, &to, err);
	return r < 0 ? r : copy_compare(from->settings.uri, to->settings.uri, disk, libvirt->deadline_ms, watcher, err);
}

static int volume_stamp(void *data, const char *host, const char *path, uint64_t *ret_stamp, struct error *err)
{
	struct request request = {.action = ACTION_VOLUME_STAMP, .path = path};
	return hosts_ask(data, host, &request, ret_stamp, err);
}

static int resume(void *data, const char *host, const char *uuid, struct error *err)
{
	struct request request = {.action = ACTION_RESUME, .uuid = uuid};
	return hosts_ask(data, host, &request, NULL, err);
}

static int end_remnant(void *data, const char *host, const char *uuid, struct error *err)
{
	struct request request = {.action = ACTION_END_REMNANT, .uuid = uuid};
	return hosts_ask(data, host, &request, NULL, err);
}

static int define(void *data, const struct move_order *order, struct error *err)
{
	struct libvirt *libvirt = data;
	const struct connected_host *to = hosts_find(libvirt, order->to);
	struct request request = {
	        .action = ACTION_DEFINE,
	        .uuid = order->uuid,
	        .to_uri = to == NULL ? "" : to->settings.uri,
	        .to_name = order->to,
	};
	return hosts_ask(libvirt, order->from, &request, NULL, err);
}

/* Asked again in such intervals: a guest that is still booting does not hear it. */
enum { ASK_AGAIN_MS = 10000 };

static int ask_shutdown(void *data, const char *host, const char *uuid, uint64_t timeout_ms,
                        const struct watcher *watcher, struct error *err)
{
	struct request request = {.action = ACTION_SHUTDOWN, .uuid = uuid};
	struct request look_again = {.action = ACTION_STATE, .uuid = uuid};
	uint64_t end_ms = host_call_now_ms() + timeout_ms;
	uint64_t again_ms = host_call_now_ms() + ASK_AGAIN_MS;
	int r = hosts_ask(data, host, &request, NULL, err);
	while (r == 0) {
		uint64_t state = 0;
		r = hosts_ask(data, host, &look_again, &state, err);
		if (r == 0 && state == VIR_DOMAIN_SHUTOFF) {
			return 0;
		}
		if (r == 0 && host_call_ms_until(end_ms) == 0) {
			return error_set(err, -ETIMEDOUT, "its guest was asked to shut down and has not done so");
		}
		struct transfer nothing = {.ms = timeout_ms - (uint64_t)host_call_ms_until(end_ms)};
		if (r == 0 && watcher != NULL && !watcher->tell(watcher->data, &nothing)) {
			return error_set(err, -ECANCELED,
			                 "its move was cancelled, after its guest had been asked to shut down");
		}
		if (r == 0 && host_call_ms_until(again_ms) == 0) {
			hosts_ask(data, host, &request, NULL, NULL); /* it may just have gone off: the state tells */
			again_ms = host_call_now_ms() + ASK_AGAIN_MS;
		}
		host_call_pause(200);
	}
	return r;
}

static int start(void *data, const char *host, const char *uuid, struct error *err)
{
	struct request request = {.action = ACTION_START, .uuid = uuid};
	return hosts_ask(data, host, &request, NULL, err);
}

static int undefine(void *data, const char *host, const char *uuid, struct error *err)
{
	struct request request = {.action = ACTION_UNDEFINE, .uuid = uuid};
	return hosts_ask(data, host, &request, NULL, err);
}

static int remove_vm(void *data, const char *host, const char *uuid, struct error *err)
{
	struct request request = {.action = ACTION_REMOVE, .uuid = uuid};
	return hosts_ask(data, host, &request, NULL, err);
}

static void wait(void *data, unsigned int ms)
{
	(void)data;
	host_call_pause(ms);
}

static const struct world_functions FUNCTIONS = {
        .look = hosts_look,
        .preflight = preflight,
        .create_volume = create_volume,
        .delete_volume = delete_volume,
        .set_autostart = set_autostart,
        .read_snapshots = read_snapshots,
        .set_snapshots = set_snapshots,
        .drop_snapshots = drop_snapshots,
        .migrate = migrate,
        .volume_length = volume_length,
        .volume_stamp = volume_stamp,
        .copy_volume = copy_volume,
        .compare_volume = compare_volume,
        .resume = resume,
        .end_remnant = end_remnant,
        .define = define,
        .shutdown = ask_shutdown,
        .start = start,
        .undefine = undefine,
        .remove = remove_vm,
        .wait = wait,
};

int libvirt_events_fd(void)
{
	return bell_fd();
}

bool libvirt_events_drain(void)
{
	return bell_drain();
}

struct world libvirt_world(struct libvirt *libvirt)
{
	return (struct world){.functions = &FUNCTIONS, .data = libvirt};
}
