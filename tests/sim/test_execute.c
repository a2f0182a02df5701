/*
 * Every kind of move, and in each of its calls every kind of fault: whatever happens, the guest is somewhere, runs
 * once, has all that it wrote, and what is left over is in the record or named.
 */
#include "state/arena.h"
#include "state/text.h"
#include "tests/doors/folder.h"
#include "tests/sim/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHECK_ENDING(condition)                                                                                        \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fail_msg("%s, cancelled at %u: not so: %s (%s)", run.kind->name, run.no_at, #condition,        \
			         run.ending.reason.text);                                                              \
		}                                                                                                      \
	} while (0)

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
	bool copied = run->kind->local_disk; /* in vain: that is not to be done again at once */
	if (refuses &&
	    (text_equal(hit, "migrate") || (text_equal(hit, "define") && run->kind->mode == MOVE_OFFLINE && !copied))) {
		CHECK(run->ending.ending == ENDED_REFUSED && run->ending.reason.code == CODE_PREFLIGHT);
	} else if (refuses && (text_equal(hit, "undefine") || text_equal(hit, "define"))) {
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
	run_begin(&run);
	run.sim.fault = fault;
	run.sim.fault_at = at;
	run.sim.second_at = second_at;
	run_move(&run);
	bool reached = fault == FAULT_NONE || run.sim.calls >= (second_at > at ? second_at : at);
	if (!run.was_killed) {
		run_note_left(&run, &run.ending);
		check_done(&run, RUN_FAULTS[fault]);
		check_refused(&run, RUN_FAULTS[fault]);
		check_unanswered(&run, RUN_FAULTS[fault]);
		check_message(&run, RUN_FAULTS[fault]);
	}
	run_recover(&run);
	if (fault == FAULT_LATE) {
		let_time_pass(&run.sim);
		run_recover(&run);
	}
	run_check(&run, RUN_FAULTS[fault]);
	if (fault == FAULT_NONE) {
		assert_int_equal(run.ending.ending, ENDED_DONE);
		assert_true(run.sim.hosts[1].vm.there);
	}
	run_end(&run);
	return reached;
}

static void test_every_move_arrives(void **state)
{
	for (size_t i = 0; i < RUN_KIND_COUNT; i++) {
		assert_true(try_fault(*state, &RUN_KINDS[i], FAULT_NONE, 0, 0));
	}
}

static void test_every_fault_in_every_call(void **state)
{
	unsigned int tried = 0;
	for (size_t i = 0; i < RUN_KIND_COUNT; i++) {
		for (enum fault fault = FAULT_BEFORE; fault <= FAULT_SNAPSHOT; fault++) {
			for (unsigned int at = 1; try_fault(*state, &RUN_KINDS[i], fault, at, 0); at++) {
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
	for (size_t i = 0; i < RUN_KIND_COUNT * 2; i++) {
		const struct kind *kind = &RUN_KINDS[i / 2];
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
	run_begin(&run);
	run.sim.fault = fault;
	run.sim.fault_at = fault_at;
	run_move(&run);
	bool reached = fault == FAULT_NONE ? run.asked >= no_at : run.sim.calls >= fault_at;
	if (fault == FAULT_NONE && run.asked >= no_at) {
		enum ending ending = run.ending.ending;
		CHECK_ENDING(ending == ENDED_CANCELLED || (ending == ENDED_DONE && run.asked == no_at));
		CHECK_ENDING((ending == ENDED_CANCELLED) == run.sim.hosts[0].vm.there);
		CHECK_ENDING(ending == ENDED_DONE || run.ending.reason.code == CODE_CANCELLED);
		CHECK_ENDING(!run.sim.hosts[ending == ENDED_DONE ? 0 : 1].file.there);
	}
	if (!run.was_killed) {
		run_note_left(&run, &run.ending);
		check_done(&run, "cancelled");
	}
	run_recover(&run);
	run_check(&run, "cancelled");
	run_end(&run);
	return reached;
}

static void test_cancelled_at_every_step(void **state)
{
	unsigned int tried = 0;
	for (size_t i = 0; i < RUN_KIND_COUNT; i++) {
		unsigned int at = 1;
		while (try_cancel(*state, &RUN_KINDS[i], at, FAULT_NONE, 0)) {
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
	for (size_t i = 0; i < RUN_KIND_COUNT; i++) {
		for (size_t k = 0; k < sizeof(faults) / sizeof(faults[0]); k++) {
			for (unsigned int no_at = 1; no_at < 15; no_at++) {
				for (unsigned int at = 2; try_cancel(*state, &RUN_KINDS[i], no_at, faults[k], at);
				     at++) {
					tried++;
					assert_true(at < 100);
				}
			}
		}
	}
	assert_true(tried > 1000);
}

/* What is done about a killed berth can fail as well; the next start puts it right. */
static void test_a_fault_in_recovery(void **state)
{
	static const enum fault faults[] = {FAULT_KILL_BEFORE, FAULT_KILL_AFTER, FAULT_HALF, FAULT_UNCONFIRMED};
	unsigned int tried = 0;
	for (size_t i = 0; i < RUN_KIND_COUNT * 4; i++) {
		bool reached = true;
		for (unsigned int at = 1; reached; at++) {
			for (unsigned int second = 1; second < 12 && reached; second++) {
				struct run run = {.arena = arena_create(),
				                  .kind = &RUN_KINDS[i / 4],
				                  .folder = *state,
				                  .fault = faults[i % 4],
				                  .two_faults = true};
				run_begin(&run);
				run.sim.fault = run.fault;
				run.sim.fault_at = at;
				run_move(&run);
				reached = run.sim.calls >= at;
				run_recover_with_fault(&run, second);
				run_recover(&run);
				run_check(&run, "a fault in recovery");
				run_end(&run);
				tried++;
			}
		}
	}
	assert_true(tried > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_every_move_arrives),
	        cmocka_unit_test(test_every_fault_in_every_call),
	        cmocka_unit_test(test_a_second_fault_after_the_first),
	        cmocka_unit_test(test_cancelled_at_every_step),
	        cmocka_unit_test(test_a_fault_after_a_cancel),
	        cmocka_unit_test(test_a_fault_in_recovery),
	};
	return cmocka_run_group_tests(tests, folder_make_in_memory, folder_remove);
}
