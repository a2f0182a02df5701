#include "tests/sim/world.h"

#include "state/arena.h"

#include <errno.h>
#include <string.h>

const char *const SIM_NAMES[2] = {"node1", "node2"};

enum { SILENT_CALLS = 6, LATE_CALLS = 60 };

void sim_init(struct sim *sim, enum vm_state state, bool local_disk, bool autostart)
{
	memset(sim, 0, sizeof(*sim));
	sim->local_disk = local_disk;
	sim->hosts[0].vm = (struct sim_vm){.there = true, .state = state, .autostart = autostart, .persistent = true};
	sim->hosts[0].file.there = local_disk;
}

void sim_add_snapshots(struct sim *sim)
{
	sim->hosts[0].vm.snapshots = SIM_ALL_SNAPSHOTS;
	sim->hosts[0].vm.current = SIM_ALL_SNAPSHOTS & ~1U;
	sim->hosts[0].file.snapshots = SIM_ALL_SNAPSHOTS;
	sim->has_snapshots = true;
}

static struct sim_host *host_of(struct sim *sim, const char *name)
{
	return strcmp(name, SIM_NAMES[0]) == 0 ? &sim->hosts[0] : &sim->hosts[1];
}

/* Time goes on: the guest writes wherever it runs, and nobody may run it twice. */
static void tick(struct sim *sim)
{
	bool on_both = sim->hosts[0].vm.there && sim->hosts[1].vm.there;
	sim->ran_twice = sim->ran_twice ||
	                 (on_both && sim->hosts[0].vm.state == VM_RUNNING && sim->hosts[1].vm.state == VM_RUNNING);
	if (sim->late > 0 && --sim->late == 0) {
		sim->hosts[0].vm = (struct sim_vm){0};
	}
	if (sim->late_drop > 0 && --sim->late_drop == 0) {
		sim->hosts[0].vm.snapshots &= ~(unsigned int)SIM_ALL_SNAPSHOTS;
		sim->hosts[0].vm.current &= ~(unsigned int)SIM_ALL_SNAPSHOTS;
	}
	for (size_t i = 0; i < 2; i++) {
		struct sim_host *host = &sim->hosts[i];
		if (host->vm.there && host->vm.state == VM_RUNNING) {
			sim->written++;
			host->file.data = sim->written;
			host->file.stamp++;
		}
		host->silent -= host->silent > 0 ? 1 : 0;
	}
}

/* Begins a call: true when it is the one with the fault. */
static bool begin(struct sim *sim, const char *function)
{
	tick(sim);
	sim->calls++;
	bool hit = sim->fault != FAULT_NONE && sim->calls == sim->fault_at;
	if (hit && sim->fault == FAULT_TOUCHED && sim->hosts[0].vm.there && sim->hosts[0].vm.state == VM_STOPPED &&
	    !sim->hosts[1].vm.there) {
		sim->hosts[0].vm.state = VM_RUNNING;
		tick(sim);
		sim->hosts[0].vm.state = VM_STOPPED;
	}
	if (hit && sim->fault == FAULT_STARTED && sim->hosts[0].vm.there && sim->hosts[0].vm.state == VM_STOPPED) {
		sim->hosts[0].vm.state = VM_RUNNING;
		tick(sim);
	}
	if (hit && sim->fault == FAULT_SNAPSHOT && sim->hosts[0].vm.there) {
		struct sim_host *source = &sim->hosts[0];
		source->vm.snapshots |= SIM_OTHER_SNAPSHOT;
		source->vm.current = SIM_OTHER_SNAPSHOT;
		source->file.snapshots |= SIM_OTHER_SNAPSHOT;
		source->file.stamp++;
		sim->was_made = true;
	}
	sim->hit = hit ? function : sim->hit;
	if (hit && sim->fault == FAULT_KILL_BEFORE) {
		longjmp(sim->killed, 1);
	}
	if (hit && (sim->fault == FAULT_SILENT_SOURCE || sim->fault == FAULT_SILENT_TARGET)) {
		sim->hosts[sim->fault == FAULT_SILENT_SOURCE ? 0 : 1].silent = SILENT_CALLS;
	}
	return hit;
}

static int end(struct sim *sim, bool hit, struct error *err)
{
	if (hit && sim->fault == FAULT_KILL_AFTER) {
		longjmp(sim->killed, 1);
	}
	if (hit && sim->fault == FAULT_AFTER) {
		sim->has_failed = true;
		return error_set(err, -EIO, "the answer was lost");
	}
	return 0;
}

