/*
 * Whole passes in a world in memory: every recorded case is carried out, and ends as its plan says; and what a pass
 * does when things do not go as planned.
 */
#include "reconcile/gate.h"
#include "reconcile/holds.h"
#include "reconcile/input.h"
#include "reconcile/pass.h"
#include "reconcile/planner.h"
#include "state/arena.h"
#include "state/text.h"
#include "tests/doors/folder.h"
#include "tests/sim/fleet.h"
#include "tests/unit/given.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A pass and what it told. */
struct told {
	size_t asked;
	size_t begun;
	size_t ended;
	bool declines;
	size_t stop_after; /* moves; 0: never */
	struct sim_fleet *fleet;
	const struct hold *holds; /* is set when the first move ends */
	struct record *record;
	const char *cancels;         /* this VM's move, once it is under way */
	const struct desired *newer; /* comes in the first move; told once */
	const char *why;             /* of the last move that ended otherwise than done */
	const char *stranger;        /* moves this VM to the last host before the first move begins */
};

static bool on_plan(void *data, const struct plan *plan)
{
	struct told *told = data;
	(void)plan;
	told->asked++;
	if (told->stranger != NULL) {
		struct sim_fleet *fleet = told->fleet;
		struct host *last = &fleet->now.hosts[fleet->now.host_count - 1];
		for (size_t i = 0; i < fleet->now.host_count; i++) {
			const struct vm *vm = host_vm(&fleet->now.hosts[i], told->stranger);
			if (vm != NULL && &fleet->now.hosts[i] != last) {
				const struct move_order order = {.vm = vm->name,
				                                 .uuid = vm->uuid,
				                                 .from = fleet->now.hosts[i].name,
				                                 .to = last->name};
				struct outcome outcome;
				SIM_FLEET_FUNCTIONS.migrate(fleet, &order, NULL, &outcome, NULL);
				break;
			}
		}
		fleet->migrations = 0;
	}
	return !told->declines;
}

static void on_begin(void *data, const struct plan *plan, size_t index)
{
	struct told *told = data;
	(void)plan;
	(void)index;
	told->begun++;
}

static void on_end(void *data, const struct plan *plan, size_t index, const struct move_ending *ending)
{
	struct told *told = data;
	(void)plan;
	(void)index;
	told->ended++;
	if (told->holds != NULL) {
		assert_int_equal(holds_put(told->record, told->holds, NULL), 0);
		told->holds = NULL;
	}
	told->why = ending->ending == ENDED_DONE ? told->why : ending->reason.text;
}

static const char *on_progress(void *data, const struct move *move, const struct transfer *transfer)
{
	const struct told *told = data;
	bool is_under_way = transfer->memory_total > 0;
	return is_under_way && told->cancels != NULL && text_equal(told->cancels, move->vm) ? "somebody asked" : NULL;
}

static const struct desired *on_newer(void *data, struct arena *arena)
{
	struct told *told = data;
	const struct desired *newer = told->newer;
	(void)arena;
	told->newer = NULL;
	return newer;
}

static bool is_stopping(void *data)
{
	const struct told *told = data;
	return told->stop_after > 0 && told->ended >= told->stop_after;
}

static struct record *open_record(const char *folder, const char *key)
{
	struct record *record = NULL;
	struct error err = {{0}};
	if (record_open(folder, key, "a test", &record, &err) < 0) {
		fail_msg("%s", err.message);
	}
	return record;
}

static struct pass_result run_pass(struct arena *arena, const char *folder, const char *key, struct sim_fleet *fleet,
                                   struct told *told)
{
	const struct pass_listener listener = {
	        .data = told,
	        .plan = on_plan,
	        .begin = on_begin,
	        .end = on_end,
	        .progress = on_progress,
	        .newer = on_newer,
	        .stopping = is_stopping,
	};
	cleanup_record struct record *record = open_record(folder, key);
	const struct pass pass = {
	        .desired = fleet->desired,
	        .world = {.functions = &SIM_FLEET_FUNCTIONS, .data = fleet},
	        .publisher = {.record = record, .controller = "test"},
	        .listener = &listener,
	};
	struct pass_result result = {0};
	struct error err = {{0}};
	told->fleet = fleet;
	told->record = record;
	if (pass_run(arena, &pass, &result, &err) < 0) {
		fail_msg("%s: %s", key, err.message);
	}
	return result;
}

