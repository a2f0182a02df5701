/*
 * Holds by command: their list, and their form in the record.
 */
#include "state/arena.h"
#include "state/hold.h"
#include "state/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct hold_list three(struct arena *arena)
{
	const struct hold items[] = {
	        {.vm = "web-1",
	         .cancelled = true,
	         .reason = "",
	         .by = "uid 7",
	         .since = 2,
	         .entry = "0123456789abcdef"},
	        {.vm = "web-1", .reason = "until Monday: \"ä\" # no", .by = "uid 0", .since = 1},
	        {.reason = "", .by = "uid 0", .since = 3},
	};
	struct hold_list list = {0};
	for (size_t i = 0; i < 3; i++) {
		list = hold_put(arena, &list, &items[i]);
	}
	return list;
}

static void test_sorted_and_one_of_each(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct hold_list list = three(arena);
	const struct hold newer = {.vm = "web-1", .reason = "until Tuesday", .by = "uid 1", .since = 4};
	(void)state;
	list = hold_put(arena, &list, &newer);
	assert_int_equal(list.count, 3);
	assert_null(list.items[0].vm);
	assert_false(list.items[1].cancelled);
	assert_string_equal(list.items[1].reason, "until Tuesday");
	assert_true(list.items[2].cancelled);
	assert_ptr_equal(hold_find(&list, "web-1", true), &list.items[2]);
	assert_null(hold_find(&list, "web-2", false));
	list = hold_remove(arena, &list, "web-1", true);
	assert_int_equal(list.count, 2);
	assert_null(hold_find(&list, "web-1", true));
	assert_non_null(hold_find(&list, NULL, false));
}

static void test_written_and_read_back(void **state)
{
	cleanup_arena struct arena *arena = arena_create();
	struct hold_list list = three(arena);
	struct hold_list again = {0};
	const char *text = hold_write(arena, &list);
	struct desired_file file = {.name = "holds.yaml", .bytes = text, .length = strlen(text)};
	(void)state;
	assert_int_equal(hold_read(arena, &file, &again, NULL), 0);
	assert_int_equal(again.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(text_equal(again.items[i].vm, list.items[i].vm));
		assert_true(text_equal(again.items[i].entry, list.items[i].entry));
		assert_string_equal(again.items[i].reason, list.items[i].reason);
		assert_string_equal(again.items[i].by, list.items[i].by);
		assert_int_equal(again.items[i].since, list.items[i].since);
		assert_int_equal(again.items[i].cancelled, list.items[i].cancelled);
	}
	assert_string_equal(hold_write(arena, &again), text);
}

/* Nothing that was set to keep a VM still is passed over in silence. */
static void test_what_is_no_list_is_refused(void **state)
{
	static const char *const wrong[] = {
	        "",
	        "berth: 1\n",
	        "holds: {}\n",
	        "holds: [a]\n",
	        "holds: [{vm: web-1, by: a, since: 2026-01-01T00:00:00Z}]\n",
	        "holds: [{vm: web-1, by: a, reason: b, since: x}]\n",
	        "holds: [{vm: web-1, cancelled: true, by: a, reason: b, since: 2026-01-01T00:00:00Z}]\n",
	};
	cleanup_arena struct arena *arena = arena_create();
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct desired_file file = {.name = "holds.yaml", .bytes = wrong[i], .length = strlen(wrong[i])};
		struct hold_list list = {0};
		struct error err = {{0}};
		assert_int_equal(hold_read(arena, &file, &list, &err), -EBADMSG);
		assert_non_null(strstr(err.message, "holds.yaml"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_sorted_and_one_of_each),
	        cmocka_unit_test(test_written_and_read_back),
	        cmocka_unit_test(test_what_is_no_list_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
