/*
 * What keeps a pass from making its moves now: the next attempt of a VM that failed, the limits. Passes in a fleet in
 * memory, at times that are given.
 */
#include "reconcile/pass.h"
#include "state/arena.h"
#include "state/consent.h"
#include "state/text.h"
#include "tests/doors/folder.h"
#include "tests/sim/fleet.h"
#include "tests/unit/given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char PLACEMENT[] = "hosts:\n"
                                "  a: {uri: 'test:///a'}\n"
                                "  b: {uri: 'test:///b'}\n"
                                "  c: {uri: 'test:///c'}\n"
                                "vms: {v1: {host: b}, v2: {host: b}, v3: {host: c}, v4: {host: a}}\n";

static const char INVENTORY[] =
        "hosts:\n"
        "  a:\n"
        "    memory: 4GiB\n"
        "    vms:\n"
        "      v1: {uuid: 5aabf32a-0260-45b5-9d26-cdd71b9fd221, state: running, memory: 1GiB, disks: {}}\n"
        "      v2: {uuid: 5aabf32a-0260-45b5-9d26-cdd71b9fd222, state: running, memory: 1GiB, disks: {}}\n"
        "      v3: {uuid: 5aabf32a-0260-45b5-9d26-cdd71b9fd223, state: running, memory: 1GiB, disks: {}}\n"
        "  b: {memory: 16GiB, vms: {}}\n"
        "  c:\n"
        "    memory: 16GiB\n"
        "    vms:\n"
        "      v4: {uuid: 5aabf32a-0260-45b5-9d26-cdd71b9fd224, state: running, memory: 3GiB, disks: {}}\n";

/* A fleet, its record, and what a pass is given. */
struct scene {
	struct arena *arena;
	const char *folder;
	const char *key;
	struct sim_fleet fleet;
	struct pass pass;
};

static int64_t clock_now;

static int64_t read_clock(void)
{
	return clock_now;
}

static struct desired *with_commit(struct arena *arena, const char *placement, const char *commit)
{
	struct desired *desired = arena_alloc(arena, sizeof(*desired));
	*desired = *given_desired(arena, placement);
	desired->commit = commit;
	return desired;
}

static void begin(struct scene *scene, struct arena *arena, const char *folder, const char *key)
{
	const struct desired *desired = with_commit(arena, PLACEMENT, "1111");
	*scene = (struct scene){.arena = arena, .folder = folder, .key = key};
	sim_fleet_init(&scene->fleet, arena, desired, given_inventory(arena, INVENTORY));
	scene->pass = (struct pass){.retries = true, .now = read_clock};
	clock_now = 1795400100;
}

/* As after a restart: the record is opened anew for each pass. */
static struct pass_result run(struct scene *scene)
{
	cleanup_record struct record *record = NULL;
	struct pass pass = scene->pass;
	struct pass_result result = {0};
	struct error err = {{0}};
	if (record_open(scene->folder, scene->key, "a test", &record, &err) < 0) {
		fail_msg("%s", err.message);
	}
	pass.desired = scene->fleet.desired;
	pass.world = (struct world){.functions = &SIM_FLEET_FUNCTIONS, .data = &scene->fleet};
	pass.publisher = (struct publisher){.record = record, .controller = "test"};
	scene->fleet.migrations = 0;
	if (pass_run(scene->arena, &pass, &result, &err) < 0) {
		fail_msg("%s", err.message);
	}
	assert_null(scene->fleet.violation);
	return result;
}

static const struct move *move_of(const struct plan *plan, const char *vm)
{
	for (size_t i = 0; i < plan->move_count; i++) {
		if (text_equal(plan->moves[i].vm, vm)) {
			return &plan->moves[i];
		}
	}
	fail_msg("the plan has no move of %s", vm);
	return NULL;
}

static void expect_wait(const struct plan *plan, const char *vm, enum code code, const char *text)
{
	const struct reason *waits = move_of(plan, vm)->waits;
	assert_non_null(waits);
	assert_string_equal(waits->text, text);
	assert_int_equal(waits->code, code);
}

