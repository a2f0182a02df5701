/*
 * Every kind of move, and in each of its calls every kind of fault: whatever happens, the guest is somewhere, runs
 * once, has all that it wrote, and what is left over is in the record or named.
 */
#include "reconcile/execute.h"
#include "state/arena.h"
#include "state/text.h"
#include "tests/doors/folder.h"
#include "tests/sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct kind {
	const char *name;
	enum vm_state state;
	enum move_mode mode;
	bool local_disk;
	bool autostart;
	bool snapshots;
	bool loses_snapshots;
};

static const struct kind KINDS[] = {
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

static const char *const FAULTS[] = {
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

/* A run and what is known of it. */
struct run {
	struct arena *arena;
	struct sim sim;
	const struct kind *kind;
	struct record *record;
	const char *folder;
	struct move_ending ending;
	struct move_ending recovered; /* the last that a next start has found */
	enum fault fault;
	bool two_faults;
	bool later;         /* source_disks: 1h */
	unsigned int asked; /* whether the move is still wanted */
	unsigned int no_at; /* from this time on it is not; 0: it is */
	bool was_killed;
	bool told_left; /* a message named a file that may be a stranger's */
	size_t in_record;
};

static void open_record(struct run *run)
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

static void move(struct run *run)
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
	        .snapshots_end = kind->loses_snapshots,
	};
	if (setjmp(run->sim.killed) == 0) {
		run->ending = execute_move(&execution, &order, &entry);
	} else {
		run->was_killed = true;
		run->sim.has_failed = true;
	}
}

/* As its kind says, before anything has happened. */
static void begin_run(struct run *run)
{
	sim_init(&run->sim, run->kind->state, run->kind->local_disk, run->kind->autostart);
	if (run->kind->snapshots) {
		sim_add_snapshots(&run->sim);
	}
	open_record(run);
}

static void end_run(struct run *run)
{
	record_clear_vm(run->record, SIM_UUID, NULL);
	record_close(run->record);
	arena_destroy(run->arena);
}

static void note_left(struct run *run, const struct move_ending *ending)
{
	run->told_left = run->told_left ||
	                 (ending->reason.text != NULL && strstr(ending->reason.text, "cannot be told") != NULL);
}

/* The next start of berth, in which one of the calls fails, counted from 1; 0: none. */
static void recover_with_fault(struct run *run, unsigned int fault_at)
{
	record_close(run->record);
	open_record(run);
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
		note_left(run, &run->recovered);
	}
	assert_int_equal(record_read_moves(run->record, run->arena, &entries, NULL), 0);
	run->in_record = entries.count;
}

/* What the next start of berth does, with hosts that answer again. */
static void recover(struct run *run)
{
	recover_with_fault(run, 0);
}

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fail_msg("%s, call %u: %s: not so: %s", run->kind->name, run->sim.fault_at, fault,             \
			         #condition);                                                                          \
		}                                                                                                      \
	} while (0)

#define CHECK_ENDING(condition)                                                                                        \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fail_msg("%s, cancelled at %u: not so: %s (%s)", run.kind->name, run.no_at, #condition,        \
			         run.ending.reason.text);                                                              \
		}                                                                                                      \
	} while (0)

/* All that there are, with their data, or none where its entry lets them end with the move. */
static bool has_its_snapshots(const struct run *run, const struct sim_host *home)
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
	CHECK(has_its_snapshots(run, home));
	if (run->kind->local_disk) {
		const struct sim_host *other = source->vm.there ? target : source;
		CHECK(home->file.there);
		CHECK(home->file.data == sim->written);
		CHECK(!other->file.there || (run->told_left && text_equal(sim->hit, "create_volume")));
	}
}

static void check(const struct run *run, const char *fault)
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

/* Nothing is called done that is not. */
static void check_done(const struct run *run, const char *fault)
{
	const struct sim_vm *vm = &run->sim.hosts[1].vm;
	if (run->ending.ending == ENDED_DONE) {
		CHECK(vm->there && vm->state == run->kind->state && vm->autostart == run->kind->autostart);
		CHECK(!run->sim.hosts[0].vm.there);
	}
}

