#include "reconcile/retry.h"
#include "state/text.h"
#include "tests/unit/given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char PLACEMENT[] = "hosts: {a: {uri: 'test:///a'}, b: {uri: 'test:///b'}}\n"
                                "vms: {v1: {host: b}, v2: {host: b}}\n";

static const char *entry_of(struct arena *arena, const char *placement, const char *vm)
{
	return desired_vm_whole_entry(arena, desired_vm(given_desired(arena, placement), vm));
}

static struct failed_vm failed(struct arena *arena, const char *vm)
{
	return (struct failed_vm){
	        .vm = vm,
	        .uuid = vm,
	        .entry = entry_of(arena, PLACEMENT, vm),
	        .error = "too busy",
	};
}

static void test_delays_double_up_to_an_hour(void **state)
{
	(void)state;
	static const int64_t delays[] = {30, 60, 120, 240, 480, 960, 1920, 3600, 3600};
	for (unsigned int i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		assert_int_equal(retry_delay_seconds(i + 1), delays[i]);
	}
	assert_int_equal(retry_delay_seconds(UINT32_MAX), 3600);
}

static void test_attempts_are_counted_and_forgotten(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct failed_vm v1 = failed(arena, "v1");
	const struct failed_vm v2 = failed(arena, "v2");
	struct failures failures = {0};
	failures = retry_add(arena, &failures, &v2, 1000);
	failures = retry_add(arena, &failures, &v1, 1000);
	failures = retry_add(arena, &failures, &v2, 1030);
	assert_int_equal(failures.row, 3);
	assert_int_equal(failures.count, 2);
	assert_string_equal(failures.items[0].vm, "v1");
	assert_int_equal(failures.items[0].attempts, 1);
	assert_int_equal(failures.items[0].next, 1030);
	assert_int_equal(failures.items[1].attempts, 2);
	assert_int_equal(failures.items[1].next, 1090);
	failures = retry_succeed(arena, &failures, "v2");
	assert_int_equal(failures.row, 0);
	assert_int_equal(failures.count, 1);
	failures = retry_add(arena, &failures, &v2, 0);
	assert_int_equal(failures.items[1].attempts, 1);
	assert_int_equal(failures.items[1].next, 0);
	failures.commit = "1";
	assert_int_equal(retry_begin(&failures, "1").row, 1);
	assert_int_equal(retry_begin(&failures, "2").row, 0);
	assert_int_equal(retry_begin(&failures, "2").count, 2);
}

static void test_another_entry_begins_anew(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	static const char slower[] = "hosts: {a: {uri: 'test:///a'}, b: {uri: 'test:///b'}}\n"
	                             "vms: {v1: {host: b, migration: {mode: stopped}}, v2: {host: b}}\n";
	const struct failed_vm v1 = failed(arena, "v1");
	const struct failed_vm v2 = failed(arena, "v2");
	struct failures failures = {0};
	failures = retry_add(arena, &failures, &v1, 1000);
	failures = retry_add(arena, &failures, &v2, 1000);
	struct move moves[] = {{.vm = "v1", .uuid = "v1"}, {.vm = "v2", .uuid = "v2"}};
	const struct plan plan = {.moves = moves, .move_count = 2};
	assert_int_equal(retry_keep(arena, &failures, given_desired(arena, PLACEMENT), &plan).count, 2);
	struct failures kept = retry_keep(arena, &failures, given_desired(arena, slower), &plan);
	assert_int_equal(kept.count, 1);
	assert_string_equal(kept.items[0].vm, "v2");
	assert_int_equal(kept.row, 2);
	struct failed_vm changed = v1;
	changed.entry = entry_of(arena, slower, "v1");
	assert_int_equal(retry_add(arena, &failures, &changed, 1030).items[0].attempts, 1);
}

/* A VM that is in place by now has nothing to wait for; one that is blocked may still have. */
static void test_only_what_is_left_to_do_is_kept(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct failed_vm v1 = failed(arena, "v1");
	const struct failed_vm v2 = failed(arena, "v2");
	struct failures failures = {0};
	failures = retry_add(arena, &failures, &v1, 1000);
	failures = retry_add(arena, &failures, &v2, 1000);
	struct blocked_vm blocked = {.vm = "v2"};
	const struct plan plan = {.blocked = &blocked, .blocked_count = 1};
	struct failures kept = retry_keep(arena, &failures, given_desired(arena, PLACEMENT), &plan);
	assert_int_equal(kept.count, 1);
	assert_string_equal(kept.items[0].vm, "v2");
}

