#include "reconcile/gate.h"
#include "state/arena.h"
#include "state/units.h"
#include "tests/unit/given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char PLACEMENT[] =
        "hosts: {a: {uri: 'test:///a'}}\n"
        "vms: {day: {host: a}, night: {host: a, labels: {app: db}}}\n"
        "policies:\n"
        "  nights: {window: {days: [sat, sun], from: '22:00', to: '05:00', timezone: Europe/Paris},"
        " vms: {app: db}}\n"
        "  noon: {window: {days: [mon], from: '12:00', to: '13:00'}, vms: [night]}\n";

static const struct desired *parse(struct arena *arena)
{
	struct desired_file file = {.name = "p.yaml", .bytes = PLACEMENT, .length = sizeof(PLACEMENT) - 1};
	const struct desired *desired = NULL;
	struct problem_list problems = {0};
	if (desired_parse(arena, NULL, &file, 1, &desired, &problems) < 0) {
		fail_msg("%s", problems.lines[0]);
	}
	return desired;
}

static const char HOSTS[] = "hosts:\n"
                            "  a: {memory: 1GiB, vms: {}}\n"
                            "  b: {memory: 1GiB, vms: {}}\n";

/* Does the move of this VM wait for a window at that time? */
static bool waits(const char *vm, const char *time)
{
	cleanup_arena struct arena *arena = arena_create();
	struct move move = {.vm = vm, .uuid = "", .from = "a", .to = "b"};
	const struct plan plan = {.moves = &move, .move_count = 1};
	int64_t seconds = 0;
	assert_true(units_parse_time(time, &seconds));
	const struct plan *gated =
	        gate_plan(arena, parse(arena), given_inventory(arena, HOSTS), &plan, &(struct gating){.now = seconds});
	assert_null(move.waits);
	if (gated->moves[0].waits != NULL) {
		assert_int_equal(gated->moves[0].waits->code, CODE_WINDOW);
		assert_string_equal(gated->moves[0].waits->text, "outside of nights, noon");
	}
	return gated->moves[0].waits != NULL;
}

static void test_a_vm_without_a_window_never_waits(void **state)
{
	(void)state;
	assert_false(waits("day", "2026-11-25T12:00:00Z"));
}

/* Saturday is 2026-11-28; in Paris it is an hour later than in UTC then, and two hours in summer. */
static void test_a_window_opens_by_its_own_clock(void **state)
{
	(void)state;
	assert_true(waits("night", "2026-11-28T20:59:00Z"));
	assert_false(waits("night", "2026-11-28T21:00:00Z"));
	assert_false(waits("night", "2026-11-30T03:59:00Z"));
	assert_true(waits("night", "2026-11-30T04:00:00Z"));
	assert_true(waits("night", "2026-07-04T19:59:00Z"));
	assert_false(waits("night", "2026-07-04T20:00:00Z"));
	assert_true(waits("night", "2026-11-28T03:00:00Z"));
}

static void test_windows_add_up(void **state)
{
	(void)state;
	assert_false(waits("night", "2026-11-30T12:30:00Z"));
	assert_true(waits("night", "2026-11-30T13:00:00Z"));
}

static void test_a_mark_that_is_there_stays(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	const struct reason hold = {.code = CODE_HOLD, .text = "until Monday"};
	struct move move = {.vm = "night", .uuid = "", .from = "a", .to = "b", .waits = &hold};
	const struct plan plan = {.moves = &move, .move_count = 1};
	const struct plan *gated =
	        gate_plan(arena, parse(arena), given_inventory(arena, HOSTS), &plan, &(struct gating){0});
	assert_int_equal(gated->moves[0].waits->code, CODE_HOLD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_vm_without_a_window_never_waits),
	        cmocka_unit_test(test_a_window_opens_by_its_own_clock),
	        cmocka_unit_test(test_windows_add_up),
	        cmocka_unit_test(test_a_mark_that_is_there_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
