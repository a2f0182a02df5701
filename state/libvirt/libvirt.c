#include "state/libvirt/libvirt.h"

#include "state/arena.h"
#include "state/libvirt/copy.h"
#include "state/libvirt/host_call.h"
#include "state/libvirt/look.h"
#include "state/libvirt/migrate.h"
#include "state/libvirt/worker.h"
#include "state/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>

/* A host, its settings, and the worker that looks at it. */
struct connected_host {
	struct libvirt_host settings;
	struct worker *worker; /* NULL: to be made when it is needed */
};

struct libvirt {
	struct arena *arena;
	struct connected_host *hosts;
	size_t host_count;
	unsigned int deadline_ms;
};

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
	for (size_t i = 0; i < libvirt->host_count; i++) {
		worker_release(libvirt->hosts[i].worker);
	}
	arena_destroy(libvirt->arena);
}

static struct connected_host *find_host(struct libvirt *libvirt, const char *name)
{
	for (size_t i = 0; i < libvirt->host_count; i++) {
		if (text_equal(libvirt->hosts[i].settings.name, name)) {
			return &libvirt->hosts[i];
		}
	}
	return NULL;
}

static void drop_worker(struct connected_host *host)
{
	worker_release(host->worker);
	host->worker = NULL;
}

/* The calls that look: one for each host, all under way at once. */
struct look_data {
	const char **shared;
	size_t shared_count;
	struct host host;
};

static int run_look(struct call *call, virConnectPtr connection, struct error *err)
{
	struct look_data *data = call_data(call);
	return look_at_host(call_arena(call), connection, data->shared, data->shared_count, &data->host, err);
}

static struct call *start_look(struct connected_host *host, bool fresh)
{
	if (fresh) {
		drop_worker(host);
	}
	if (host->worker == NULL) {
		host->worker = worker_create(host->settings.uri);
	}
	struct call *call = call_create(run_look, sizeof(struct look_data), false);
	struct look_data *data = call_data(call);
	struct arena *arena = call_arena(call);
	data->shared_count = host->settings.shared_count;
	data->shared = arena_array(arena, data->shared_count, sizeof(*data->shared));
	for (size_t i = 0; i < data->shared_count; i++) {
		data->shared[i] = arena_copy(arena, host->settings.shared[i]);
	}
	worker_start(host->worker, call);
	return call;
}

static void end_look(struct libvirt *libvirt, struct arena *arena, struct connected_host *host, struct call *call,
                     uint64_t end_ms, struct host *ret_host)
{
	struct error err = {0};
	int r = call_wait(call, host_call_ms_until(end_ms), &err);
	bool is_over = call_is_over(call);
	if (is_over) { /* perhaps between the two: then it is no silence */
		r = call_wait(call, 0, &err);
	}
	*ret_host = (struct host){.uuid = "", .libvirt = "", .qemu = "", .cpu = ""};
	if (r == 0) {
		*ret_host = ((struct look_data *)call_data(call))->host;
		call_take_arena(call, arena);
	} else {
		if (!is_over) {
			call_give_up(call);
			error_set(&err, r, "no answer within %u s", libvirt->deadline_ms / 1000);
		}
		drop_worker(host);
		ret_host->connection = arena_copy(arena, err.message);
	}
	ret_host->name = arena_copy(arena, host->settings.name);
	call_release(call);
}

struct sighted_vm {
	struct vm *vm;
	const char *host;
};

static int compare_uuids(const void *a, const void *b)
{
	return strcmp(((const struct sighted_vm *)a)->vm->uuid, ((const struct sighted_vm *)b)->vm->uuid);
}

static void ask_migrating(struct libvirt *libvirt, const struct sighted_vm *sighted)
{
	struct connected_host *host = find_host(libvirt, sighted->host);
	struct request request = {.action = ACTION_IS_MIGRATING, .uuid = sighted->vm->uuid};
	uint64_t migrating = 0;
	if (host != NULL &&
	    host_call_make(&host->worker, host->settings.uri, &request, libvirt->deadline_ms, &migrating, NULL) == 0) {
		sighted->vm->migrating = migrating != 0;
	}
}