/* What a host refuses before anything is sent is no failure, once all is as it was. */
static void check_refused(const struct run *run, const char *fault)
{
	const char *hit = run->sim.hit;
	bool refuses = run->fault == FAULT_REFUSED && run->sim.calls >= run->sim.fault_at;
	if (refuses && (text_equal(hit, "migrate") || (text_equal(hit, "define") && run->kind->mode == MOVE_OFFLINE))) {
		CHECK(run->ending.ending == ENDED_REFUSED && run->ending.reason.code == CODE_PREFLIGHT);
	} else if (refuses && text_equal(hit, "undefine")) {
		CHECK(run->ending.ending == ENDED_FAILED);
	}
}

/* What libvirt has said of it is told, and what is left while its end is open. */
static void check_message(const struct run *run, const char *fault)
{
	const char *text = run->ending.reason.text;
	bool has_made = run->kind->local_disk &&
	                (text_equal(run->sim.hit, "migrate") || text_equal(run->sim.hit, "copy_volume"));
	if (has_made && run->ending.ending == ENDED_OPEN && strstr(text, "the end of its move") != NULL) {
		CHECK(strstr(text, SIM_PATH " is left on node2") != NULL);
	}
	if (text_equal(run->sim.hit, "migrate") && run->ending.ending == ENDED_FAILED) {
		CHECK(run->fault != FAULT_BEFORE || strstr(text, "no answer") != NULL);
		CHECK(run->fault != FAULT_AFTER || strstr(text, "the answer was lost") != NULL);
	}
}

/* A host that is lost before the move is begun is not one that refuses it. */
static void check_unanswered(const struct run *run, const char *fault)
{
	bool lost =
	        run->fault == FAULT_BEFORE || run->fault == FAULT_SILENT_SOURCE || run->fault == FAULT_SILENT_TARGET;
	if (text_equal(run->sim.hit, "preflight") && (lost || run->fault == FAULT_REFUSED)) {
		CHECK(run->ending.ending == ENDED_REFUSED);
		CHECK(run->ending.reason.code == (lost ? CODE_CONNECTION : CODE_PREFLIGHT));
	}
}

static void let_time_pass(struct sim *sim)
{
	for (int i = 0; i < 100; i++) {
		SIM_FUNCTIONS.wait(sim, 1);
	}
}

/* Returns whether the fault was reached. */
static bool try_fault(const char *folder, const struct kind *kind, enum fault fault, unsigned int at,
                      unsigned int second_at)
{
	struct run run = {
	        .arena = arena_create(), .kind = kind, .folder = folder, .fault = fault, .two_faults = second_at > 0};
	begin_run(&run);
	run.sim.fault = fault;
	run.sim.fault_at = at;
	run.sim.second_at = second_at;
	move(&run);
	bool reached = fault == FAULT_NONE || run.sim.calls >= (second_at > at ? second_at : at);
	if (!run.was_killed) {
		note_left(&run, &run.ending);
		check_done(&run, FAULTS[fault]);
		check_refused(&run, FAULTS[fault]);
		check_unanswered(&run, FAULTS[fault]);
		check_message(&run, FAULTS[fault]);
	}
	recover(&run);
	if (fault == FAULT_LATE) {
		let_time_pass(&run.sim);
		recover(&run);
	}
	check(&run, FAULTS[fault]);
	if (fault == FAULT_NONE) {
		assert_int_equal(run.ending.ending, ENDED_DONE);
		assert_true(run.sim.hosts[1].vm.there);
	}
	end_run(&run);
	return reached;
}

static void test_every_move_arrives(void **state)
{
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		assert_true(try_fault(*state, &KINDS[i], FAULT_NONE, 0, 0));
	}
}

static void test_every_fault_in_every_call(void **state)
{
	unsigned int tried = 0;
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		for (enum fault fault = FAULT_BEFORE; fault <= FAULT_SNAPSHOT; fault++) {
			for (unsigned int at = 1; try_fault(*state, &KINDS[i], fault, at, 0); at++) {
				tried++;
				assert_true(at < 100);
			}
		}
	}
	assert_true(tried > 300);
}

