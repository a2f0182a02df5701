/*
 * What becomes of a VM and its files where something else is amiss than a call: files that are somebody's, guests that
 * do what they like, hosts that are not what they were.
 */
#include "state/arena.h"
#include "state/text.h"
#include "tests/doors/folder.h"
#include "tests/sim/run.h"
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Asked to shut down, given up, and off a while later: it is started again where it is. */
static void test_a_guest_that_goes_off_late_is_started_again(void **state)
{
	static const struct kind kind = {"stopped", VM_RUNNING, MOVE_STOPPED, true, .autostart = true};
	struct run run = {.arena = arena_create(), .kind = &kind, .folder = *state};
	sim_init(&run.sim, VM_RUNNING, true, true);
	run_open_record(&run);
	for (unsigned int at = 1; run.in_record == 0; at++) {
		assert_true(at < 20);
		run.sim.fault = FAULT_BEFORE;
		run.sim.fault_at = run.sim.calls + at;
		run_move(&run);
		run_recover(&run);
		if (run.sim.hosts[1].vm.there) { /* it has moved before the fault: again from the start */
			sim_init(&run.sim, VM_RUNNING, true, true);
		}
	}
	assert_string_equal(run.sim.hit, "shut_down");
	run_recover(&run);
	assert_int_equal(run.in_record, 1);
	assert_non_null(strstr(run.recovered.reason.text, "asked to shut down and may do so yet"));
	struct move_entries entries = {0};
	record_read_moves(run.record, run.arena, &entries, NULL);
	run.sim.hosts[0].vm.state = VM_PAUSED; /* then it hears of it when it goes on, however long that takes */
	entries.items[0].due = 1;
	record_write_move(run.record, &entries.items[0], NULL);
	run_recover(&run);
	assert_int_equal(run.in_record, 1);
	run.sim.hosts[0].vm.state = VM_STOPPED;
	run_recover(&run);
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
		run_open_record(&run);
		run_move(&run);
		assert_int_equal(run.ending.ending, ENDED_DONE);
		assert_true(run.sim.hosts[0].file.there);
		run_recover(&run); /* not due yet: the pass does not even ask, and asking changes nothing */
		assert_int_equal(run.in_record, 1);
		assert_true(run.sim.hosts[0].file.there);
		struct move_entries entries = {0};
		record_read_moves(run.record, run.arena, &entries, NULL);
		entries.items[0].due = 1;
		record_write_move(run.record, &entries.items[0], NULL);
		run.sim.hosts[0].file.stamp += replaced != 0 ? 1 : 0;
		run_recover(&run);
		assert_int_equal(run.in_record, 0);
		assert_int_equal(run.sim.hosts[0].file.there, replaced != 0);
		assert_true(run.sim.hosts[1].file.there);
		record_close(run.record);
		arena_destroy(run.arena);
	}
}

static void test_a_foreign_file_is_left_alone(void **state)
{
	for (size_t i = 0; i < RUN_KIND_COUNT * 2; i++) {
		const struct kind *kind = &RUN_KINDS[i / 2];
		bool unknown = i % 2 != 0;
		if (!kind->local_disk) {
			continue;
		}
		struct run run = {.arena = arena_create(), .kind = kind, .folder = *state};
		sim_init(&run.sim, kind->state, true, kind->autostart);
		run.sim.hosts[1].file =
		        (struct sim_file){.there = true, .foreign = true, .unknown = unknown, .data = 7};
		run_open_record(&run);
		run_move(&run);
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
		struct run run = {.arena = arena_create(), .kind = &RUN_KINDS[0], .folder = *state};
		run_begin(&run);
		run.sim.second_at = cases[i].fails ? 5 : 0; /* the migration */
		struct sim_host *left = &run.sim.hosts[cases[i].fails ? 1 : 0];
		left->neighbour = cases[i].is_used;
		run.sim.hosts[0].vm.other_disk = !cases[i].is_used;
		run_move(&run);
		assert_int_equal(run.ending.ending, cases[i].fails ? ENDED_FAILED : ENDED_DONE);
		assert_non_null(strstr(run.ending.reason.text, cases[i].told));
		assert_true(left->file.there);
		run_recover(&run);
		assert_int_equal(run.in_record, 1);
		assert_true(left->file.there);
		left->neighbour = false;
		run.sim.hosts[cases[i].fails ? 0 : 1].vm.other_disk = false;
		run_recover(&run);
		assert_int_equal(run.in_record, 0);
		assert_false(left->file.there);
		assert_false(run.sim.robbed);
		run_end(&run);
	}
}