static bool fails(struct sim *sim, bool hit, const struct sim_host *host)
{
	bool second = sim->second_at > 0 && sim->calls == sim->second_at;
	bool first = hit && (sim->fault == FAULT_BEFORE || sim->fault == FAULT_LATE || sim->fault == FAULT_REFUSED);
	bool failed = second || first || (host != NULL && host->silent > 0);
	sim->has_failed = sim->has_failed || failed;
	return failed;
}

/* A host that works on something long asks, at its begin and in the middle, whether it is still wanted. */
static bool is_unwanted(const struct watcher *watcher)
{
	const struct transfer nothing = {0};
	return watcher != NULL && !watcher->tell(watcher->data, &nothing);
}

static int cancelled(struct error *err)
{
	return error_set(err, -ECANCELED, "it was cancelled");
}

static int no_answer(struct error *err)
{
	return error_set(err, -EIO, "no answer");
}

/* The error of a call that fails() has found. */
static int failure(const struct sim *sim, bool hit, struct error *err)
{
	return hit && sim->fault == FAULT_REFUSED ? error_set(err, -EPERM, "refused") : no_answer(err);
}

/* What berth knows after a look, if both hosts have answered. */
static void note_look(struct sim *sim, bool both, bool fresh)
{
	for (size_t i = 0; i < 2; i++) {
		const struct sim_vm *other = &sim->hosts[1 - i].vm;
		sim->clear[i] = both && (!other->there || other->state == VM_STOPPED);
	}
	sim->saw_both = both;
	sim->looked_fresh = fresh;
}

/* The VM is let run on this host. */
static void note_run(struct sim *sim, const struct sim_host *host)
{
	bool is_clear = sim->clear[host - sim->hosts];
	sim->unasked = sim->unasked || !is_clear || (sim->has_failed && !sim->looked_fresh);
}

/* The target has got the VM. */
static void note_arrival(struct sim *sim)
{
	sim->was_armed = sim->was_armed || sim->hosts[0].vm.autostart;
}

static const struct inventory *look(void *data, struct arena *arena, const char *const *names, size_t count,
                                    unsigned int how)
{
	struct sim *sim = data;
	bool hit = begin(sim, __func__);
	size_t answers = 0;
	names = count == 0 ? SIM_NAMES : names;
	count = count == 0 ? 2 : count;
	struct inventory *inventory = arena_alloc(arena, sizeof(*inventory));
	inventory->hosts = arena_array(arena, count, sizeof(*inventory->hosts));
	inventory->host_count = count;
	for (size_t i = 0; i < count; i++) {
		const struct sim_host *from = host_of(sim, names[i]);
		struct host *host = &inventory->hosts[i];
		*host = (struct host){.name = names[i], .uuid = "", .libvirt = "", .qemu = "", .cpu = ""};
		host->uuid = from->uuid == NULL ? "" : from->uuid;
		if (fails(sim, hit, from)) {
			host->connection = "no answer";
			continue;
		}
		answers++;
		if (from->neighbour) {
			struct vm *other = &ARENA_ADD(arena, host->vms, host->vm_count);
			*other = (struct vm){.name = "other", .uuid = "5aabf32a-0260-45b5-9d26-cdd71b9fd999"};
			ARENA_ADD(arena, other->disks, other->disk_count) =
			        (struct disk){.target = "vda", .source = SIM_PATH};
		}
		if (from->vm.there) {
			struct vm *vm = &ARENA_ADD(arena, host->vms, host->vm_count);
			vm->name = "web-1";
			vm->uuid = SIM_UUID;
			vm->state = from->vm.state;
			vm->autostart = from->vm.autostart;
			vm->persistent = from->vm.persistent;
			vm->snapshots = (unsigned int)__builtin_popcount(from->vm.snapshots);
			vm->arrived = from->vm.arrived && from->vm.state == VM_RUNNING;
			vm->dropped = from->vm.dropped;
			vm->pause = from->vm.paused_by_libvirt    ? PAUSE_MIGRATION
			            : from->vm.paused_by_somebody ? PAUSE_PERSON
			                                          : PAUSE_OTHER;
			struct disk *disk = &ARENA_ADD(arena, vm->disks, vm->disk_count);
			disk->target = "vda";
			disk->source = sim->local_disk ? SIM_PATH : "nbd://192.0.2.1/web-1";
			disk->source = from->vm.other_disk ? "/elsewhere" : disk->source;
		}
	}
	inventory_sort(inventory);
	bool had_failed = sim->has_failed;
	end(sim, hit, NULL);
	sim->has_failed = had_failed; /* there is no answer to be lost */
	note_look(sim, answers == 2, (how & LOOK_FRESH) != 0);
	return inventory;
}

