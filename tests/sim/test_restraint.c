/*
 * What keeps a pass from making its moves now: the next attempt of a VM that failed. Passes in a fleet in memory, at
 * times that are given.
 */
#include "reconcile/pass.h"
#include "state/arena.h"
#include "state/text.h"
#include "tests/sim/fleet.h"
#include "tests/unit/given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int make_folder(void **state)
{
	bool in_memory = access("/dev/shm", W_OK) == 0;
	char *folder = strdup(in_memory ? "/dev/shm/berth-restraint-XXXXXX" : "/tmp/berth-restraint-XXXXXX");
	*state = folder;
	return folder == NULL || mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf -- '%s'", (const char *)*state);
	int r = system(command);
	free(*state);
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_what_failed_is_tried_later_and_later),
	        cmocka_unit_test(test_another_entry_is_tried_at_once),
	        cmocka_unit_test(test_applying_once_knows_no_delay),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
