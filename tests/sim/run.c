#include "tests/sim/run.h"

#include "state/arena.h"
#include "state/text.h"

#include <string.h>

const struct kind RUN_KINDS[RUN_KIND_COUNT] = {
        {"live, local disk", VM_RUNNING, MOVE_LIVE, true, .autostart = true},
        {"live, network disk", VM_RUNNING, MOVE_LIVE, false, .autostart = true},
        {"live, paused", VM_PAUSED, MOVE_LIVE, true, .autostart = false},
        {"suspended, local disk", VM_RUNNING, MOVE_SUSPENDED, true, .autostart = true},
        {"stopped, local disk", VM_RUNNING, MOVE_STOPPED, true, .autostart = true},
        {"stopped, network disk", VM_RUNNING, MOVE_STOPPED, false, .autostart = false},
        {"offline, local disk", VM_STOPPED, MOVE_OFFLINE, true, .autostart = true},
        {"offline, network disk", VM_STOPPED, MOVE_OFFLINE, false, .autostart = true},
        {"live, snapshots", VM_RUNNING, MOVE_LIVE, false, .autostart = true, .snapshots = true},
        {"suspended, local disk, snapshots", VM_RUNNING, MOVE_SUSPENDED, true, .autostart = false, .snapshots = true,
         .loses_snapshots = true},
        {"stopped, local disk, snapshots", VM_RUNNING, MOVE_STOPPED, true, .autostart = true, .snapshots = true},
        {"offline, local disk, snapshots", VM_STOPPED, MOVE_OFFLINE, true, .autostart = false, .snapshots = true},
        {"offline, network disk, snapshots", VM_STOPPED, MOVE_OFFLINE, false, .autostart = true, .snapshots = true},
};

const char *const RUN_FAULTS[] = {
        [FAULT_NONE] = "none",
        [FAULT_BEFORE] = "fails",
        [FAULT_AFTER] = "fails after its effect",
        [FAULT_KILL_BEFORE] = "berth is killed before",
        [FAULT_KILL_AFTER] = "berth is killed after",
        [FAULT_SILENT_SOURCE] = "the source falls silent",
        [FAULT_SILENT_TARGET] = "the target falls silent",
        [FAULT_HALF] = "ends half-way, and berth is killed",
        [FAULT_UNCONFIRMED] = "arrives, and berth is killed before the source is told",
        [FAULT_TOUCHED] = "somebody starts and stops it meanwhile",
        [FAULT_REFUSED] = "is refused",
        [FAULT_LATE] = "hangs, and has its effect later",
        [FAULT_SNAPSHOT] = "somebody makes a snapshot",
        [FAULT_STARTED] = "somebody starts it",
};

void run_open_record(struct run *run)
{
	struct error err = {{0}};
	if (record_open(run->folder, "key", "a test", &run->record, &err) < 0) {
		fail_msg("%s", err.message);
	}
}

static bool is_wanted(void *data, const struct transfer *transfer)
{
	struct run *run = data;
	(void)transfer;
	run->asked++;
	return run->no_at == 0 || run->asked < run->no_at;
}

void run_move(struct run *run)
{
	const struct kind *kind = run->kind;
	const struct watcher watcher = {.tell = is_wanted, .data = run};
	const struct execution execution = {
	        .watcher = &watcher,
	        .arena = run->arena,
	        .world = {.functions = &SIM_FUNCTIONS, .data = &run->sim},
	        .record = run->record,
	};
	struct migration settings = migration_default();
	if (run->later) {
		settings.source_disks = SOURCE_DISKS_LATER;
		settings.source_disks_ms = 3600000;
	}
	const struct disk disk = {.target = "vda", .storage = STORAGE_LOCAL, .source = SIM_PATH, .size = 1};
	const struct move_order order = {
	        .vm = "web-1",
	        .uuid = SIM_UUID,
	        .from = SIM_NAMES[0],
	        .to = SIM_NAMES[1],
	        .mode = kind->mode,
	        .settings = settings,
	        .disks = &disk,
	        .disk_count = kind->local_disk ? 1 : 0,
	        .snapshots = kind->snapshots ? SIM_SNAPSHOTS : 0,
	};
	const struct move_entry entry = {
	        .vm = "web-1",
	        .uuid = SIM_UUID,
	        .from = SIM_NAMES[0],
	        .from_uuid = "",
	        .to = SIM_NAMES[1],
	        .to_uuid = run->sim.hosts[1].uuid == NULL ? "" : run->sim.hosts[1].uuid,
	        .mode = kind->mode,
	        .state = kind->state,
	        .autostart = kind->autostart,
	        .plan = "sha256:0",
	        .source_disks = settings.source_disks,
	        .kept_s = run->later ? settings.source_disks_ms / 1000 : 0,
	        .snapshots_end = kind->loses_snapshots,
	};
	if (setjmp(run->sim.killed) == 0) {
		run->ending = execute_move(&execution, &order, &entry);
	} else {
		run->was_killed = true;
		run->sim.has_failed = true;
	}
}

