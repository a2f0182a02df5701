/*
 * What must be true of every plan, tried on thousands of small random fleets. A failing seed is printed: it is the same
 * fleet every time.
 */
#include "tests/unit/exhaust.h"

#include <stdio.h>
#include <stdlib.h>

enum { FLEETS = 3000 };

static uint64_t fleets(void)
{
	const char *more = getenv("BERTH_TEST_FLEETS");
	return more == NULL ? FLEETS : strtoull(more, NULL, 10);
}

static const struct plan *make_plan(struct arena *arena, const struct sample *sample)
{
	return planner_plan(arena, sample->desired, sample->inventory, &(struct planner_options){.effort = 1});
}

static void test_plans_keep_the_rules(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= fleets(); seed++) {
		cleanup_arena struct arena *arena = arena_create();
		bool together = seed % 3 == 0;
		struct sample sample = make_sample(arena, seed, together);
		const struct plan *plan = make_plan(arena, &sample);
		struct world w = make_world(&sample);
		replay(&w, plan, seed);
		check_end(&w, plan, seed, together);
	}
}

static void test_the_result_of_a_plan_needs_no_plan(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= fleets(); seed++) {
		cleanup_arena struct arena *arena = arena_create();
		struct sample sample = make_sample(arena, seed, seed % 3 == 0);
		const struct plan *plan = make_plan(arena, &sample);
		struct world w = make_world(&sample);
		replay(&w, plan, seed);
		struct sample next = sample_after(arena, &sample, &w);
		const struct plan *again = make_plan(arena, &next);
		/* Blocked VMs may find new room where others' disks have left; without them nothing moves. */
		CHECK(plan->blocked_count > 0 || again->move_count == 0);
	}
}

static void reverse(void *items, size_t count, size_t size, struct arena *arena)
{
	char *bytes = items;
	char *copy = arena_grow(arena, items, count, count, size);
	for (size_t i = 0; i < count; i++) {
		memcpy(bytes + i * size, copy + (count - 1 - i) * size, size);
	}
}

static void test_the_order_of_the_input_changes_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= fleets(); seed++) {
		cleanup_arena struct arena *arena = arena_create();
		struct sample one = make_sample(arena, seed, seed % 3 == 0);
		struct sample two = make_sample(arena, seed, seed % 3 == 0);
		for (size_t i = 0; i < two.inventory->host_count; i++) {
			struct host *host = &two.inventory->hosts[i];
			reverse(host->vms, host->vm_count, sizeof(struct vm), arena);
		}
		reverse(two.inventory->hosts, two.inventory->host_count, sizeof(struct host), arena);
		inventory_sort(two.inventory);
		assert_string_equal(plan_json(arena, make_plan(arena, &one)), plan_json(arena, make_plan(arena, &two)));
	}
}

static void test_no_search_finds_a_better_plan(void **state)
{
	(void)state;
	unsigned int optimal = 0;
	for (uint64_t seed = 1; seed <= fleets(); seed++) {
		cleanup_arena struct arena *arena = arena_create();
		struct sample sample = make_sample(arena, seed, false);
		const struct plan *plan = make_plan(arena, &sample);
		struct world w = make_world(&sample);
		struct best best = search_everything(&w);
		memcpy(w.at, w.home, sizeof(w.at));
		replay(&w, plan, seed);
		int unplaced = count_unplaced(&w);
		CHECK(unplaced >= best.unplaced);
		CHECK(unplaced > best.unplaced || (int)plan->bound <= best.moves);
		CHECK(unplaced > best.unplaced || (int)plan->move_count >= best.moves);
		CHECK(!plan->optimal || unplaced == best.unplaced);
		CHECK(!plan->optimal || (int)plan->move_count == best.moves);
		CHECK(!plan->optimal || plan->memory + plan->disk == best.bytes);
		optimal += plan->optimal ? 1 : 0;
	}
	print_message("%u of %llu plans are optimal\n", optimal, (unsigned long long)fleets());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_plans_keep_the_rules),
	        cmocka_unit_test(test_the_result_of_a_plan_needs_no_plan),
	        cmocka_unit_test(test_the_order_of_the_input_changes_nothing),
	        cmocka_unit_test(test_no_search_finds_a_better_plan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