/* What was to be made when berth was killed may be there by another hand. */
static void test_a_file_that_came_meanwhile_is_left_alone(void **state)
{
	for (size_t i = 0; i < RUN_KIND_COUNT; i++) {
		struct run run = {.arena = arena_create(), .kind = &RUN_KINDS[i], .folder = *state};
		if (!RUN_KINDS[i].local_disk) {
			arena_destroy(run.arena);
			continue;
		}
		run_open_record(&run);
		for (unsigned int at = 1; !text_equal(run.sim.hit, "create_volume"); at++) {
			sim_init(&run.sim, RUN_KINDS[i].state, true, RUN_KINDS[i].autostart);
			run.sim.fault = FAULT_KILL_BEFORE;
			run.sim.fault_at = at;
			run_move(&run);
			assert_true(at < 20);
		}
		run.sim.hosts[1].file = (struct sim_file){.there = true, .foreign = true, .data = 7};
		run_recover(&run);
		assert_true(run.told_left);
		assert_true(run.sim.hosts[1].file.foreign);
		assert_int_equal(run.sim.hosts[1].file.data, 7);
		run_end(&run);
	}
}

/* A guest that powers off by itself stays off: whoever did that wants it, and what is off is planned anew. */
static void test_a_guest_that_powers_off_stays_off(void **state)
{
	for (size_t i = 0; i < RUN_KIND_COUNT; i++) {
		const struct kind *kind = &RUN_KINDS[i];
		if (kind->state != VM_RUNNING || (kind->mode != MOVE_LIVE && kind->mode != MOVE_SUSPENDED)) {
			continue;
		}
		struct run run = {.arena = arena_create(), .kind = kind, .folder = *state};
		run_begin(&run);
		run.sim.powers_off = true;
		run_move(&run);
		assert_int_equal(run.ending.ending, ENDED_FAILED);
		run_recover(&run);
		assert_int_equal(run.in_record, 0);
		assert_true(run.sim.hosts[0].vm.there && run.sim.hosts[0].vm.state == VM_STOPPED);
		assert_int_equal(run.sim.hosts[0].vm.autostart, kind->autostart);
		assert_false(run.sim.hosts[1].vm.there || run.sim.hosts[1].file.there);
		run_end(&run);
	}
}

/* A stopped VM that somebody starts, at any call, stays where it runs, and has lost nothing. */
static void test_what_is_started_meanwhile_stays(void **state)
{
	unsigned int tried = 0;
	for (size_t i = 0; i < RUN_KIND_COUNT; i++) {
		const struct kind *kind = &RUN_KINDS[i];
		bool reached = kind->mode == MOVE_OFFLINE;
		for (unsigned int at = 1; reached; at++) {
			struct run run = {.arena = arena_create(), .kind = kind, .folder = *state};
			run_begin(&run);
			run.sim.fault = FAULT_STARTED;
			run.sim.fault_at = at;
			run_move(&run);
			reached = run.sim.calls >= at;
			run_recover(&run);
			const struct sim_host *source = &run.sim.hosts[0];
			const struct sim_host *target = &run.sim.hosts[1];
			bool runs = run.sim.written > 0;
			assert_true(at < 100);
			assert_int_equal(source->vm.there, runs);
			assert_int_equal(target->vm.there, !runs);
			if (runs) {
				assert_true(source->vm.state == VM_RUNNING && source->vm.persistent);
				assert_false(target->file.there);
				assert_true(run_has_its_snapshots(&run, source));
				assert_true(!kind->local_disk || source->file.data == run.sim.written);
				tried++;
			}
			run_end(&run);
		}
	}
	assert_true(tried > 25);
}

/* The source's definition goes only when the target itself has answered that it has it. */
static void test_a_target_that_forgets_the_definition(void **state)
{
	for (size_t i = 0; i < RUN_KIND_COUNT; i++) {
		struct run run = {.arena = arena_create(), .kind = &RUN_KINDS[i], .folder = *state};
		run_begin(&run);
		run.sim.forgets = true;
		run_move(&run);
		run_recover(&run);
		run_check(&run, "forgotten");
		run_end(&run);
	}
}