/* The file of the record that `berth status` would show. */
static const char *told(const struct scene *scene)
{
	cleanup_record struct record *record = NULL;
	const char *bytes = NULL;
	assert_int_equal(record_open(scene->folder, scene->key, "a test", &record, NULL), 0);
	assert_int_equal(record_read_file(record, scene->arena, "status.yaml", &bytes, NULL), 0);
	assert_non_null(bytes);
	return bytes;
}

static void expect_told(const struct scene *scene, const char *text)
{
	if (strstr(told(scene), text) == NULL) {
		fail_msg("not told: %s\n%s", text, told(scene));
	}
}

static void test_what_failed_is_tried_later_and_later(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct scene scene;
	begin(&scene, arena, *state, "later");
	scene.fleet.fails = "v1";
	struct pass_result result = run(&scene);
	assert_int_equal(result.done, 2); /* v2 and v3; v4 needs the room of v1 */
	assert_int_equal(result.failed, 1);
	assert_int_equal(result.phase, PHASE_PROGRESSING);
	assert_int_equal(result.plan->blocked_count, 0);
	assert_int_equal(result.next_attempt, 1795400130);
	expect_wait(result.plan, "v1", CODE_DELAY, "1 attempt failed, again at 2026-11-23T02:15:30Z");
	expect_wait(result.plan, "v4", CODE_DELAY,
	            "after v1, which waits: 1 attempt failed, again at 2026-11-23T02:15:30Z");
	expect_told(&scene, "attempts: 1\n  next: 2026-11-23T02:15:30Z\n  error: the guest was too busy\n");
	expect_told(&scene, "waits: {code: delay, reason: \"1 attempt failed, again at 2026-11-23T02:15:30Z\"}");

	clock_now += 29;
	result = run(&scene);
	assert_int_equal(scene.fleet.migrations, 0);
	assert_int_equal(result.next_attempt, 1795400130);

	clock_now += 1;
	result = run(&scene);
	assert_int_equal(scene.fleet.migrations, 1);
	assert_int_equal(result.next_attempt, 1795400190);
	expect_wait(result.plan, "v1", CODE_DELAY, "2 attempts failed, again at 2026-11-23T02:16:30Z");

	clock_now += 60;
	scene.fleet.fails = NULL;
	result = run(&scene);
	assert_int_equal(result.done, 2);
	assert_int_equal(result.next_attempt, 0);
	assert_int_equal(result.phase, PHASE_IN_SYNC);
	expect_told(&scene, "failures: []");
}

static void test_another_entry_is_tried_at_once(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct scene scene;
	begin(&scene, arena, *state, "entry");
	scene.fleet.fails = "v1";
	run(&scene);
	scene.fleet.desired = with_commit(arena,
	                                  "hosts: {a: {uri: 'test:///a'}, b: {uri: 'test:///b'}, c: {uri: "
	                                  "'test:///c'}}\n"
	                                  "vms: {v1: {host: c}}\n",
	                                  "2222");
	struct pass_result result = run(&scene);
	assert_int_equal(scene.fleet.migrations, 1);
	expect_wait(result.plan, "v1", CODE_DELAY, "1 attempt failed, again at 2026-11-23T02:15:30Z");
}

/* Who applies once tries everything once, whatever was before, and promises no next attempt. */
static void test_applying_once_knows_no_delay(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct scene scene;
	begin(&scene, arena, *state, "once");
	scene.fleet.fails = "v1";
	run(&scene);
	scene.pass.retries = false;
	struct pass_result result = run(&scene);
	assert_int_equal(scene.fleet.migrations, 1);
	assert_int_equal(result.failed, 1);
	assert_int_equal(result.next_attempt, 0);
	assert_int_equal(result.plan->blocked[0].reason.code, CODE_FAILED);
	expect_told(&scene, "attempts: 2\n  next: null\n");
}

