#include "state/libvirt/hosts.h"

#include "state/arena.h"
#include "state/libvirt/look.h"
#include "state/libvirt/worker.h"
#include "state/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct connected_host *hosts_find(struct libvirt *libvirt, const char *name)
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

static void need_worker(struct connected_host *host)
{
	if (host->worker == NULL) {
		host->worker = worker_create_listening(host->settings.uri, host->ear);
	}
}

int hosts_call(struct connected_host *host, const struct request *request, unsigned int deadline_ms,
               struct arena *arena, struct answer *ret_answer, struct error *err)
{
	need_worker(host);
	return host_call_make(&host->worker, request, deadline_ms, arena, ret_answer, err);
}

static void forget(struct connected_host *host)
{
	arena_destroy(host->memory);
	host->memory = NULL;
}

/* The calls that look: one for each host, all under way at once. */
struct look_data {
	bool refresh;
	const char **shared;
	size_t shared_count;
	struct host host;
};

static int run_look(struct call *call, virConnectPtr connection, struct error *err)
{
	struct look_data *data = call_data(call);
	return look_at_host(call_arena(call), connection, data->refresh, data->shared, data->shared_count, &data->host,
	                    err);
}

/* Has a knock been answered? By whatever: only a host that cannot be reached is away. */
static bool is_back(const struct connected_host *host)
{
	return host->knock != NULL && call_is_over(host->knock) && call_wait(host->knock, 0, NULL) != -ENOTCONN;
}

static void end_knock(struct connected_host *host)
{
	if (host->knock != NULL && !call_is_over(host->knock)) {
		call_give_up(host->knock);
	}
	call_release(host->knock);
	host->knock = NULL;
}

/* NULL: it is away. */
static struct call *start_look(struct connected_host *host, unsigned int how)
{
	if (host->away && !is_back(host) && (how & LOOK_FRESH) == 0) {
		return NULL;
	}
	end_knock(host);
	host->away = false;
	if (how & LOOK_FRESH) {
		drop_worker(host);
	}
	need_worker(host);
	forget(host);
	ear_begin(host->ear);
	struct call *call = call_create(run_look, sizeof(struct look_data), false);
	struct look_data *data = call_data(call);
	struct arena *arena = call_arena(call);
	data->refresh = (how & LOOK_POOLS) != 0;
	data->shared_count = host->settings.shared_count;
	data->shared = arena_array(arena, data->shared_count, sizeof(*data->shared));
	for (size_t i = 0; i < data->shared_count; i++) {
		data->shared[i] = arena_copy(arena, host->settings.shared[i]);
	}
	worker_start(host->worker, call);
	return call;
}

/* Nothing has been heard of it since, by a connection that is still there to tell. */
static bool is_as_it_was(const struct connected_host *host)
{
	return host->memory != NULL && host->worker != NULL && !host->away && ear_is_quiet(host->ear);
}

static void tell_last(struct arena *arena, const struct connected_host *host, struct host *ret_host)
{
	arena_share(arena, host->memory);
	*ret_host = host->last;
	ret_host->name = arena_copy(arena, host->settings.name);
	for (size_t i = 0; i < ret_host->vm_count; i++) {
		ret_host->vms[i].migrating = false; /* that is asked each time */
	}
}

static struct host unknown_host(struct arena *arena, const char *name, const char *why)
{
	return (struct host){
	        .name = arena_copy(arena, name),
	        .connection = arena_copy(arena, why),
	        .uuid = "",
	        .libvirt = "",
	        .qemu = "",
	        .cpu = "",
	};
}