/* The moves of a plan that may start. */
static size_t startable(const struct plan *plan)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->move_count; i++) {
		count += plan->moves[i].waits == NULL ? 1 : 0;
	}
	return count;
}

/* Then the clock has a say in what is moved. */
static bool has_window(const struct desired *desired)
{
	for (size_t i = 0; i < desired->policy_count; i++) {
		if (desired->policies[i].kind == POLICY_WINDOW) {
			return true;
		}
	}
	return false;
}

/* A recorded fleet, as its plan says: no more moves, nobody blocked beside those of the plan, and nothing undone. */
static void carry_out_case(const char *folder, const char *name)
{
	cleanup_arena struct arena *arena = arena_create();
	const char *path = arena_print(arena, "%s/%s", CASES, name);
	const struct desired *desired = NULL;
	const struct inventory *inventory = NULL;
	struct problem_list problems = {0};
	struct error err = {{0}};
	if (input_from_folder(arena, arena_print(arena, "%s/placement", path), &desired, &problems, &err) < 0 ||
	    input_inventory(arena, arena_print(arena, "%s/inventory.yaml", path), &inventory, &problems, &err) < 0) {
		fail_msg("%s: %s", name, err.message);
	}
	const struct planner_options options = {.effort = 1};
	const struct plan *plan = planner_plan(arena, desired, inventory, &options);
	plan = gate_plan(arena, desired, inventory, plan, &(struct gating){0}); /* what waits for a hold of another's */
	struct sim_fleet fleet;
	struct told told = {0};
	sim_fleet_init(&fleet, arena, desired, inventory);
	struct pass_result result = run_pass(arena, folder, name, &fleet, &told);
	if (fleet.violation != NULL) {
		fail_msg("%s: %s", name, fleet.violation);
	}
	bool travels = !has_window(desired);
	if (travels && result.done != startable(plan)) {
		fail_msg("%s: %zu of %zu moves made", name, result.done, startable(plan));
	}
	assert_int_equal(told.begun, told.ended);
	struct told again = {0};
	struct pass_result second = run_pass(arena, folder, name, &fleet, &again);
	if (travels && second.done + second.failed > 0) {
		fail_msg("%s: the second pass moves something", name);
	}
}

static void test_every_case_is_carried_out(void **state)
{
	DIR *dir = opendir(CASES);
	size_t count = 0;
	struct dirent *entry;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR) {
			carry_out_case(*state, entry->d_name);
			count++;
		}
	}
	closedir(dir);
	assert_true(count > 40);
}

static const char THREE_HOSTS[] = "hosts:\n"
                                  "  a: {uri: 'test:///a'}\n"
                                  "  b: {uri: 'test:///b'}\n"
                                  "  c: {uri: 'test:///c'}\n"
                                  "vms: {v1: {host: b}, v2: {host: b}, v3: {host: c}}\n";

static const char ALL_ON_A[] =
        "hosts:\n"
        "  a:\n"
        "    memory: 16GiB\n"
        "    vms:\n"
        "      v1: {uuid: 5aabf32a-0260-45b5-9d26-cdd71b9fd221, state: running, memory: 1GiB, disks: {}}\n"
        "      v2: {uuid: 5aabf32a-0260-45b5-9d26-cdd71b9fd222, state: running, memory: 1GiB, disks: {}}\n"
        "      v3: {uuid: 5aabf32a-0260-45b5-9d26-cdd71b9fd223, state: stopped, memory: 1GiB, disks: {}}\n"
        "  b: {memory: 16GiB, vms: {}}\n"
        "  c: {memory: 16GiB, vms: {}}\n";

static void begin_three(struct arena *arena, struct sim_fleet *fleet)
{
	sim_fleet_init(fleet, arena, given_desired(arena, THREE_HOSTS), given_inventory(arena, ALL_ON_A));
}