/* Another machine that has come under a host's name knows nothing of the move, and nothing is done from what it says.
 */
static void test_another_machine_of_the_name(void **state)
{
	struct run run = {.arena = arena_create(), .kind = &RUN_KINDS[0], .folder = *state};
	run_begin(&run);
	run.sim.hosts[1].uuid = "the first";
	run.sim.fault = FAULT_KILL_BEFORE;
	run.sim.fault_at = 5; /* the migration */
	run_move(&run);
	assert_true(run.was_killed && run.sim.hosts[1].file.there);
	run.sim.hosts[1].uuid = "another";
	run_recover(&run);
	assert_int_equal(run.in_record, 1);
	assert_true(run.sim.hosts[1].file.there);
	run.sim.hosts[1].uuid = "the first";
	run_recover(&run);
	assert_int_equal(run.in_record, 0);
	run_check(&run, "another machine");
	run_end(&run);
}

/* Somebody pauses it when its move has begun: it has moved as it was. Paused for an error, it waits for a person. */
static void test_what_somebody_paused_has_moved(void **state)
{
	static const struct kind kind = {"live", VM_RUNNING, MOVE_LIVE, true, .autostart = true};
	struct run run = {.arena = arena_create(), .kind = &kind, .folder = *state};
	run_begin(&run);
	run.sim.is_paused_meanwhile = true;
	run_move(&run);
	assert_int_equal(run.ending.ending, ENDED_DONE);
	assert_int_equal(run.sim.hosts[1].vm.state, VM_PAUSED);
	assert_true(run.sim.hosts[1].vm.autostart);
	assert_false(run.sim.hosts[0].file.there);
	run_recover(&run);
	assert_int_equal(run.in_record, 0);
	run_end(&run);
}

/* The source's daemon dies when the guest runs on the target: off as nobody turned it off, the VM is what is left. */
static void test_what_is_left_of_a_source_goes(void **state)
{
	static const struct kind kinds[] = {
	        {"live", VM_RUNNING, MOVE_LIVE, true, .autostart = false},
	        {"paused", VM_PAUSED, MOVE_LIVE, true, .autostart = false},
	};
	for (int i = 0; i < 4; i++) {
		const struct kind *kind = &kinds[i / 2];
		bool dropped = i % 2 != 0;
		struct run run = {.arena = arena_create(), .kind = kind, .folder = *state};
		run_begin(&run);
		for (unsigned int at = 1; !run.was_killed; at++) {
			assert_true(at < 30);
			run.sim.fault = FAULT_UNCONFIRMED;
			run.sim.fault_at = at;
			run_move(&run);
			if (!run.was_killed) {
				run_end(&run);
				run = (struct run){.arena = arena_create(), .kind = kind, .folder = *state};
				run_begin(&run);
			}
		}
		assert_string_equal(run.sim.hit, "migrate");
		run.sim.hosts[1].vm.paused_by_somebody = kind->state == VM_PAUSED;
		run.sim.hosts[0].vm.paused_by_libvirt = false;
		run.sim.hosts[0].vm.state = VM_STOPPED;
		run.sim.hosts[0].vm.dropped = dropped;
		run_recover(&run);
		assert_int_equal(run.sim.hosts[1].vm.state, kind->state);
		assert_int_equal(run.in_record, dropped ? 0 : 1);
		assert_int_equal(run.sim.hosts[0].vm.there, !dropped);
		assert_int_equal(run.sim.hosts[0].file.there, !dropped);
		run_end(&run);
	}
}

/* Where libvirt has not made it persistent it would be gone with its host: that is not done, and nothing is deleted. */
static void test_what_is_not_persistent_is_not_done(void **state)
{
	struct run run = {.arena = arena_create(), .kind = &RUN_KINDS[0], .folder = *state};
	run_begin(&run);
	run.sim.is_transient = true;
	run_move(&run);
	assert_int_equal(run.ending.ending, ENDED_OPEN);
	assert_true(run.sim.hosts[0].file.there);
	run_recover(&run);
	assert_int_equal(run.in_record, 1);
	assert_true(run.sim.hosts[0].file.there);
	run.sim.hosts[1].vm.persistent = true;
	run_recover(&run);
	run_check(&run, "not persistent");
	assert_int_equal(run.in_record, 0);
	assert_true(run.sim.hosts[1].vm.there);
	run_end(&run);
}