static void test_it_waits_until_its_time(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct failed_vm v1 = failed(arena, "v1");
	struct failures failures = {0};
	failures = retry_add(arena, &failures, &v1, 1795400100);
	const struct reason *waits = retry_waits(arena, &failures, "v1", 1795400129);
	assert_int_equal(waits->code, CODE_DELAY);
	assert_string_equal(waits->text, "1 attempt failed, again at 2026-11-23T02:15:30Z");
	assert_null(retry_waits(arena, &failures, "v1", 1795400130));
	assert_null(retry_waits(arena, &failures, "v2", 1795400129));
}

/* Nobody may be woken for a time that has passed, or for a move that waits for something else. */
static void test_the_next_attempt_is_one_to_come(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct failed_vm v1 = failed(arena, "v1");
	const struct failed_vm v2 = failed(arena, "v2");
	const struct reason delay = {.code = CODE_DELAY, .text = ""};
	const struct reason limit = {.code = CODE_LIMIT, .text = ""};
	struct failures failures = {0};
	failures = retry_add(arena, &failures, &v1, 1000);
	failures = retry_add(arena, &failures, &v2, 1010);
	struct move moves[] = {{.vm = "v1", .uuid = "v1", .waits = &delay},
	                       {.vm = "v2", .uuid = "v2", .waits = &delay}};
	const struct plan plan = {.moves = moves, .move_count = 2};
	assert_int_equal(retry_next(&failures, &plan, 1000), 1030);
	assert_int_equal(retry_next(&failures, &plan, 1030), 1040);
	assert_int_equal(retry_next(&failures, &plan, 1040), 0);
	moves[0].waits = &limit;
	assert_int_equal(retry_next(&failures, &plan, 1000), 1040);
	moves[1].waits = NULL;
	assert_int_equal(retry_next(&failures, &plan, 1000), 0);
	struct blocked_vm blocked = {.vm = "v1"};
	const struct plan left = {.blocked = &blocked, .blocked_count = 1};
	assert_int_equal(retry_next(&failures, &left, 1000), 1030);
	assert_int_equal(retry_next(&failures, &left, 1030), 0);
}

static void test_the_record_reads_back(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct failed_vm v1 = failed(arena, "v1");
	v1.error = "busy: 'x'\n# \"y\"";
	const struct failed_vm v2 = failed(arena, "v2");
	struct failures failures = {.commit = "0123"};
	failures = retry_add(arena, &failures, &v1, 1795400100);
	failures = retry_add(arena, &failures, &v2, 0);
	const char *bytes = failures_write(arena, &failures);
	struct desired_file file = {"failures.yaml", bytes, strlen(bytes)};
	struct failures read = {0};
	assert_int_equal(failures_read(arena, &file, &read, NULL), 0);
	assert_string_equal(failures_write(arena, &read), bytes);
	assert_int_equal(read.row, 2);
	assert_string_equal(read.commit, "0123");
	assert_int_equal(read.items[0].next, 1795400130);
	assert_string_equal(read.items[0].error, v1.error);
	static const char *const wrong[] = {"",
	                                    "a: [",
	                                    "row: 1",
	                                    "row: x\nfailures: []",
	                                    "row: 1\nfailures: [x]",
	                                    "row: 1\nfailures: [{vm: a, uuid: b, entry: c, attempts: -1, error: d}]"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct desired_file bad = {"failures.yaml", wrong[i], strlen(wrong[i])};
		assert_true(failures_read(arena, &bad, &read, NULL) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_delays_double_up_to_an_hour),
	        cmocka_unit_test(test_attempts_are_counted_and_forgotten),
	        cmocka_unit_test(test_another_entry_begins_anew),
	        cmocka_unit_test(test_only_what_is_left_to_do_is_kept),
	        cmocka_unit_test(test_it_waits_until_its_time),
	        cmocka_unit_test(test_the_next_attempt_is_one_to_come),
	        cmocka_unit_test(test_the_record_reads_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