static const char *where(const struct sim_fleet *fleet, const char *vm)
{
	const char *found = NULL;
	for (size_t i = 0; i < fleet->now.host_count; i++) {
		if (host_vm(&fleet->now.hosts[i], vm) != NULL) {
			assert_null(found);
			found = fleet->now.hosts[i].name;
		}
	}
	return found;
}

static void test_one_that_fails_holds_up_nobody(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct sim_fleet fleet;
	struct told told = {0};
	begin_three(arena, &fleet);
	fleet.fails = "v1";
	struct pass_result result = run_pass(arena, *state, "fails", &fleet, &told);
	assert_int_equal(result.failed, 1);
	assert_int_equal(result.done, 2);
	assert_int_equal(result.phase, PHASE_BLOCKED);
	assert_string_equal(where(&fleet, "v1"), "a");
	assert_string_equal(where(&fleet, "v2"), "b");
	assert_string_equal(where(&fleet, "v3"), "c");
	assert_int_equal(result.plan->blocked_count, 1);
	assert_int_equal(result.plan->blocked[0].reason.code, CODE_FAILED);
	/* Each pass tries it once, and a pass is free to try again. */
	struct told again = {0};
	fleet.fails = NULL;
	result = run_pass(arena, *state, "fails", &fleet, &again);
	assert_int_equal(result.done, 1);
	assert_int_equal(result.phase, PHASE_IN_SYNC);
}

static void test_nothing_is_moved_when_it_is_declined(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct sim_fleet fleet;
	struct told told = {.declines = true};
	begin_three(arena, &fleet);
	struct pass_result result = run_pass(arena, *state, "declined", &fleet, &told);
	assert_int_equal(told.asked, 1);
	assert_true(result.declined);
	assert_int_equal(fleet.migrations, 0);
}

static void test_a_cancelled_move_is_no_failure(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct sim_fleet fleet;
	struct told told = {.cancels = "v1"};
	begin_three(arena, &fleet);
	struct pass_result result = run_pass(arena, *state, "cancelled", &fleet, &told);
	assert_int_equal(result.failed, 0);
	assert_int_equal(result.done, 2);
	assert_string_equal(where(&fleet, "v1"), "a");
	assert_int_equal(result.plan->blocked_count, 1);
	assert_int_equal(result.plan->blocked[0].reason.code, CODE_CANCELLED);
	assert_non_null(strstr(result.plan->blocked[0].reason.text, "somebody asked"));
}

/* A newer commit that comes in the first move, v1's: it wants v1 where it is, or still there, or v2 elsewhere. */
static void test_a_newer_commit_ends_what_it_does_not_ask_for(void **state)
{
	static const struct {
		const char *vms;
		const char *v1;
	} newer[] = {
	        {"{v1: {host: a}, v2: {host: b}, v3: {host: c}}", "a"},
	        {"{v2: {host: b}, v3: {host: c}}", "a"},
	        {"{v1: {host: c}, v2: {host: b}, v3: {host: c}}", "a"},
	        {"{v1: {host: b}, v2: {host: a}}", "b"},
	        {"{v1: {host: b, hold: true}}", "b"},
	};
	for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++) {
		cleanup_arena struct arena *arena = arena_create();
		const char *text = arena_print(arena, "%.*svms: %s\n", (int)(strstr(THREE_HOSTS, "vms:") - THREE_HOSTS),
		                               THREE_HOSTS, newer[i].vms);
		struct sim_fleet fleet;
		struct told told = {.newer = given_desired(arena, text), .stop_after = 1};
		begin_three(arena, &fleet);
		struct pass_result result = run_pass(arena, *state, arena_print(arena, "newer-%zu", i), &fleet, &told);
		assert_string_equal(where(&fleet, "v1"), newer[i].v1);
		assert_int_equal(result.failed, 0);
		bool goes_on = text_equal(newer[i].v1, "b");
		assert_int_equal(result.done, goes_on ? 1 : 0);
		assert_true(goes_on == (told.why == NULL));
		assert_true(goes_on || strstr(told.why, "a newer commit does not ask for it") != NULL);
	}
}

static void put_hold(const char *folder, const char *key, const struct hold *hold)
{
	cleanup_record struct record *record = open_record(folder, key);
	assert_int_equal(holds_put(record, hold, NULL), 0);
}

