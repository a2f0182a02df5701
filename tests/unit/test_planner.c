/* What a plan rests on and tells, beyond the recorded cases: its id, its order of warnings, hosts, waits. */
#include "tests/unit/given.h"

#include "reconcile/planner.h"
#include "state/text.h"
#include "state/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char PLACEMENT[] = "hosts:\n"
                                "  n1: {uri: 'test:///n1'}\n"
                                "  n2: {uri: 'test:///n2'}\n"
                                "vms:\n"
                                "  a: {host: n2}\n"
                                "  b: {}\n";

static const char INVENTORY[] =
        "berth: 1\n"
        "hosts:\n"
        "  n1:\n"
        "    uuid: 00000000-0000-0000-0000-000000000011\n"
        "    memory: 16GiB\n"
        "    qemu: 7.2.1\n"
        "    libvirt: 9.0.0\n"
        "    pools: {i: {type: dir, path: /images, state: active, formats: [raw, qcow2], free: 50GiB}}\n"
        "    vms:\n"
        "      a: {uuid: 00000000-0000-0000-0000-00000000000a, state: running, memory: 4GiB, disks: {vda: {storage: "
        "local, format: raw, source: /images/a, size: 10GiB, used: 2GiB}}}\n"
        "      b: {uuid: 00000000-0000-0000-0000-00000000000b, state: running, memory: 2GiB, disks: {}}\n"
        "  n2:\n"
        "    uuid: 00000000-0000-0000-0000-000000000012\n"
        "    memory: 16GiB\n"
        "    qemu: 7.2.1\n"
        "    libvirt: 9.0.0\n"
        "    pools: {i: {type: dir, path: /images, state: active, formats: [raw, qcow2], free: 50GiB}}\n"
        "    vms: {}\n";

/* The text with the first occurrence of a word replaced. */
static const char *with(struct arena *arena, const char *text, const char *word, const char *instead)
{
	const char *at = strstr(text, word);
	assert_non_null(at);
	return arena_print(arena, "%.*s%s%s", (int)(at - text), text, instead, at + strlen(word));
}

static const struct plan *plan_of(struct arena *arena, const char *placement, const char *inventory)
{
	return planner_plan(arena, given_desired(arena, placement), given_inventory(arena, inventory),
	                    &(struct planner_options){.effort = 1});
}

static const char *id_after(struct arena *arena, const char *word, const char *instead)
{
	return plan_of(arena, PLACEMENT, with(arena, INVENTORY, word, instead))->id;
}

static void test_the_id_does_not_rest_on_what_changes_by_itself(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const char *id = plan_of(arena, PLACEMENT, INVENTORY)->id;
	assert_string_equal(id_after(arena, "used: 2GiB", "used: 3GiB"), id);
	assert_string_equal(id_after(arena, "free: 50GiB", "free: 49GiB"), id);
	assert_string_equal(id_after(arena, "    memory: 16GiB", "    seen: 2026-11-23T05:00:00Z\n    memory: 16GiB"),
	                    id);
	assert_string_equal(id_after(arena, "state: running", "autostart: true, state: running"), id);
}

static void test_the_id_rests_on_what_the_plan_does(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const char *id = plan_of(arena, PLACEMENT, INVENTORY)->id;
	assert_string_not_equal(id_after(arena, "state: running", "state: paused"), id);
	assert_string_not_equal(id_after(arena, "memory: 2GiB", "memory: 3GiB"), id);
	assert_string_not_equal(id_after(arena, "memory: 16GiB", "memory: 17GiB"), id);
	assert_string_not_equal(id_after(arena, "00000000000b", "00000000000c"), id);
	assert_string_not_equal(id_after(arena, "000000000011", "000000000013"), id);
	assert_string_not_equal(id_after(arena, "qemu: 7.2.1", "qemu: 7.2.2"), id);
	assert_string_not_equal(id_after(arena, "state: active", "state: inactive"), id);
	assert_string_not_equal(id_after(arena, "    memory", "    connection: timeout\n    memory"), id);
	const char *other = with(arena, PLACEMENT, "  b: {}\n", "  b: {} # more\n");
	assert_string_not_equal(plan_of(arena, other, INVENTORY)->id, id);
	assert_int_equal(strlen(id), strlen("sha256:") + 64);
}

static void test_hosts_before_and_after(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct plan *plan = plan_of(arena, PLACEMENT, INVENTORY);
	assert_int_equal(plan->host_count, 2);
	assert_int_equal(plan->hosts[0].capacity, 15 * GIB);
	assert_int_equal(plan->hosts[0].claims_before, 6 * GIB);
	assert_int_equal(plan->hosts[0].claims_after, 2 * GIB);
	assert_int_equal(plan->hosts[1].claims_after, 4 * GIB);
	assert_int_equal(plan->disk, 2 * GIB);
	assert_int_equal(plan->moves[0].free_to_after, 11 * GIB);
	assert_int_equal(plan->move_count, 1);
	assert_int_equal(plan->bound, 1);
}

static void test_warnings_of_the_placement_come_first(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const char *placement = with(arena, PLACEMENT, "vms:\n",
	                             "policies:\n"
	                             "  s: {survive: 1}\n"
	                             "  z: {apart: {no: body}, by: host}\n"
	                             "vms:\n");
	const struct plan *plan = plan_of(arena, placement, with(arena, INVENTORY, "memory: 16GiB", "memory: 4GiB"));
	assert_true(plan->warning_count >= 2);
	assert_non_null(strstr(plan->warnings[0], "placement.yaml:"));
	assert_non_null(strstr(plan->warnings[1], "policy s: without n2"));
}

static void test_no_options_are_the_usual_ones(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct plan *plan =
	        planner_plan(arena, given_desired(arena, PLACEMENT), given_inventory(arena, INVENTORY), NULL);
	assert_string_equal(plan_json(arena, plan), plan_json(arena, plan_of(arena, PLACEMENT, INVENTORY)));
}

static void test_more_effort_is_never_worse(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct desired *desired = given_desired(arena, PLACEMENT);
	const struct inventory *inventory = given_inventory(arena, INVENTORY);
	const struct plan *plan = planner_plan(arena, desired, inventory, &(struct planner_options){.effort = 50});
	assert_int_equal(plan->move_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_id_does_not_rest_on_what_changes_by_itself),
	        cmocka_unit_test(test_the_id_rests_on_what_the_plan_does),
	        cmocka_unit_test(test_hosts_before_and_after),
	        cmocka_unit_test(test_warnings_of_the_placement_come_first),
	        cmocka_unit_test(test_no_options_are_the_usual_ones),
	        cmocka_unit_test(test_more_effort_is_never_worse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