/* One UUID on two hosts: does a migration explain it? Asked only then, since it may ask the guest's monitor. */
static void mark_migrating(struct libvirt *libvirt, struct inventory *inventory)
{
	cleanup_arena struct arena *arena = arena_create();
	struct sighted_vm *sighted = NULL;
	size_t count = 0;
	for (size_t i = 0; i < inventory->host_count; i++) {
		for (size_t k = 0; k < inventory->hosts[i].vm_count; k++) {
			ARENA_ADD(arena, sighted, count) = (struct sighted_vm){
			        .vm = &inventory->hosts[i].vms[k],
			        .host = inventory->hosts[i].name,
			};
		}
	}
	if (count == 0) {
		return;
	}
	qsort(sighted, count, sizeof(*sighted), compare_uuids);
	for (size_t i = 0; i < count; i++) {
		bool like_last = i > 0 && compare_uuids(&sighted[i - 1], &sighted[i]) == 0;
		bool like_next = i + 1 < count && compare_uuids(&sighted[i], &sighted[i + 1]) == 0;
		if (like_last || like_next) {
			ask_migrating(libvirt, &sighted[i]);
		}
	}
}

static const struct inventory *look(void *data, struct arena *arena, const char *const *names, size_t count, bool fresh)
{
	struct libvirt *libvirt = data;
	size_t total = count == 0 ? libvirt->host_count : count;
	struct connected_host **hosts = arena_array(arena, total, sizeof(struct connected_host *));
	struct call **calls = arena_array(arena, total, sizeof(struct call *));
	struct inventory *inventory = arena_alloc(arena, sizeof(*inventory));
	inventory->hosts = arena_array(arena, total, sizeof(*inventory->hosts));
	inventory->host_count = total;
	uint64_t end_ms = host_call_now_ms() + libvirt->deadline_ms;
	for (size_t i = 0; i < total; i++) {
		hosts[i] = count == 0 ? &libvirt->hosts[i] : find_host(libvirt, names[i]);
		calls[i] = hosts[i] == NULL ? NULL : start_look(hosts[i], fresh);
	}
	for (size_t i = 0; i < total; i++) {
		if (calls[i] == NULL) {
			inventory->hosts[i] = (struct host){
			        .name = arena_copy(arena, names[i]),
			        .connection = "not among the hosts of the desired placement",
			        .uuid = "",
			        .libvirt = "",
			        .qemu = "",
			        .cpu = "",
			};
			continue;
		}
		end_look(libvirt, arena, hosts[i], calls[i], end_ms, &inventory->hosts[i]);
	}
	inventory_sort(inventory);
	mark_migrating(libvirt, inventory);
	return inventory;
}

static int ask(struct libvirt *libvirt, const char *name, const struct request *request, uint64_t *ret_number,
               struct error *err)
{
	struct connected_host *host = find_host(libvirt, name);
	if (host == NULL) {
		return error_set(err, -ENOENT, "%s is not among the hosts of the desired placement", name);
	}
	int r = host_call_make(&host->worker, host->settings.uri, request, libvirt->deadline_ms, ret_number, err);
	return r < 0 ? error_prefix(err, r, "%s", name) : 0;
}

static int preflight(void *data, const struct move_order *order, struct error *err)
{
	struct libvirt *libvirt = data;
	const struct connected_host *to = find_host(libvirt, order->to);
	struct request request = {
	        .action = ACTION_CHECK_TARGET,
	        .uuid = order->uuid,
	        .on = order->mode == MOVE_OFFLINE || order->mode == MOVE_STOPPED,
	        .to_uri = to == NULL ? "" : to->settings.uri,
	};
	return ask(libvirt, order->from, &request, NULL, err);
}

static int create_volume(void *data, const char *host, const struct disk *disk, uint64_t bytes, struct error *err)
{
	struct request request = {.action = ACTION_CREATE_VOLUME, .disk = disk, .bytes = bytes};
	return ask(data, host, &request, NULL, err);
}

static int delete_volume(void *data, const char *host, const char *path, struct error *err)
{
	struct request request = {.action = ACTION_DELETE_VOLUME, .path = path};
	return ask(data, host, &request, NULL, err);
}

static int set_autostart(void *data, const char *host, const char *uuid, bool autostart, struct error *err)
{
	struct request request = {.action = ACTION_SET_AUTOSTART, .uuid = uuid, .on = autostart};
	return ask(data, host, &request, NULL, err);
}