void run_begin(struct run *run)
{
	sim_init(&run->sim, run->kind->state, run->kind->local_disk, run->kind->autostart);
	if (run->kind->snapshots) {
		sim_add_snapshots(&run->sim);
	}
	run_open_record(run);
}

void run_end(struct run *run)
{
	record_clear_vm(run->record, SIM_UUID, NULL);
	record_close(run->record);
	arena_destroy(run->arena);
}

void run_note_left(struct run *run, const struct move_ending *ending)
{
	run->told_left = run->told_left ||
	                 (ending->reason.text != NULL && strstr(ending->reason.text, "cannot be told") != NULL);
}

void run_recover_with_fault(struct run *run, unsigned int fault_at)
{
	record_close(run->record);
	run_open_record(run);
	run->sim.fault = FAULT_NONE;
	run->sim.second_at = fault_at == 0 ? 0 : run->sim.calls + fault_at;
	run->sim.hosts[0].silent = 0;
	run->sim.hosts[1].silent = 0;
	struct move_entries entries = {0};
	assert_int_equal(record_read_moves(run->record, run->arena, &entries, NULL), 0);
	const struct execution execution = {
	        .arena = run->arena,
	        .world = {.functions = &SIM_FUNCTIONS, .data = &run->sim},
	        .record = run->record,
	};
	for (size_t i = 0; i < entries.count; i++) {
		run->recovered = execute_recover(&execution, &entries.items[i]);
		run_note_left(run, &run->recovered);
	}
	assert_int_equal(record_read_moves(run->record, run->arena, &entries, NULL), 0);
	run->in_record = entries.count;
}

void run_recover(struct run *run)
{
	run_recover_with_fault(run, 0);
}

bool run_has_its_snapshots(const struct run *run, const struct sim_host *home)
{
	const struct sim *sim = &run->sim;
	unsigned int all = run->kind->snapshots ? SIM_ALL_SNAPSHOTS : 0;
	unsigned int current = run->kind->snapshots ? SIM_ALL_SNAPSHOTS & ~1U : 0;
	if (home == &sim->hosts[1] && run->kind->loses_snapshots) {
		return home->vm.snapshots == 0 && home->vm.current == 0;
	}
	if (sim->was_made) {
		all |= SIM_OTHER_SNAPSHOT;
		current = SIM_OTHER_SNAPSHOT;
	}
	bool has_data = !run->kind->local_disk || home->file.snapshots == all;
	return home->vm.snapshots == all && home->vm.current == current && has_data;
}

static void check_settled(const struct run *run, const char *fault)
{
	const struct sim *sim = &run->sim;
	const struct sim_host *source = &sim->hosts[0];
	const struct sim_host *target = &sim->hosts[1];
	CHECK(source->vm.there != target->vm.there);
	const struct sim_host *home = source->vm.there ? source : target;
	CHECK(home->vm.state == run->kind->state);
	CHECK(home->vm.autostart == run->kind->autostart);
	CHECK(home->vm.persistent);
	CHECK(run_has_its_snapshots(run, home));
	if (run->kind->local_disk) {
		const struct sim_host *other = source->vm.there ? target : source;
		CHECK(home->file.there);
		CHECK(home->file.data == sim->written);
		CHECK(!other->file.there || (run->told_left && text_equal(sim->hit, "create_volume")));
	}
}

void run_check(const struct run *run, const char *fault)
{
	const struct sim *sim = &run->sim;
	CHECK(!sim->ran_twice);
	CHECK(!sim->unasked);
	CHECK(!sim->blindly);
	CHECK(!sim->was_armed);
	CHECK(!sim->was_bare);
	CHECK(sim->hosts[0].vm.there || sim->hosts[1].vm.there);
	if (run->kind->local_disk) { /* some host has the guest and all that it wrote */
		bool whole = false;
		for (size_t i = 0; i < 2; i++) {
			whole = whole || (sim->hosts[i].vm.there && sim->hosts[i].file.there &&
			                  sim->hosts[i].file.data == sim->written);
		}
		CHECK(whole);
	}
	/* A guest that was asked to shut down and has not: its entry stays for a while, all else is settled. */
	/* Likewise when a host may still drop its snapshots. */
	bool on_source = sim->hosts[0].vm.there && !sim->hosts[1].vm.there;
	bool may_go_off = run->kind->mode == MOVE_STOPPED && on_source;
	bool may_drop = run->kind->snapshots && on_source && !run->was_killed;
	if (run->in_record == 0 || may_go_off || may_drop) {
		check_settled(run, fault);
	} else { /* undecided only where its two definitions stand, and nobody could take one back */
		bool was_silent = run->fault == FAULT_SILENT_SOURCE || run->fault == FAULT_SILENT_TARGET;
		CHECK(sim->hosts[0].vm.there && sim->hosts[1].vm.there);
		CHECK(run->was_killed || was_silent || run->two_faults);
		CHECK(run->two_faults || !text_equal(sim->hit, "undefine"));
		CHECK(run->fault != FAULT_REFUSED);
		CHECK(run->fault != FAULT_UNCONFIRMED || run->kind->state != VM_RUNNING ||
		      run->kind->mode == MOVE_STOPPED);
	}
}
