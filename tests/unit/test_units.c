#include "state/arena.h"
#include "state/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_sizes_read_whole_or_not_at_all(void **state)
{
	(void)state;
	uint64_t size = 7;
	assert_true(units_parse_size("4GiB", &size));
	assert_int_equal(size, 4 * GIB);
	static const char *const wrong[] = {"", "4", "GiB", "4 GiB", "4GB", "-1GiB", "4GiBx", "1.5GiB", "9999999TiB"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size = 7;
		assert_false(units_parse_size(wrong[i], &size));
		assert_int_equal(size, 7);
	}
}

static void test_sizes_read_back_the_same(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	static const uint64_t sizes[] = {0, 1, 1023, 1024, 1536 * MIB, 4 * GIB, 3 * TIB, (uint64_t)INT64_MAX};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t again = 1;
		assert_true(units_parse_size(units_size(arena, sizes[i]), &again));
		assert_int_equal(again, sizes[i]);
	}
}

static void test_times_read_back_the_same(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	int64_t seconds = 0;
	assert_true(units_parse_time("2026-11-23T05:00:00Z", &seconds));
	assert_string_equal(units_time(arena, seconds), "2026-11-23T05:00:00Z");
	assert_false(units_parse_time("2026-02-29T05:00:00Z", &seconds));
	assert_false(units_parse_time("2026-11-23 05:00:00Z", &seconds));
}

static void test_people_read_one_decimal(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	assert_string_equal(units_size_short(arena, 4 * (int64_t)GIB), "4 GiB");
	assert_string_equal(units_size_short(arena, -(int64_t)(3 * GIB + 256 * MIB)), "-3.2 GiB");
	assert_string_equal(units_duration_short(arena, 3240), "3.2 s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_sizes_read_whole_or_not_at_all),
	        cmocka_unit_test(test_sizes_read_back_the_same),
	        cmocka_unit_test(test_times_read_back_the_same),
	        cmocka_unit_test(test_people_read_one_decimal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