/* What is done about a failure can fail as well. */
static void test_a_second_fault_after_the_first(void **state)
{
	static const enum fault faults[] = {FAULT_BEFORE, FAULT_AFTER};
	unsigned int tried = 0;
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]) * 2; i++) {
		const struct kind *kind = &KINDS[i / 2];
		for (unsigned int at = 1; at < 20; at++) {
			unsigned int second = at + 1;
			while (try_fault(*state, kind, faults[i % 2], at, second)) {
				second++;
				tried++;
				assert_true(second < 100);
			}
		}
	}
	assert_true(tried > 250);
}

/* Cancelled it is on its source with nothing left over, or it was too late; a further fault changes neither. */
static bool try_cancel(const char *folder, const struct kind *kind, unsigned int no_at, enum fault fault,
                       unsigned int fault_at)
{
	struct run run = {.arena = arena_create(),
	                  .kind = kind,
	                  .folder = folder,
	                  .no_at = no_at,
	                  .fault = fault,
	                  .two_faults = true};
	begin_run(&run);
	run.sim.fault = fault;
	run.sim.fault_at = fault_at;
	move(&run);
	bool reached = fault == FAULT_NONE ? run.asked >= no_at : run.sim.calls >= fault_at;
	if (fault == FAULT_NONE && run.asked >= no_at) {
		enum ending ending = run.ending.ending;
		CHECK_ENDING(ending == ENDED_CANCELLED || (ending == ENDED_DONE && run.asked == no_at));
		CHECK_ENDING((ending == ENDED_CANCELLED) == run.sim.hosts[0].vm.there);
		CHECK_ENDING(ending == ENDED_DONE || run.ending.reason.code == CODE_CANCELLED);
		CHECK_ENDING(!run.sim.hosts[ending == ENDED_DONE ? 0 : 1].file.there);
	}
	if (!run.was_killed) {
		note_left(&run, &run.ending);
		check_done(&run, "cancelled");
	}
	recover(&run);
	check(&run, "cancelled");
	end_run(&run);
	return reached;
}

static void test_cancelled_at_every_step(void **state)
{
	unsigned int tried = 0;
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		unsigned int at = 1;
		while (try_cancel(*state, &KINDS[i], at, FAULT_NONE, 0)) {
			at++;
			assert_true(at < 100);
		}
		assert_true(at > 4);
		tried += at;
	}
	assert_true(tried > 80);
}

static void test_a_fault_after_a_cancel(void **state)
{
	static const enum fault faults[] = {FAULT_BEFORE,     FAULT_AFTER,         FAULT_KILL_BEFORE,
	                                    FAULT_KILL_AFTER, FAULT_SILENT_SOURCE, FAULT_SILENT_TARGET};
	unsigned int tried = 0;
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		for (size_t k = 0; k < sizeof(faults) / sizeof(faults[0]); k++) {
			for (unsigned int no_at = 1; no_at < 15; no_at++) {
				for (unsigned int at = 2; try_cancel(*state, &KINDS[i], no_at, faults[k], at); at++) {
					tried++;
					assert_true(at < 100);
				}
			}
		}
	}
	assert_true(tried > 1000);
}

/* Asked to shut down, given up, and off a while later: it is started again where it is. */
static void test_a_guest_that_goes_off_late_is_started_again(void **state)
{
	static const struct kind kind = {"stopped", VM_RUNNING, MOVE_STOPPED, true, .autostart = true};
	struct run run = {.arena = arena_create(), .kind = &kind, .folder = *state};
	sim_init(&run.sim, VM_RUNNING, true, true);
	open_record(&run);
	for (unsigned int at = 1; run.in_record == 0; at++) {
		assert_true(at < 20);
		run.sim.fault = FAULT_BEFORE;
		run.sim.fault_at = run.sim.calls + at;
		move(&run);
		recover(&run);
		if (run.sim.hosts[1].vm.there) { /* it has moved before the fault: again from the start */
			sim_init(&run.sim, VM_RUNNING, true, true);
		}
	}
	assert_string_equal(run.sim.hit, "shut_down");
	recover(&run);
	assert_int_equal(run.in_record, 1);
	assert_non_null(strstr(run.recovered.reason.text, "asked to shut down and may do so yet"));
	struct move_entries entries = {0};
	record_read_moves(run.record, run.arena, &entries, NULL);
	run.sim.hosts[0].vm.state = VM_PAUSED; /* then it hears of it when it goes on, however long that takes */
	entries.items[0].due = 1;
	record_write_move(run.record, &entries.items[0], NULL);
	recover(&run);
	assert_int_equal(run.in_record, 1);
	run.sim.hosts[0].vm.state = VM_STOPPED;
	recover(&run);
	assert_int_equal(run.in_record, 0);
	assert_int_equal(run.sim.hosts[0].vm.state, VM_RUNNING);
	assert_int_equal(run.sim.starts, 1);
	record_close(run.record);
	arena_destroy(run.arena);
}