static struct record *open_record(const struct scene *scene)
{
	struct record *record = NULL;
	assert_int_equal(record_open(scene->folder, scene->key, NULL, &record, NULL), 0);
	return record;
}

static void approve(const struct scene *scene, const char *id)
{
	cleanup_record struct record *record = open_record(scene);
	assert_int_equal(consent_approve(record, id, NULL), 0);
}

static const char *approved(const struct scene *scene)
{
	cleanup_record struct record *record = open_record(scene);
	const char *id = NULL;
	assert_int_equal(consent_approved(record, scene->arena, &id, NULL), 0);
	return id;
}

static void test_a_plan_beyond_the_limit_waits_for_its_approval(void **state)
{
	static const char why[] = "4 moves, the limit is 3; berth approve lets this plan run";
	cleanup_arena struct arena *arena = arena_create();
	struct limits limits = config_default().limits;
	struct scene scene;
	begin(&scene, arena, *state, "approval");
	limits.moves = 3;
	scene.pass.limits = &limits;
	struct pass_result result = run(&scene);
	assert_int_equal(result.done, 0);
	assert_int_equal(result.phase, PHASE_HELD);
	expect_wait(result.plan, "v1", CODE_LIMIT, why);
	expect_wait(result.plan, "v4", CODE_LIMIT, why);
	expect_told(&scene, why);

	approve(&scene, "sha256:another");
	result = run(&scene);
	assert_int_equal(result.done, 0);
	assert_null(approved(&scene)); /* for a plan that is not this one: over */

	approve(&scene, result.plan->id);
	result = run(&scene);
	assert_int_equal(result.done, 4);
	assert_int_equal(result.phase, PHASE_IN_SYNC);
	assert_null(approved(&scene));
}

static void test_what_is_left_of_an_approved_plan_needs_another_approval(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct limits limits = config_default().limits;
	struct scene scene;
	begin(&scene, arena, *state, "rest");
	limits.moves = 1;
	scene.pass.limits = &limits;
	struct pass_result result = run(&scene);
	scene.fleet.fails = "v1";
	approve(&scene, result.plan->id);
	result = run(&scene); /* v1 fails, v2 and v3 do not, v4 depends on v1 */
	assert_int_equal(result.done, 2);
	expect_wait(result.plan, "v1", CODE_LIMIT, "2 moves, the limit is 1; berth approve lets this plan run");
	assert_null(approved(&scene));
	clock_now += 30;
	scene.fleet.fails = NULL;
	result = run(&scene);
	assert_int_equal(result.done, 0);
	approve(&scene, result.plan->id);
	assert_int_equal(run(&scene).done, 2);
}

static void test_apply_with_the_id_of_the_plan_is_its_approval(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct limits limits = config_default().limits;
	struct scene scene;
	begin(&scene, arena, *state, "only-plan");
	limits.share_millionths = 500000;
	scene.pass.limits = &limits;
	scene.pass.retries = false;
	struct pass_result result = run(&scene);
	assert_int_equal(result.done, 0);
	expect_wait(result.plan, "v2", CODE_LIMIT,
	            "4 of 4 VMs are to be moved, the limit is 50%; berth approve lets this plan run");
	scene.pass.only_plan = result.plan->id;
	result = run(&scene);
	assert_int_equal(result.done, 4);
}