/* call: the look that it has not answered; its worker is left behind with it. NULL: it has said no. */
static void note_away(struct connected_host *host, struct call *call, const struct error *why)
{
	if (call != NULL) {
		call_give_up(call);
		call_ring_at_end(call);
	}
	host->away = true;
	host->knock = call;
	host->knock_ms = host_call_now_ms();
	host->why = *why;
	drop_worker(host);
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
	if (r == 0) {
		host->last = ((struct look_data *)call_data(call))->host;
		host->memory = arena_create();
		call_take_arena(call, host->memory);
		call_release(call);
		tell_last(arena, host, ret_host);
		return;
	}
	if (!is_over) {
		error_set(&err, r, "no answer within %u s", libvirt->deadline_ms / 1000);
		note_away(host, call, &err);
	} else {
		call_release(call);
		if (r == -ENOTCONN) {
			note_away(host, NULL, &err);
		} else {
			drop_worker(host);
		}
	}
	*ret_host = unknown_host(arena, host->settings.name, err.message);
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
	struct connected_host *host = hosts_find(libvirt, sighted->host);
	struct request request = {.action = ACTION_IS_MIGRATING, .uuid = sighted->vm->uuid};
	struct answer answer;
	if (host != NULL && hosts_call(host, &request, libvirt->deadline_ms, NULL, &answer, NULL) == 0) {
		sighted->vm->migrating = answer.number != 0;
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

const struct inventory *hosts_look(void *data, struct arena *arena, const char *const *names, size_t count,
                                   unsigned int how)
{
	struct libvirt *libvirt = data;
	size_t total = count == 0 ? libvirt->host_count : count;
	struct connected_host **hosts = arena_array(arena, total, sizeof(struct connected_host *));
	struct call **calls = arena_array(arena, total, sizeof(struct call *));
	bool *known = arena_array(arena, total, sizeof(*known));
	struct inventory *inventory = arena_alloc(arena, sizeof(*inventory));
	inventory->hosts = arena_array(arena, total, sizeof(*inventory->hosts));
	inventory->host_count = total;
	/* Libvirt opens each file of a pool that is refreshed. */
	const unsigned int times = (how & LOOK_POOLS) != 0 ? 12 : 1;
	uint64_t end_ms = host_call_now_ms() + (uint64_t)libvirt->deadline_ms * times;
	for (size_t i = 0; i < total; i++) {
		hosts[i] = count == 0 ? &libvirt->hosts[i] : hosts_find(libvirt, names[i]);
		known[i] = hosts[i] != NULL && (how & LOOK_CHANGED) != 0 && is_as_it_was(hosts[i]);
		calls[i] = hosts[i] == NULL || known[i] ? NULL : start_look(hosts[i], how);
	}
	for (size_t i = 0; i < total; i++) {
		if (hosts[i] == NULL) {
			inventory->hosts[i] =
			        unknown_host(arena, names[i], "not among the hosts of the desired placement");
			continue;
		}
		if (known[i]) {
			tell_last(arena, hosts[i], &inventory->hosts[i]);
			continue;
		}
		if (calls[i] == NULL) {
			inventory->hosts[i] = unknown_host(arena, hosts[i]->settings.name, hosts[i]->why.message);
			continue;
		}
		end_look(libvirt, arena, hosts[i], calls[i], end_ms, &inventory->hosts[i]);
	}
	inventory_sort(inventory);
	mark_migrating(libvirt, inventory);
	return inventory;
}

static int run_knock(struct call *call, virConnectPtr connection, struct error *err)
{
	(void)call;
	(void)connection;
	(void)err;
	return 0;
}

/* One that hangs is left behind after a while: the connect that it waits for may never end. */
enum { KNOCK_AGAIN_MS = 120000 };

static bool is_under_way(const struct connected_host *host)
{
	return host->knock != NULL && !call_is_over(host->knock) &&
	       host_call_now_ms() - host->knock_ms < KNOCK_AGAIN_MS;
}

bool libvirt_knock(struct libvirt *libvirt)
{
	bool any = false;
	for (size_t i = 0; i < libvirt->host_count; i++) {
		struct connected_host *host = &libvirt->hosts[i];
		any = any || host->away;
		if (!host->away || is_under_way(host) || is_back(host)) {
			continue;
		}
		end_knock(host);
		host->knock = call_create(run_knock, 1, false);
		host->knock_ms = host_call_now_ms();
		call_ring_at_end(host->knock);
		struct worker *worker = worker_create(host->settings.uri);
		worker_start(worker, host->knock);
		worker_release(worker);
	}
	return any;
}

void hosts_close(struct libvirt *libvirt)
{
	for (size_t i = 0; i < libvirt->host_count; i++) {
		end_knock(&libvirt->hosts[i]);
		drop_worker(&libvirt->hosts[i]);
		forget(&libvirt->hosts[i]);
		ear_release(libvirt->hosts[i].ear);
	}
}

int hosts_ask_for(struct libvirt *libvirt, const char *name, const struct request *request, struct arena *arena,
                  struct answer *ret_answer, struct error *err)
{
	struct connected_host *host = hosts_find(libvirt, name);
	if (host == NULL) {
		return error_set(err, -ENOENT, "%s is not among the hosts of the desired placement", name);
	}
	int r = hosts_call(host, request, libvirt->deadline_ms, arena, ret_answer, err);
	return r < 0 ? error_prefix(err, r, "%s", name) : 0;
}

int hosts_ask(struct libvirt *libvirt, const char *name, const struct request *request, uint64_t *ret_number,
              struct error *err)
{
	struct answer answer;
	int r = hosts_ask_for(libvirt, name, request, NULL, &answer, err);
	if (r == 0 && ret_number != NULL) {
		*ret_number = answer.number;
	}
	return r;
}
