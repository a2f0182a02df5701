/* The plan on a terminal: widths, colours, and names that try to be more than names. */
#include "state/arena.h"
#include "state/plan.h"
#include "state/text.h"
#include "state/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct move MOVES[] = {
        {.vm = "web-1",
         .uuid = "u",
         .from = "node1",
         .to = "node2",
         .mode = MOVE_LIVE,
         .memory = 4 * GIB,
         .disk = 12 * GIB,
         .reason = "pinned to node2",
         .free_from_after = 8 * (int64_t)GIB,
         .free_to_after = (int64_t)GIB},
        {.vm = "a-longer-name",
         .uuid = "u",
         .from = "n1",
         .to = "node2",
         .mode = MOVE_SUSPENDED,
         .memory = GIB,
         .reason = "node1 is in maintenance",
         .waits = &(const struct reason){CODE_HOLD, "until Monday"}},
};

static struct blocked_vm BLOCKED[] = {
        {"db-1", {CODE_MEMORY, "node2 has 3.2 GiB free, web-1 needs 4 GiB: 0.8 GiB short"}},
};

static struct plan sample(void)
{
	return (struct plan){
	        .id = "sha256:0123456789012345678901234567890123456789012345678901234567890123",
	        .moves = MOVES,
	        .move_count = 2,
	        .bound = 2,
	        .optimal = true,
	        .memory = 5 * GIB,
	        .disk = 12 * GIB,
	        .blocked = BLOCKED,
	        .blocked_count = 1,
	};
}

/* No line is longer, unless it is a single word. */
static void check_width(const char *text, size_t columns)
{
	for (const char *line = text; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		char copy[1024];
		assert_true(length < sizeof(copy));
		memcpy(copy, line, length);
		copy[length] = '\0';
		const char *first = copy + strspn(copy, " ");
		if (text_width(copy) > columns && strchr(first, ' ') != NULL) {
			fail_msg("longer than %zu: %s", columns, copy);
		}
		line += length + (line[length] == '\n' ? 1 : 0);
	}
}

static void test_in_sync_is_one_line(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct plan plan = {.id = "sha256:0", .in_sync = true, .feasible = true, .optimal = true};
	assert_string_equal(plan_text(arena, &plan, 80, false), "In sync: nothing to move\n");
	plan.missing_count = 2;
	plan.unmanaged_count = 3;
	assert_string_equal(plan_text(arena, &plan, 80, false), "In sync: nothing to move (2 missing, 3 unmanaged)\n");
}

static void test_moves_are_aligned(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct plan plan = sample();
	const char *text = plan_text(arena, &plan, 80, false);
	assert_non_null(strstr(text, "\n  1  web-1          node1 → node2  live       4 GiB RAM + 12 GiB disk\n"
	                             "     pinned to node2; leaves 8 GiB free on node1, 1 GiB on node2\n"
	                             "  2  a-longer-name  n1 → node2     suspended  1 GiB RAM\n"
	                             "     node1 is in maintenance; leaves 0 B free on n1, 0 B on node2\n"
	                             "     waits (hold): until Monday\n"));
	assert_non_null(strstr(text, "  db-1 (memory)\n    node2 has 3.2 GiB free,"));
}

static void test_every_width_is_kept(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct plan plan = sample();
	for (unsigned int columns = 20; columns <= 120; columns++) {
		check_width(plan_text(arena, &plan, columns, false), columns);
	}
	assert_non_null(plan_text(arena, &plan, 0, false));
}

static void test_colour_only_when_asked(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct plan plan = sample();
	assert_null(strchr(plan_text(arena, &plan, 80, false), '\033'));
	assert_non_null(strchr(plan_text(arena, &plan, 80, true), '\033'));
}

static void test_names_from_outside_are_only_names(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	static const char evil[] = "x\033[2J\ny\xe2\x80\xae";
	struct move move = MOVES[0];
	move.vm = evil;
	move.reason = evil;
	struct blocked_vm blocked = {evil, {CODE_PREFLIGHT, evil}};
	struct unmanaged_vm unmanaged = {evil, evil, evil, 0};
	struct sighting seen = {evil, evil, VM_RUNNING};
	struct contested_vm contested = {evil, &seen, 1};
	struct named_vm named = {evil, evil};
	const char *desired = evil;
	struct drifted_vm drift = {evil, &desired, 1, evil, DRIFT_REPORT};
	const char *warning = evil;
	struct plan plan = {.id = "sha256:0",
	                    .moves = &move,
	                    .move_count = 1,
	                    .blocked = &blocked,
	                    .blocked_count = 1,
	                    .drift = &drift,
	                    .drift_count = 1,
	                    .missing = &named,
	                    .missing_count = 1,
	                    .unknown = &named,
	                    .unknown_count = 1,
	                    .unmanaged = &unmanaged,
	                    .unmanaged_count = 1,
	                    .conflicts = &contested,
	                    .conflict_count = 1,
	                    .decisions = &contested,
	                    .decision_count = 1,
	                    .warnings = &warning,
	                    .warning_count = 1};
	const char *text = plan_text(arena, &plan, 80, false);
	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_null(strstr(text, "\ny"));
}

static void test_json_of_names_that_are_not_utf8(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct unmanaged_vm unmanaged = {"a\xff\"b", "u", "h", UINT64_MAX};
	struct plan plan = {.id = "sha256:0", .unmanaged = &unmanaged, .unmanaged_count = 1};
	const char *json = plan_json(arena, &plan);
	assert_true(text_is_utf8(json, strlen(json)));
	assert_non_null(strstr(json, "\"vm\": \"a?\\\"b\""));
	assert_non_null(strstr(json, "9223372036854775807"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_in_sync_is_one_line),
	        cmocka_unit_test(test_moves_are_aligned),
	        cmocka_unit_test(test_every_width_is_kept),
	        cmocka_unit_test(test_colour_only_when_asked),
	        cmocka_unit_test(test_names_from_outside_are_only_names),
	        cmocka_unit_test(test_json_of_names_that_are_not_utf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