static void release(const char *folder, const char *key, const char *vm)
{
	cleanup_record struct record *record = open_record(folder, key);
	bool held = false;
	assert_int_equal(holds_release(record, vm, &held, NULL), 0);
	assert_true(held);
}

static void test_holds_by_command(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	const struct hold fleet_hold = {.reason = "", .by = "uid 0", .since = 1};
	const struct hold vm_hold = {.vm = "v2", .reason = "until Monday", .by = "uid 0", .since = 1};
	struct sim_fleet fleet;
	struct told told = {0};
	begin_three(arena, &fleet);
	put_hold(*state, "holds", &fleet_hold);
	struct pass_result result = run_pass(arena, *state, "holds", &fleet, &told);
	assert_int_equal(result.done, 0);
	assert_int_equal(result.phase, PHASE_HELD);
	assert_int_equal(result.plan->move_count, 3);
	assert_int_equal(result.plan->moves[0].waits->code, CODE_HOLD);
	assert_string_equal(result.plan->moves[0].waits->text, "by command (uid 0)");
	put_hold(*state, "holds", &vm_hold);
	release(*state, "holds", NULL);
	result = run_pass(arena, *state, "holds", &fleet, &told);
	assert_int_equal(result.done, 2);
	assert_int_equal(result.phase, PHASE_HELD);
	assert_string_equal(where(&fleet, "v2"), "a");
	assert_string_equal(result.plan->moves[0].waits->text, "until Monday (uid 0)");
	release(*state, "holds", "v2");
	result = run_pass(arena, *state, "holds", &fleet, &told);
	assert_int_equal(result.phase, PHASE_IN_SYNC);
}

/* It comes between two moves: the next is not started, and the pass says so. */
static void test_a_hold_in_the_middle_of_a_pass(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	const struct hold hold = {.reason = "", .by = "uid 0", .since = 1};
	struct sim_fleet fleet;
	struct told told = {.holds = &hold};
	begin_three(arena, &fleet);
	struct pass_result result = run_pass(arena, *state, "middle", &fleet, &told);
	assert_int_equal(result.done, 1);
	assert_int_equal(result.phase, PHASE_HELD);
	assert_false(result.stopped);
}

static void test_a_cancelled_vm_is_set_aside_until_its_entry_changes(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct sim_fleet fleet;
	struct told told = {0};
	begin_three(arena, &fleet);
	const struct hold hold = {
	        .vm = "v1",
	        .cancelled = true,
	        .reason = "",
	        .by = "uid 0",
	        .since = 1,
	        .entry = desired_vm_whole_entry(arena, desired_vm(fleet.desired, "v1")),
	};
	put_hold(*state, "aside", &hold);
	struct pass_result result = run_pass(arena, *state, "aside", &fleet, &told);
	assert_int_equal(result.done, 2);
	assert_int_equal(result.plan->blocked_count, 1);
	assert_int_equal(result.plan->blocked[0].reason.code, CODE_CANCELLED);
	fleet.desired = given_desired(arena, "hosts:\n"
	                                     "  a: {uri: 'test:///a'}\n"
	                                     "  b: {uri: 'test:///b'}\n"
	                                     "  c: {uri: 'test:///c'}\n"
	                                     "vms: {v1: {host: b, migration: {mode: suspended}}, v2: {host: b}}\n");
	result = run_pass(arena, *state, "aside", &fleet, &told);
	assert_int_equal(result.done, 1);
	assert_string_equal(where(&fleet, "v1"), "b");
	cleanup_record struct record *record = open_record(*state, "aside");
	struct hold_list list = {0};
	assert_int_equal(holds_read(arena, record, &list, NULL), 0);
	assert_int_equal(list.count, 0);
}

static void test_it_stops_between_two_moves(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct sim_fleet fleet;
	struct told told = {.stop_after = 1};
	begin_three(arena, &fleet);
	struct pass_result result = run_pass(arena, *state, "stops", &fleet, &told);
	assert_true(result.stopped);
	assert_int_equal(result.done, 1);
	assert_int_equal(told.begun, 1);
}