static int preflight(void *data, const struct move_order *order, struct error *err)
{
	struct sim *sim = data;
	(void)order;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, &sim->hosts[0]) || fails(sim, hit, &sim->hosts[1])) {
		int r = failure(sim, hit, err);
		return r == -EPERM ? r : -ENOTCONN;
	}
	return end(sim, hit, err);
}

static int create_volume(void *data, const char *name, const struct disk *disk, uint64_t bytes, struct error *err)
{
	struct sim *sim = data;
	struct sim_host *host = host_of(sim, name);
	(void)disk;
	(void)bytes;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, host)) {
		return no_answer(err);
	}
	if (host->file.there) {
		return error_set(err, -EEXIST, "it exists already");
	}
	host->file = (struct sim_file){.there = true};
	return end(sim, hit, err);
}

static int delete_volume(void *data, const char *name, const char *path, struct error *err)
{
	struct sim *sim = data;
	struct sim_host *host = host_of(sim, name);
	(void)path;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, host)) {
		return no_answer(err);
	}
	if (!host->file.there) {
		return error_set(err, -ENOENT, "no such volume");
	}
	host->file = (struct sim_file){0};
	sim->blindly = sim->blindly || !sim->saw_both;
	sim->robbed = sim->robbed || host->neighbour;
	return end(sim, hit, err);
}

static int set_autostart(void *data, const char *name, const char *uuid, bool autostart, struct error *err)
{
	struct sim *sim = data;
	struct sim_host *host = host_of(sim, name);
	(void)uuid;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, host) || !host->vm.there) {
		return no_answer(err);
	}
	host->vm.autostart = autostart;
	return end(sim, hit, err);
}

static int read_snapshots(void *data, struct arena *arena, const char *name, const char *uuid,
                          struct snapshot_list *ret_snapshots, struct error *err)
{
	struct sim *sim = data;
	const struct sim_host *host = host_of(sim, name);
	(void)uuid;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, host) || !host->vm.there) {
		return no_answer(err);
	}
	struct snapshot_list list = {0};
	for (unsigned int i = 0; i < SIM_MOST_SNAPSHOTS; i++) {
		if ((host->vm.snapshots >> i & 1) != 0) {
			ARENA_ADD(arena, list.items, list.count) = (struct snapshot){
			        .name = arena_print(arena, "%u", i),
			        .definition = arena_print(arena, "<a b=\"%u\">\n\tä: 'x' # &amp;\n</a>\n", i),
			        .current = host->vm.current == 1U << i,
			};
		}
	}
	*ret_snapshots = list;
	return end(sim, hit, err);
}

static unsigned int bit_of(const struct snapshot *snapshot)
{
	return 1U << (snapshot->name[0] - '0');
}

static int set_snapshots(void *data, const char *name, const char *uuid, const struct snapshot_list *snapshots,
                         struct error *err)
{
	struct sim *sim = data;
	struct sim_host *host = host_of(sim, name);
	(void)uuid;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, host) || !host->vm.there) {
		return no_answer(err);
	}
	for (size_t i = 0; i < snapshots->count; i++) {
		unsigned int bit = bit_of(&snapshots->items[i]);
		if (strstr(snapshots->items[i].definition, "\">\n\tä: 'x' # &amp;\n</a>\n") == NULL) {
			return error_set(err, -EIO, "this is not how it was defined");
		}
		host->vm.snapshots |= bit;
		host->vm.current = snapshots->items[i].current && (host->vm.current & ~SIM_ALL_SNAPSHOTS) == 0
		                           ? bit
		                           : host->vm.current;
	}
	return end(sim, hit, err);
}

static int drop_snapshots(void *data, const char *name, const char *uuid, const struct snapshot_list *snapshots,
                          struct error *err)
{
	struct sim *sim = data;
	struct sim_host *host = host_of(sim, name);
	(void)uuid;
	bool hit = begin(sim, __func__);
	if (hit && sim->fault == FAULT_LATE && host == &sim->hosts[0]) {
		sim->late_drop = LATE_CALLS;
	}
	if (fails(sim, hit, host) || !host->vm.there) {
		return failure(sim, hit, err);
	}
	unsigned int these = 0;
	for (size_t i = 0; i < snapshots->count; i++) {
		these |= bit_of(&snapshots->items[i]);
	}
	if ((host->vm.snapshots & ~these & SIM_OTHER_SNAPSHOT) != 0 && (these & host->vm.snapshots) != 0) {
		return error_set(err, -EBUSY, "one of them has a child");
	}
	host->vm.snapshots &= ~these;
	host->vm.current &= ~these;
	return end(sim, hit, err);
}