/* What is deleted later is the file that was left, not one that has come into its place. */
static void test_disks_that_are_due_later(void **state)
{
	static const struct kind kind = {"live", VM_RUNNING, MOVE_LIVE, true, .autostart = false};
	for (int replaced = 0; replaced < 2; replaced++) {
		struct run run = {.arena = arena_create(), .kind = &kind, .folder = *state, .later = true};
		sim_init(&run.sim, VM_RUNNING, true, false);
		open_record(&run);
		move(&run);
		assert_int_equal(run.ending.ending, ENDED_DONE);
		assert_true(run.sim.hosts[0].file.there);
		recover(&run); /* not due yet: the pass does not even ask, and asking changes nothing */
		assert_int_equal(run.in_record, 1);
		assert_true(run.sim.hosts[0].file.there);
		struct move_entries entries = {0};
		record_read_moves(run.record, run.arena, &entries, NULL);
		entries.items[0].due = 1;
		record_write_move(run.record, &entries.items[0], NULL);
		run.sim.hosts[0].file.stamp += replaced != 0 ? 1 : 0;
		recover(&run);
		assert_int_equal(run.in_record, 0);
		assert_int_equal(run.sim.hosts[0].file.there, replaced != 0);
		assert_true(run.sim.hosts[1].file.there);
		record_close(run.record);
		arena_destroy(run.arena);
	}
}

static void test_a_foreign_file_is_left_alone(void **state)
{
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]) * 2; i++) {
		const struct kind *kind = &KINDS[i / 2];
		bool unknown = i % 2 != 0;
		if (!kind->local_disk) {
			continue;
		}
		struct run run = {.arena = arena_create(), .kind = kind, .folder = *state};
		sim_init(&run.sim, kind->state, true, kind->autostart);
		run.sim.hosts[1].file =
		        (struct sim_file){.there = true, .foreign = true, .unknown = unknown, .data = 7};
		open_record(&run);
		move(&run);
		assert_int_equal(run.ending.ending, ENDED_REFUSED);
		assert_int_equal(run.ending.reason.code, CODE_STORAGE);
		assert_true(run.sim.hosts[1].file.there && run.sim.hosts[1].file.foreign);
		assert_int_equal(run.sim.hosts[1].file.data, 7);
		assert_true(run.sim.hosts[0].vm.there);
		assert_int_equal(run.sim.hosts[0].vm.state, kind->state);
		record_close(run.record);
		arena_destroy(run.arena);
	}
}

/* What is done about a killed berth can fail as well; the next start puts it right. */
static void test_a_fault_in_recovery(void **state)
{
	static const enum fault faults[] = {FAULT_KILL_BEFORE, FAULT_KILL_AFTER, FAULT_HALF, FAULT_UNCONFIRMED};
	unsigned int tried = 0;
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]) * 4; i++) {
		bool reached = true;
		for (unsigned int at = 1; reached; at++) {
			for (unsigned int second = 1; second < 12 && reached; second++) {
				struct run run = {.arena = arena_create(),
				                  .kind = &KINDS[i / 4],
				                  .folder = *state,
				                  .fault = faults[i % 4],
				                  .two_faults = true};
				begin_run(&run);
				run.sim.fault = run.fault;
				run.sim.fault_at = at;
				move(&run);
				reached = run.sim.calls >= at;
				recover_with_fault(&run, second);
				recover(&run);
				check(&run, "a fault in recovery");
				end_run(&run);
				tried++;
			}
		}
	}
	assert_true(tried > 1000);
}