/* How long it is waited for has nothing to do with how long the source's disks are kept. */
static void test_a_guest_that_stays_on_is_not_waited_for_as_long_as_disks(void **state)
{
	static const struct kind kind = {"stopped", VM_RUNNING, MOVE_STOPPED, true, .autostart = true};
	struct run run = {.arena = arena_create(), .kind = &kind, .folder = *state, .later = true};
	sim_init(&run.sim, VM_RUNNING, true, true);
	run_open_record(&run);
	for (unsigned int at = 1; run.in_record == 0; at++) {
		assert_true(at < 20);
		run.sim.fault = FAULT_BEFORE;
		run.sim.fault_at = run.sim.calls + at;
		run_move(&run);
		run_recover(&run);
		if (run.sim.hosts[1].vm.there) {
			sim_init(&run.sim, VM_RUNNING, true, true);
			run.in_record = 0;
			record_clear_vm(run.record, SIM_UUID, NULL);
		}
	}
	assert_string_equal(run.sim.hit, "shut_down");
	struct move_entries entries = {0};
	record_read_moves(run.record, run.arena, &entries, NULL);
	assert_int_equal(entries.count, 1);
	print_message("the entry waits for %lld s; ended as %d: %s\n",
	              (long long)(entries.items[0].due - (int64_t)time(NULL)), run.ending.ending,
	              run.ending.reason.text);
	assert_true(entries.items[0].due <= (int64_t)time(NULL) + 600);
	record_clear_vm(run.record, SIM_UUID, NULL);
	record_close(run.record);
	arena_destroy(run.arena);
}

/* Berth is killed, or the end stays open for a while: the source's disks are kept as long as they were to be. */
static void test_kept_disks_outlive_a_kill(void **state)
{
	static const struct kind kind = {"live", VM_RUNNING, MOVE_LIVE, true, .autostart = false};
	static const enum fault faults[] = {FAULT_KILL_AFTER, FAULT_UNCONFIRMED, FAULT_SILENT_TARGET};
	for (size_t f = 0; f < 3; f++) {
		struct run run = {.arena = arena_create(), .kind = &kind, .folder = *state, .later = true};
		unsigned int at = 0;
		do {
			record_close(run.record);
			run.record = NULL;
			sim_init(&run.sim, VM_RUNNING, true, false);
			run_open_record(&run);
			record_clear_vm(run.record, SIM_UUID, NULL);
			run.sim.fault = faults[f];
			run.sim.fault_at = ++at;
			run_move(&run);
			assert_true(at < 30);
		} while (run.sim.hit == NULL || strcmp(run.sim.hit, "migrate") != 0);
		for (int i = 0; i < 3; i++) {
			run_recover(&run);
		}
		print_message("fault %zu: on target %d, source disk there %d\n", f, run.sim.hosts[1].vm.there,
		              run.sim.hosts[0].file.there);
		assert_true(!run.sim.hosts[1].vm.there || run.sim.hosts[0].file.there);
		record_clear_vm(run.record, SIM_UUID, NULL);
		record_close(run.record);
		arena_destroy(run.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_kept_disks_outlive_a_kill),
	        cmocka_unit_test(test_a_guest_that_stays_on_is_not_waited_for_as_long_as_disks),
	        cmocka_unit_test(test_a_guest_that_goes_off_late_is_started_again),
	        cmocka_unit_test(test_disks_that_are_due_later),
	        cmocka_unit_test(test_a_foreign_file_is_left_alone),
	        cmocka_unit_test(test_what_somebody_needs_is_left),
	        cmocka_unit_test(test_a_file_that_came_meanwhile_is_left_alone),
	        cmocka_unit_test(test_a_guest_that_powers_off_stays_off),
	        cmocka_unit_test(test_what_is_started_meanwhile_stays),
	        cmocka_unit_test(test_a_target_that_forgets_the_definition),
	        cmocka_unit_test(test_another_machine_of_the_name),
	        cmocka_unit_test(test_what_somebody_paused_has_moved),
	        cmocka_unit_test(test_what_is_left_of_a_source_goes),
	        cmocka_unit_test(test_what_is_not_persistent_is_not_done),
	};
	return cmocka_run_group_tests(tests, folder_make_in_memory, folder_remove);
}