static void test_failures_in_a_row_stop_everything(void **state)
{
	static const char why[] = "3 moves in a row failed, the limit is 3";
	cleanup_arena struct arena *arena = arena_create();
	struct limits limits = config_default().limits;
	struct scene scene;
	begin(&scene, arena, *state, "brake");
	scene.pass.limits = &limits;
	scene.fleet.all_fail = true;
	struct pass_result result = run(&scene);
	assert_int_equal(result.failed, 3);
	assert_int_equal(scene.fleet.migrations, 3);
	assert_int_equal(result.phase, PHASE_HELD);
	assert_int_equal(result.next_attempt, 0); /* nothing would come of it */
	expect_wait(result.plan, "v1", CODE_LIMIT, why);
	expect_wait(result.plan, "v4", CODE_LIMIT, why);
	expect_told(&scene, why);

	/* Neither time nor a restart lifts it, nor an approval. */
	clock_now += 10000;
	scene.fleet.all_fail = false;
	approve(&scene, result.plan->id);
	result = run(&scene);
	assert_int_equal(scene.fleet.migrations, 0);
	expect_wait(result.plan, "v1", CODE_LIMIT, why);

	cleanup_record struct record *record = open_record(&scene);
	assert_int_equal(consent_lift_brake(record, NULL), 0);
	result = run(&scene);
	assert_int_equal(result.done, 4);
	bool lifted = true;
	assert_int_equal(consent_brake_lifted(record, &lifted, NULL), 0);
	assert_false(lifted);
}

static void test_a_new_commit_lifts_the_brake(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct limits limits = config_default().limits;
	struct scene scene;
	begin(&scene, arena, *state, "brake-commit");
	scene.pass.limits = &limits;
	scene.pass.retries = false; /* applying once: the same */
	scene.fleet.all_fail = true;
	struct pass_result result = run(&scene);
	assert_int_equal(result.failed, 3);
	assert_int_equal(result.plan->blocked_count + result.plan->move_count, 4);
	scene.fleet.all_fail = false;
	result = run(&scene);
	assert_int_equal(scene.fleet.migrations, 0);
	scene.fleet.desired = with_commit(arena, PLACEMENT, "2222");
	result = run(&scene);
	assert_int_equal(result.done, 4);
}

static void test_a_success_between_begins_the_count_anew(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct limits limits = config_default().limits;
	struct scene scene;
	begin(&scene, arena, *state, "row");
	limits.failures = 2;
	scene.pass.limits = &limits;
	scene.fleet.fails = "v1";
	struct pass_result result = run(&scene); /* v1 fails, v2 and v3 do not */
	assert_int_equal(result.done, 2);
	expect_wait(result.plan, "v1", CODE_DELAY, "1 attempt failed, again at 2026-11-23T02:15:30Z");
	clock_now += 30;
	result = run(&scene);
	expect_wait(result.plan, "v1", CODE_DELAY, "2 attempts failed, again at 2026-11-23T02:16:30Z");
	clock_now += 60;
	result = run(&scene);
	expect_wait(result.plan, "v1", CODE_LIMIT, "2 moves in a row failed, the limit is 2");
}

static void test_nothing_is_moved_while_hosts_are_down(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct limits limits = config_default().limits;
	struct scene scene;
	begin(&scene, arena, *state, "down");
	limits.hosts_down = 1;
	scene.pass.limits = &limits;
	struct host *c = &scene.fleet.now.hosts[2];
	const struct host as_it_was = *c;
	c->connection = "no answer";
	c->vm_count = 0;
	struct pass_result result = run(&scene);
	assert_int_equal(scene.fleet.migrations, 0);
	expect_wait(result.plan, "v1", CODE_LIMIT, "1 host not answering, the limit is 1");
	*c = as_it_was;
	result = run(&scene);
	assert_int_equal(result.done, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_what_failed_is_tried_later_and_later),
	        cmocka_unit_test(test_another_entry_is_tried_at_once),
	        cmocka_unit_test(test_applying_once_knows_no_delay),
	        cmocka_unit_test(test_a_plan_beyond_the_limit_waits_for_its_approval),
	        cmocka_unit_test(test_what_is_left_of_an_approved_plan_needs_another_approval),
	        cmocka_unit_test(test_apply_with_the_id_of_the_plan_is_its_approval),
	        cmocka_unit_test(test_failures_in_a_row_stop_everything),
	        cmocka_unit_test(test_a_new_commit_lifts_the_brake),
	        cmocka_unit_test(test_a_success_between_begins_the_count_anew),
	        cmocka_unit_test(test_nothing_is_moved_while_hosts_are_down),
	};
	return cmocka_run_group_tests(tests, folder_make_in_memory, folder_remove);
}