/*
 * The file that a move made is not deleted while another VM there refers to it, nor if the VM has another disk where it
 * is; likewise the one on its source, once it has moved. The record keeps it until then.
 */
static void test_what_somebody_needs_is_left(void **state)
{
	static const struct {
		bool fails;
		bool is_used;
		const char *told;
	} cases[] = {
	        {true, true, SIM_PATH " is left on node2: other uses it"},
	        {true, false, SIM_PATH " is left on node2: on node1 the VM has no such disk"},
	        {false, true, SIM_PATH " is left on node1: other uses it there"},
	        {false, false, SIM_PATH " is left on node1: the VM has no such disk where it is now"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run run = {.arena = arena_create(), .kind = &KINDS[0], .folder = *state};
		begin_run(&run);
		run.sim.second_at = cases[i].fails ? 5 : 0; /* the migration */
		struct sim_host *left = &run.sim.hosts[cases[i].fails ? 1 : 0];
		left->neighbour = cases[i].is_used;
		run.sim.hosts[0].vm.other_disk = !cases[i].is_used;
		move(&run);
		assert_int_equal(run.ending.ending, cases[i].fails ? ENDED_FAILED : ENDED_DONE);
		assert_non_null(strstr(run.ending.reason.text, cases[i].told));
		assert_true(left->file.there);
		recover(&run);
		assert_int_equal(run.in_record, 1);
		assert_true(left->file.there);
		left->neighbour = false;
		run.sim.hosts[cases[i].fails ? 0 : 1].vm.other_disk = false;
		recover(&run);
		assert_int_equal(run.in_record, 0);
		assert_false(left->file.there);
		assert_false(run.sim.robbed);
		end_run(&run);
	}
}

/* What was to be made when berth was killed may be there by another hand. */
static void test_a_file_that_came_meanwhile_is_left_alone(void **state)
{
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		struct run run = {.arena = arena_create(), .kind = &KINDS[i], .folder = *state};
		if (!KINDS[i].local_disk) {
			arena_destroy(run.arena);
			continue;
		}
		open_record(&run);
		for (unsigned int at = 1; !text_equal(run.sim.hit, "create_volume"); at++) {
			sim_init(&run.sim, KINDS[i].state, true, KINDS[i].autostart);
			run.sim.fault = FAULT_KILL_BEFORE;
			run.sim.fault_at = at;
			move(&run);
			assert_true(at < 20);
		}
		run.sim.hosts[1].file = (struct sim_file){.there = true, .foreign = true, .data = 7};
		recover(&run);
		assert_true(run.told_left);
		assert_true(run.sim.hosts[1].file.foreign);
		assert_int_equal(run.sim.hosts[1].file.data, 7);
		end_run(&run);
	}
}

/* A guest that powers off by itself stays off: whoever did that wants it, and what is off is planned anew. */
static void test_a_guest_that_powers_off_stays_off(void **state)
{
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		const struct kind *kind = &KINDS[i];
		if (kind->state != VM_RUNNING || (kind->mode != MOVE_LIVE && kind->mode != MOVE_SUSPENDED)) {
			continue;
		}
		struct run run = {.arena = arena_create(), .kind = kind, .folder = *state};
		begin_run(&run);
		run.sim.powers_off = true;
		move(&run);
		assert_int_equal(run.ending.ending, ENDED_FAILED);
		recover(&run);
		assert_int_equal(run.in_record, 0);
		assert_true(run.sim.hosts[0].vm.there && run.sim.hosts[0].vm.state == VM_STOPPED);
		assert_int_equal(run.sim.hosts[0].vm.autostart, kind->autostart);
		assert_false(run.sim.hosts[1].vm.there || run.sim.hosts[1].file.there);
		end_run(&run);
	}
}