static int migrate(void *data, const struct move_order *order, const struct watcher *watcher, struct outcome *outcome,
                   struct error *err)
{
	struct sim *sim = data;
	(void)order;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, &sim->hosts[0]) || fails(sim, hit, &sim->hosts[1])) {
		return failure(sim, hit, err);
	}
	if (is_unwanted(watcher)) {
		return cancelled(err);
	}
	if (sim->local_disk && !sim->hosts[1].file.there) {
		return error_set(err, -EIO, "no file to copy to");
	}
	if (sim->hosts[0].vm.snapshots != 0) {
		return error_set(err, -EPERM, "cannot migrate a domain with snapshots");
	}
	if (sim->powers_off) {
		sim->hosts[0].vm.state = VM_STOPPED;
		return error_set(err, -EIO, "domain is not running");
	}
	if (sim->is_paused_meanwhile) {
		sim->hosts[0].vm.state = VM_PAUSED;
		sim->hosts[0].vm.paused_by_somebody = true;
	}
	if (is_unwanted(watcher)) {
		sim->hosts[1].file.data = sim->written / 2; /* half of it is there */
		return cancelled(err);
	}
	if (hit && sim->fault == FAULT_HALF) {
		sim->hosts[0].vm.paused_by_libvirt = sim->hosts[0].vm.state == VM_RUNNING;
		sim->hosts[0].vm.state = VM_PAUSED;
		longjmp(sim->killed, 1);
	}
	note_arrival(sim);
	sim->hosts[1].vm = sim->hosts[0].vm;
	sim->hosts[1].vm.persistent = !sim->is_transient;
	sim->hosts[1].vm.autostart = false; /* libvirt does not carry it over */
	sim->hosts[1].vm.arrived = true;
	sim->hosts[1].file.data = sim->hosts[0].file.data;
	if (hit && sim->fault == FAULT_UNCONFIRMED) {
		sim->hosts[0].vm.paused_by_libvirt = true;
		sim->hosts[0].vm.state = VM_PAUSED;
		longjmp(sim->killed, 1);
	}
	sim->hosts[0].vm = (struct sim_vm){0};
	*outcome = (struct outcome){.bytes = 1};
	is_unwanted(watcher); /* too late */
	return end(sim, hit, err);
}

static int volume_length(void *data, const char *name, const char *path, uint64_t *ret_bytes, struct error *err)
{
	struct sim *sim = data;
	const struct sim_host *host = host_of(sim, name);
	(void)path;
	bool had_failed = sim->has_failed;
	bool hit = begin(sim, __func__);
	int r = 0;
	if (fails(sim, hit, host)) {
		r = no_answer(err);
	} else if (!host->file.there || host->file.unknown) {
		r = error_set(err, -ENOENT, "no such volume");
	} else {
		*ret_bytes = 1;
		r = end(sim, hit, err);
	}
	sim->has_failed = had_failed; /* a move may go on without it */
	return r;
}

static int copy_volume(void *data, const struct move_order *order, const struct disk *disk,
                       const struct watcher *watcher, uint64_t *ret_bytes, struct error *err)
{
	struct sim *sim = data;
	(void)order;
	(void)disk;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, &sim->hosts[0]) || fails(sim, hit, &sim->hosts[1]) || !sim->hosts[1].file.there) {
		return no_answer(err);
	}
	if (is_unwanted(watcher)) {
		sim->hosts[1].file.data = sim->written / 2;
		return cancelled(err);
	}
	sim->hosts[1].file.data = sim->hosts[0].file.data;
	sim->hosts[1].file.snapshots = sim->hosts[0].file.snapshots;
	*ret_bytes = 1;
	return end(sim, hit, err);
}

static int compare_volume(void *data, const struct move_order *order, const struct disk *disk,
                          const struct watcher *watcher, struct error *err)
{
	struct sim *sim = data;
	(void)order;
	(void)disk;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, &sim->hosts[0]) || fails(sim, hit, &sim->hosts[1])) {
		return no_answer(err);
	}
	if (is_unwanted(watcher)) {
		return cancelled(err);
	}
	if (sim->hosts[1].file.data != sim->hosts[0].file.data ||
	    sim->hosts[1].file.snapshots != sim->hosts[0].file.snapshots) {
		return error_set(err, -EIO, "the copy differs");
	}
	return end(sim, hit, err);
}

static int volume_stamp(void *data, const char *name, const char *path, uint64_t *ret_stamp, struct error *err)
{
	struct sim *sim = data;
	const struct sim_host *host = host_of(sim, name);
	(void)path;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, host)) {
		return no_answer(err);
	}
	if (!host->file.there) {
		return error_set(err, -ENOENT, "no such volume");
	}
	*ret_stamp = host->file.stamp;
	return end(sim, hit, err);
}

