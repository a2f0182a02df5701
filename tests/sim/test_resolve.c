/*
 * A move that berth was killed in, at each of its calls, decided by a person for either side: the VM is then on that
 * host alone, as it was before, has run nowhere else, no disk has gone, and nothing is in the record.
 */
#include "reconcile/execute.h"
#include "reconcile/resolve.h"
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
	enum vm_state state;
	enum move_mode mode;
	bool snapshots;
};

static const struct kind KINDS[] = {
        {VM_RUNNING, MOVE_LIVE, false},   {VM_RUNNING, MOVE_SUSPENDED, true}, {VM_RUNNING, MOVE_STOPPED, false},
        {VM_RUNNING, MOVE_STOPPED, true}, {VM_STOPPED, MOVE_OFFLINE, false},  {VM_STOPPED, MOVE_OFFLINE, true},
};

struct run {
	struct arena *arena;
	struct sim sim;
	struct record *record;
};

static void tell(const char *line)
{
	(void)line;
}

/* Moves until berth is killed. */
static void move(struct run *run, const struct kind *kind)
{
	const struct execution execution = {
	        .arena = run->arena,
	        .world = {.functions = &SIM_FUNCTIONS, .data = &run->sim},
	        .record = run->record,
	};
	const struct disk disk = {.target = "vda", .storage = STORAGE_LOCAL, .source = SIM_PATH, .size = 1};
	const struct move_order order = {
	        .vm = "web-1",
	        .uuid = SIM_UUID,
	        .from = SIM_NAMES[0],
	        .to = SIM_NAMES[1],
	        .mode = kind->mode,
	        .settings = migration_default(),
	        .disks = &disk,
	        .disk_count = 1,
	        .snapshots = kind->snapshots ? SIM_SNAPSHOTS : 0,
	};
	const struct move_entry entry = {
	        .vm = "web-1",
	        .uuid = SIM_UUID,
	        .from = SIM_NAMES[0],
	        .from_uuid = "",
	        .to = SIM_NAMES[1],
	        .to_uuid = "",
	        .mode = kind->mode,
	        .state = kind->state,
	        .autostart = true,
	        .plan = "sha256:0",
	};
	if (setjmp(run->sim.killed) == 0) {
		execute_move(&execution, &order, &entry);
	} else {
		run->sim.has_failed = true;
	}
}

/* Returns whether that copy could be kept. */
static bool decide(struct run *run, const struct kind *kind, size_t keep, unsigned int second_at)
{
	const struct world world = {.functions = &SIM_FUNCTIONS, .data = &run->sim};
	bool files[] = {run->sim.hosts[0].file.there, run->sim.hosts[1].file.there};
	struct error err = {{0}};
	int r = -1;
	run->sim.fault = FAULT_NONE;
	run->sim.second_at = second_at == 0 ? 0 : run->sim.calls + second_at;
	for (int tries = 0; r < 0; tries++) {
		struct move_entries entries = {0};
		struct decision decision;
		assert_true(tries < 5);
		record_read_moves(run->record, run->arena, &entries, NULL);
		const struct inventory *inventory = SIM_FUNCTIONS.look(&run->sim, run->arena, NULL, 0, LOOK_FRESH);
		r = decide_begin(run->arena, "web-1", inventory, &entries, &decision, &err);
		if (r == 0 && decide_is_open(&decision)) {
			r = decide_check(&decision, SIM_NAMES[keep], NULL, 0, &err);
			if (r < 0 && strstr(err.message, "does not answer") == NULL) {
				return false;
			}
		} else if (r == 0) {
			return run->sim.hosts[keep].vm.there;
		}
		r = r < 0 ? r
		          : resolve_carry_out(run->arena, &world, run->record, &decision, SIM_NAMES[keep], tell, &err);
	}
	const struct sim_vm *kept = &run->sim.hosts[keep].vm;
	assert_false(run->sim.ran_twice);
	assert_false(run->sim.unasked);
	assert_true(kept->there);
	assert_false(run->sim.hosts[1 - keep].vm.there);
	assert_true(kept->autostart);
	assert_int_equal(kept->state, kind->state);
	assert_int_equal(kept->snapshots, kind->snapshots ? SIM_ALL_SNAPSHOTS : 0);
	assert_int_equal(run->sim.hosts[0].file.there, files[0]);
	assert_int_equal(run->sim.hosts[1].file.there, files[1]);
	struct move_entries entries = {0};
	record_read_moves(run->record, run->arena, &entries, NULL);
	assert_int_equal(entries.count, 0);
	return true;
}

/* 0: berth was not killed any more. 1: that copy could not be kept. 2: it was. */
static int try_one(const char *folder, const struct kind *kind, enum fault fault, unsigned int at, size_t keep,
                   unsigned int second_at)
{
	struct run run = {.arena = arena_create()};
	assert_int_equal(record_open(folder, "key", "a test", &run.record, NULL), 0);
	sim_init(&run.sim, kind->state, true, true);
	if (kind->snapshots) {
		sim_add_snapshots(&run.sim);
	}
	run.sim.fault = fault;
	run.sim.fault_at = at;
	move(&run, kind);
	int result = run.sim.calls < at ? 0 : decide(&run, kind, keep, second_at) ? 2 : 1;
	record_clear_vm(run.record, SIM_UUID, NULL);
	record_close(run.record);
	arena_destroy(run.arena);
	return result;
}

static void test_decided_for_either_side(void **state)
{
	static const enum fault faults[] = {FAULT_KILL_BEFORE, FAULT_KILL_AFTER, FAULT_HALF};
	unsigned int kept[2] = {0, 0};
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]) * 6; i++) {
		const struct kind *kind = &KINDS[i / 6];
		size_t keep = i % 2;
		int result = 1;
		for (unsigned int at = 1; result > 0; at++) {
			result = try_one(*state, kind, faults[i / 2 % 3], at, keep, 0);
			kept[keep] += result == 2 ? 1 : 0;
		}
	}
	assert_true(kept[0] > 50);
	assert_true(kept[1] > 20);
}

/* One of its own calls fails: done again, it comes to the same. */
static void test_a_fault_in_deciding(void **state)
{
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]) * 2; i++) {
		for (unsigned int second_at = 1; second_at < 8; second_at++) {
			int result = 1;
			for (unsigned int at = 1; result > 0; at++) {
				result = try_one(*state, &KINDS[i / 2], FAULT_KILL_AFTER, at, i % 2, second_at);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_decided_for_either_side),
	        cmocka_unit_test(test_a_fault_in_deciding),
	};
	return cmocka_run_group_tests(tests, folder_make_in_memory, folder_remove);
}