/* Between the plan and its first move, v1 is taken elsewhere: the plan is dropped, and the next one starts from there.
 */
static void test_a_stranger_makes_it_plan_again(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct sim_fleet fleet;
	struct told told = {.stranger = "v1"};
	begin_three(arena, &fleet);
	struct pass_result result = run_pass(arena, *state, "stranger", &fleet, &told);
	assert_null(fleet.violation);
	assert_int_equal(result.failed, 0);
	assert_int_equal(result.phase, PHASE_IN_SYNC);
	assert_string_equal(where(&fleet, "v1"), "b");
}

static void test_a_host_that_is_silent_is_remembered(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct sim_fleet fleet;
	struct told told = {0};
	begin_three(arena, &fleet);
	run_pass(arena, *state, "silent", &fleet, &told);
	struct host *b = &fleet.now.hosts[1];
	assert_string_equal(b->name, "b");
	b->connection = "no answer";
	b->vm_count = 0;
	struct pass_result result = run_pass(arena, *state, "silent", &fleet, &told);
	assert_int_equal(result.plan->unknown_count, 2);
	assert_string_equal(result.plan->unknown[0].last_seen, "b");
	assert_int_equal(result.phase, PHASE_BLOCKED);
}

/* v2 is not managed and uses the same file: v1 gets its copy, and the file stays. */
static void test_a_disk_that_others_use_stays(void **state)
{
	static const char placement[] = "hosts:\n"
	                                "  a: {uri: 'test:///a'}\n"
	                                "  b: {uri: 'test:///b'}\n"
	                                "vms: {v1: {host: b}}\n";
	static const char inventory[] =
	        "hosts:\n"
	        "  a:\n"
	        "    memory: 16GiB\n"
	        "    pools: {images: {type: dir, path: /images, state: active, formats: [raw], free: 1GiB}}\n"
	        "    vms:\n"
	        "      v1: {uuid: 5aabf32a-0260-45b5-9d26-cdd71b9fd221, state: running, memory: 1GiB, disks: {vda: {"
	        "storage: local, format: raw, source: /images/v.raw, size: 1MiB, used: 1MiB}}}\n"
	        "      v2: {uuid: 5aabf32a-0260-45b5-9d26-cdd71b9fd222, state: stopped, memory: 1GiB, disks: {vda: {"
	        "storage: local, format: raw, source: /images/v.raw, size: 1MiB, used: 1MiB}}}\n"
	        "  b:\n"
	        "    memory: 16GiB\n"
	        "    pools: {images: {type: dir, path: /images, state: active, formats: [raw], free: 1GiB}}\n"
	        "    vms: {}\n";
	cleanup_arena struct arena *arena = arena_create();
	struct sim_fleet fleet;
	struct told told = {0};
	sim_fleet_init(&fleet, arena, given_desired(arena, placement), given_inventory(arena, inventory));
	struct pass_result result = run_pass(arena, *state, "shared", &fleet, &told);
	assert_null(fleet.violation);
	assert_int_equal(result.done, 1);
	assert_string_equal(where(&fleet, "v1"), "b");
	assert_string_equal(where(&fleet, "v2"), "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_every_case_is_carried_out),
	        cmocka_unit_test(test_one_that_fails_holds_up_nobody),
	        cmocka_unit_test(test_nothing_is_moved_when_it_is_declined),
	        cmocka_unit_test(test_a_cancelled_move_is_no_failure),
	        cmocka_unit_test(test_a_newer_commit_ends_what_it_does_not_ask_for),
	        cmocka_unit_test(test_holds_by_command),
	        cmocka_unit_test(test_a_hold_in_the_middle_of_a_pass),
	        cmocka_unit_test(test_a_cancelled_vm_is_set_aside_until_its_entry_changes),
	        cmocka_unit_test(test_it_stops_between_two_moves),
	        cmocka_unit_test(test_a_stranger_makes_it_plan_again),
	        cmocka_unit_test(test_a_host_that_is_silent_is_remembered),
	        cmocka_unit_test(test_a_disk_that_others_use_stays),
	};
	return cmocka_run_group_tests(tests, folder_make_in_memory, folder_remove);
}