static int find_pair(struct libvirt *libvirt, const struct move_order *order, const struct connected_host **ret_from,
                     const struct connected_host **ret_to, struct error *err)
{
	*ret_from = find_host(libvirt, order->from);
	*ret_to = find_host(libvirt, order->to);
	if (*ret_from == NULL || *ret_to == NULL) {
		return error_set(err, -ENOENT, "a host of the move is not among those of the desired placement");
	}
	return 0;
}

static int migrate(void *data, const struct move_order *order, const struct watcher *watcher,
                   struct outcome *ret_outcome, struct error *err)
{
	struct libvirt *libvirt = data;
	const struct connected_host *from = NULL;
	const struct connected_host *to = NULL;
	int r = find_pair(libvirt, order, &from, &to, err);
	return r < 0 ? r
	             : migrate_vm(order, from->settings.uri, to->settings.uri, to->settings.migration_address,
	                          libvirt->deadline_ms, watcher, ret_outcome, err);
}

static int volume_length(void *data, const char *host, const char *path, uint64_t *ret_bytes, struct error *err)
{
	struct request request = {.action = ACTION_VOLUME_LENGTH, .path = path};
	return ask(data, host, &request, ret_bytes, err);
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
	return ask(data, host, &request, ret_stamp, err);
}

static int resume(void *data, const char *host, const char *uuid, struct error *err)
{
	struct request request = {.action = ACTION_RESUME, .uuid = uuid};
	return ask(data, host, &request, NULL, err);
}

static int define(void *data, const struct move_order *order, struct error *err)
{
	struct libvirt *libvirt = data;
	const struct connected_host *to = find_host(libvirt, order->to);
	struct request request = {
	        .action = ACTION_DEFINE,
	        .uuid = order->uuid,
	        .to_uri = to == NULL ? "" : to->settings.uri,
	};
	return ask(libvirt, order->from, &request, NULL, err);
}

static int ask_shutdown(void *data, const char *host, const char *uuid, uint64_t timeout_ms,
                        const struct watcher *watcher, struct error *err)
{
	struct request request = {.action = ACTION_SHUTDOWN, .uuid = uuid};
	struct request look_again = {.action = ACTION_STATE, .uuid = uuid};
	uint64_t end_ms = host_call_now_ms() + timeout_ms;
	int r = ask(data, host, &request, NULL, err);
	while (r == 0) {
		uint64_t state = 0;
		r = ask(data, host, &look_again, &state, err);
		if (r == 0 && state == VIR_DOMAIN_SHUTOFF) {
			return 0;
		}
		if (r == 0 && host_call_ms_until(end_ms) == 0) {
			return error_set(err, -ETIMEDOUT, "its guest was asked to shut down and has not done so");
		}
		struct transfer nothing = {.ms = timeout_ms - (uint64_t)host_call_ms_until(end_ms)};
		if (r == 0 && watcher != NULL && !watcher->tell(watcher->data, &nothing)) {
			return error_set(err, -ECANCELED, "cancelled");
		}
		host_call_pause(200);
	}
	return r;
}

static int start(void *data, const char *host, const char *uuid, struct error *err)
{
	struct request request = {.action = ACTION_START, .uuid = uuid};
	return ask(data, host, &request, NULL, err);
}

static int undefine(void *data, const char *host, const char *uuid, struct error *err)
{
	struct request request = {.action = ACTION_UNDEFINE, .uuid = uuid};
	return ask(data, host, &request, NULL, err);
}

static void wait(void *data, unsigned int ms)
{
	(void)data;
	host_call_pause(ms);
}

static const struct world_functions FUNCTIONS = {
        .look = look,
        .preflight = preflight,
        .create_volume = create_volume,
        .delete_volume = delete_volume,
        .set_autostart = set_autostart,
        .migrate = migrate,
        .volume_length = volume_length,
        .volume_stamp = volume_stamp,
        .copy_volume = copy_volume,
        .compare_volume = compare_volume,
        .resume = resume,
        .define = define,
        .shutdown = ask_shutdown,
        .start = start,
        .undefine = undefine,
        .wait = wait,
};

struct world libvirt_world(struct libvirt *libvirt)
{
	return (struct world){.functions = &FUNCTIONS, .data = libvirt};
}
