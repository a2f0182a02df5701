/* Policies as they stand alone: counting, windows over midnight, what survives the loss of hosts. */
#include "policies/policy.h"
#include "state/arena.h"
#include "state/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_every_kind_has_its_row(void **state)
{
	(void)state;
	for (int kind = POLICY_APART; kind <= POLICY_WINDOW; kind++) {
		assert_int_equal(policy_row((enum policy_kind)kind)->kind, kind);
	}
}

static void test_a_window_within_a_day(void **state)
{
	(void)state;
	struct window window = {.days = DAY_MONDAY, .from_minutes = 8 * 60, .to_minutes = 10 * 60};
	assert_false(window_is_open(&window, 0, 8 * 60 - 1));
	assert_true(window_is_open(&window, 0, 8 * 60));
	assert_true(window_is_open(&window, 0, 10 * 60 - 1));
	assert_false(window_is_open(&window, 0, 10 * 60));
	assert_false(window_is_open(&window, 1, 9 * 60));
}

static void test_a_window_over_midnight_belongs_to_the_day_it_opens(void **state)
{
	(void)state;
	struct window window = {.days = DAY_SUNDAY, .from_minutes = 22 * 60, .to_minutes = 5 * 60};
	assert_true(window_is_open(&window, 6, 23 * 60));
	assert_true(window_is_open(&window, 0, 4 * 60));
	assert_false(window_is_open(&window, 0, 5 * 60));
	assert_false(window_is_open(&window, 6, 4 * 60));
	assert_false(window_is_open(&window, 0, 23 * 60));
}

static void test_from_and_to_alike_is_a_whole_day(void **state)
{
	(void)state;
	struct window window = {.days = DAY_MONDAY, .from_minutes = 6 * 60, .to_minutes = 6 * 60};
	assert_false(window_is_open(&window, 0, 6 * 60 - 1));
	assert_true(window_is_open(&window, 0, 6 * 60));
	assert_true(window_is_open(&window, 1, 6 * 60 - 1));
	assert_false(window_is_open(&window, 1, 6 * 60));
}

static void test_who_has_no_home_without_a_host(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	static const uint64_t memory[] = {8 * GIB, 4 * GIB, 4 * GIB};
	static const uint32_t on_0[] = {0};
	static const uint32_t on_1[] = {1};
	static const uint32_t on_2[] = {2};
	struct survive_host hosts[] = {
	        {true, 4 * (int64_t)GIB, 0, on_0, 1},
	        {true, 4 * (int64_t)GIB, 0, on_1, 1},
	        {true, 4 * (int64_t)GIB, 0, on_2, 1},
	};
	struct homeless *cases;
	assert_int_equal(survive_check(arena, 1, hosts, 3, memory, &cases), 1);
	assert_int_equal(cases[0].hosts[0], 0);
	assert_int_equal(cases[0].vms[0], 0);
	hosts[1].free = 8 * (int64_t)GIB;
	assert_int_equal(survive_check(arena, 1, hosts, 3, memory, &cases), 0);
	hosts[1].overhead = 1;
	assert_int_equal(survive_check(arena, 1, hosts, 3, memory, &cases), 1);
	/* A host in maintenance takes nobody in. */
	hosts[1].overhead = 0;
	hosts[1].counts = false;
	assert_int_equal(survive_check(arena, 1, hosts, 3, memory, &cases), 1);
	assert_int_equal(survive_check(arena, 0, hosts, 3, memory, &cases), 0);
}

static void test_two_hosts_at_once(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	static const uint64_t memory[] = {4 * GIB, 4 * GIB, GIB};
	static const uint32_t vms[] = {0, 1, 2};
	struct survive_host hosts[] = {
	        {true, 0, 0, vms, 1},
	        {true, 0, 0, vms + 1, 1},
	        {true, 4 * (int64_t)GIB, 0, vms + 2, 1},
	};
	struct homeless *cases;
	assert_int_equal(survive_check(arena, 2, hosts, 3, memory, &cases), 1);
	assert_int_equal(cases[0].host_count, 2);
	assert_int_equal(cases[0].vm_count, 1);
	assert_int_equal(cases[0].vms[0], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_every_kind_has_its_row),
	        cmocka_unit_test(test_a_window_within_a_day),
	        cmocka_unit_test(test_a_window_over_midnight_belongs_to_the_day_it_opens),
	        cmocka_unit_test(test_from_and_to_alike_is_a_whole_day),
	        cmocka_unit_test(test_who_has_no_home_without_a_host),
	        cmocka_unit_test(test_two_hosts_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