static int resume(void *data, const char *name, const char *uuid, struct error *err)
{
	struct sim *sim = data;
	struct sim_host *host = host_of(sim, name);
	(void)uuid;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, host) || !host->vm.there) {
		return no_answer(err);
	}
	note_run(sim, host);
	host->vm.state = VM_RUNNING;
	host->vm.paused_by_libvirt = false;
	tick(sim);
	return end(sim, hit, err);
}

static int end_remnant(void *data, const char *name, const char *uuid, struct error *err)
{
	struct sim *sim = data;
	struct sim_host *host = host_of(sim, name);
	(void)uuid;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, host)) {
		return failure(sim, hit, err);
	}
	if (!host->vm.paused_by_libvirt && host->vm.state != VM_STOPPED) {
		return error_set(err, -EPERM, "it does not stand still for a migration");
	}
	host->vm = (struct sim_vm){0};
	return end(sim, hit, err);
}

static int define(void *data, const struct move_order *order, struct error *err)
{
	struct sim *sim = data;
	(void)order;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, &sim->hosts[0]) || fails(sim, hit, &sim->hosts[1])) {
		return failure(sim, hit, err);
	}
	if (sim->forgets) {
		return 0;
	}
	note_arrival(sim);
	sim->hosts[1].vm = (struct sim_vm){.there = true, .state = VM_STOPPED, .persistent = true};
	return end(sim, hit, err);
}

static int shut_down(void *data, const char *name, const char *uuid, uint64_t timeout_ms, const struct watcher *watcher,
                     struct error *err)
{
	struct sim *sim = data;
	struct sim_host *host = host_of(sim, name);
	(void)uuid;
	(void)timeout_ms;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, host)) {
		return no_answer(err);
	}
	if (is_unwanted(watcher)) {
		return cancelled(err);
	}
	host->vm.state = VM_STOPPED;
	return end(sim, hit, err);
}

static int start(void *data, const char *name, const char *uuid, struct error *err)
{
	struct sim *sim = data;
	struct sim_host *host = host_of(sim, name);
	(void)uuid;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, host) || !host->vm.there) {
		return no_answer(err);
	}
	note_run(sim, host);
	host->vm.state = VM_RUNNING;
	sim->starts++;
	tick(sim);
	return end(sim, hit, err);
}

static int undefine(void *data, const char *name, const char *uuid, struct error *err)
{
	struct sim *sim = data;
	struct sim_host *host = host_of(sim, name);
	(void)uuid;
	bool hit = begin(sim, __func__);
	if (hit && sim->fault == FAULT_LATE && host == &sim->hosts[0]) {
		sim->late = LATE_CALLS;
	}
	if (fails(sim, hit, host)) {
		return failure(sim, hit, err);
	}
	if (host->vm.snapshots != 0 || host->vm.state == VM_RUNNING) {
		return error_set(err, -EPERM, "cannot undefine a domain with snapshots, or that runs");
	}
	bool has_any = sim->has_snapshots && host == &sim->hosts[0];
	sim->was_bare = sim->was_bare || (has_any && (~sim->hosts[1].vm.snapshots & SIM_ALL_SNAPSHOTS) != 0);
	host->vm = (struct sim_vm){0};
	return end(sim, hit, err);
}

static int remove_vm(void *data, const char *name, const char *uuid, struct error *err)
{
	struct sim *sim = data;
	struct sim_host *host = host_of(sim, name);
	(void)uuid;
	bool hit = begin(sim, __func__);
	if (fails(sim, hit, host)) {
		return failure(sim, hit, err);
	}
	host->vm = (struct sim_vm){0};
	return end(sim, hit, err);
}

static void wait(void *data, unsigned int ms)
{
	(void)ms;
	tick(data);
}

const struct world_functions SIM_FUNCTIONS = {
        .look = look,
        .preflight = preflight,
        .create_volume = create_volume,
        .delete_volume = delete_volume,
        .set_autostart = set_autostart,
        .read_snapshots = read_snapshots,
        .set_snapshots = set_snapshots,
        .drop_snapshots = drop_snapshots,
        .migrate = migrate,
        .volume_length = volume_length,
        .copy_volume = copy_volume,
        .compare_volume = compare_volume,
        .volume_stamp = volume_stamp,
        .resume = resume,
        .end_remnant = end_remnant,
        .remove = remove_vm,
        .define = define,
        .shutdown = shut_down,
        .start = start,
        .undefine = undefine,
        .wait = wait,
};
