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

static struct call *start_look(struct connected_host *host, unsigned int how)
{
	if (how & LOOK_FRESH) {
		drop_worker(host);
	}
	if (host->worker == NULL) {
		host->worker = worker_create(host->settings.uri);
	}
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
	struct connected_host *host = hosts_find(libvirt, sighted->host);
	struct request request = {.action = ACTION_IS_MIGRATING, .uuid = sighted->vm->uuid};
	struct answer answer;
	if (host != NULL && host_call_make(&host->worker, host->settings.uri, &request, libvirt->deadline_ms, NULL,
	                                   &answer, NULL) == 0) {
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
	struct inventory *inventory = arena_alloc(arena, sizeof(*inventory));
	inventory->hosts = arena_array(arena, total, sizeof(*inventory->hosts));
	inventory->host_count = total;
	uint64_t end_ms = host_call_now_ms() + libvirt->deadline_ms;
	for (size_t i = 0; i < total; i++) {
		hosts[i] = count == 0 ? &libvirt->hosts[i] : hosts_find(libvirt, names[i]);
		calls[i] = hosts[i] == NULL ? NULL : start_look(hosts[i], how);
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

int hosts_ask_for(struct libvirt *libvirt, const char *name, const struct request *request, struct arena *arena,
                  struct answer *ret_answer, struct error *err)
{
	struct connected_host *host = hosts_find(libvirt, name);
	if (host == NULL) {
		return error_set(err, -ENOENT, "%s is not among the hosts of the desired placement", name);
	}
	int r = host_call_make(&host->worker, host->settings.uri, request, libvirt->deadline_ms, arena, ret_answer,
	                       err);
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