/* A stopped VM that somebody starts, at any call, stays where it runs, and has lost nothing. */
static void test_what_is_started_meanwhile_stays(void **state)
{
	unsigned int tried = 0;
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		const struct kind *kind = &KINDS[i];
		bool reached = kind->mode == MOVE_OFFLINE;
		for (unsigned int at = 1; reached; at++) {
			struct run run = {.arena = arena_create(), .kind = kind, .folder = *state};
			begin_run(&run);
			run.sim.fault = FAULT_STARTED;
			run.sim.fault_at = at;
			move(&run);
			reached = run.sim.calls >= at;
			recover(&run);
			const struct sim_host *source = &run.sim.hosts[0];
			const struct sim_host *target = &run.sim.hosts[1];
			bool runs = run.sim.written > 0;
			assert_true(at < 100);
			assert_int_equal(source->vm.there, runs);
			assert_int_equal(target->vm.there, !runs);
			if (runs) {
				assert_true(source->vm.state == VM_RUNNING && source->vm.persistent);
				assert_false(target->file.there);
				assert_true(has_its_snapshots(&run, source));
				assert_true(!kind->local_disk || source->file.data == run.sim.written);
				tried++;
			}
			end_run(&run);
		}
	}
	assert_true(tried > 25);
}

/* The source's definition goes only when the target itself has answered that it has it. */
static void test_a_target_that_forgets_the_definition(void **state)
{
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		struct run run = {.arena = arena_create(), .kind = &KINDS[i], .folder = *state};
		begin_run(&run);
		run.sim.forgets = true;
		move(&run);
		recover(&run);
		check(&run, "forgotten");
		end_run(&run);
	}
}

/* Another machine that has come under a host's name knows nothing of the move, and nothing is done from what it says.
 */
static void test_another_machine_of_the_name(void **state)
{
	struct run run = {.arena = arena_create(), .kind = &KINDS[0], .folder = *state};
	begin_run(&run);
	run.sim.hosts[1].uuid = "the first";
	run.sim.fault = FAULT_KILL_BEFORE;
	run.sim.fault_at = 5; /* the migration */
	move(&run);
	assert_true(run.was_killed && run.sim.hosts[1].file.there);
	run.sim.hosts[1].uuid = "another";
	recover(&run);
	assert_int_equal(run.in_record, 1);
	assert_true(run.sim.hosts[1].file.there);
	run.sim.hosts[1].uuid = "the first";
	recover(&run);
	assert_int_equal(run.in_record, 0);
	check(&run, "another machine");
	end_run(&run);
}

/* Where libvirt has not made it persistent it would be gone with its host: that is not done, and nothing is deleted. */
static void test_what_is_not_persistent_is_not_done(void **state)
{
	struct run run = {.arena = arena_create(), .kind = &KINDS[0], .folder = *state};
	begin_run(&run);
	run.sim.is_transient = true;
	move(&run);
	assert_int_equal(run.ending.ending, ENDED_OPEN);
	assert_true(run.sim.hosts[0].file.there);
	recover(&run);
	assert_int_equal(run.in_record, 1);
	assert_true(run.sim.hosts[0].file.there);
	run.sim.hosts[1].vm.persistent = true;
	recover(&run);
	check(&run, "not persistent");
	assert_int_equal(run.in_record, 0);
	assert_true(run.sim.hosts[1].vm.there);
	end_run(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_every_move_arrives),
	        cmocka_unit_test(test_every_fault_in_every_call),
	        cmocka_unit_test(test_a_second_fault_after_the_first),
	        cmocka_unit_test(test_cancelled_at_every_step),
	        cmocka_unit_test(test_a_fault_after_a_cancel),
	        cmocka_unit_test(test_a_guest_that_goes_off_late_is_started_again),
	        cmocka_unit_test(test_disks_that_are_due_later),
	        cmocka_unit_test(test_a_foreign_file_is_left_alone),
	        cmocka_unit_test(test_a_fault_in_recovery),
	        cmocka_unit_test(test_what_somebody_needs_is_left),
	        cmocka_unit_test(test_a_file_that_came_meanwhile_is_left_alone),
	        cmocka_unit_test(test_a_guest_that_powers_off_stays_off),
	        cmocka_unit_test(test_what_is_started_meanwhile_stays),
	        cmocka_unit_test(test_a_target_that_forgets_the_definition),
	        cmocka_unit_test(test_another_machine_of_the_name),
	        cmocka_unit_test(test_what_is_not_persistent_is_not_done),
	};
	return cmocka_run_group_tests(tests, folder_make_in_memory, folder_remove);
}
