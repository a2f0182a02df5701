/*
 * Fleets that are too large for the exact search: what places and orders alone have found must keep the same rules.
 */
#define CHECKER_HOSTS 16
#define CHECKER_VMS   160
#include "tests/unit/replay.h"

#include <stdlib.h>

enum { FLEETS = 150 };

static uint64_t fleets(void)
{
	const char *more = getenv("BERTH_TEST_FLEETS");
	return more == NULL ? FLEETS : strtoull(more, NULL, 10);
}

/* Hosts as large as it takes to make a fleet that is full to about nine tenths. */
static struct sample make_larger(struct arena *arena, uint64_t seed, bool together)
{
	struct dice dice = make_dice(seed);
	uint32_t hosts = 6 + roll(&dice, 10);
	struct sample sample = make_sample_of(arena, &dice, together, hosts, 110 + roll(&dice, 50));
	for (size_t i = 0; i < sample.inventory->host_count; i++) {
		struct host *host = &sample.inventory->hosts[i];
		uint64_t claims = 0;
		for (size_t j = 0; j < host->vm_count; j++) {
			claims += host->vms[j].memory;
		}
		host->memory = claims + (roll(&dice, 8) * GIB) - (chance(&dice, 15) ? 2 * GIB : 0);
		host->pools[0].free = roll(&dice, 200) * GIB;
	}
	for (size_t i = 0; i < sample.desired->policy_count; i++) {
		sample.desired->policies[i].count = 10;
	}
	return sample;
}

static void test_plans_keep_the_rules(void **state)
{
	(void)state;
	size_t moves = 0;
	size_t bounds = 0;
	size_t blocked = 0;
	for (uint64_t seed = 1; seed <= fleets(); seed++) {
		cleanup_arena struct arena *arena = arena_create();
		bool together = seed % 3 == 0;
		struct sample sample = make_larger(arena, seed, together);
		const struct plan *plan = planner_plan(arena, sample.desired, sample.inventory, NULL);
		struct world w = make_world(&sample);
		replay(&w, plan, seed);
		check_end(&w, plan, seed, together);
		moves += plan->move_count;
		bounds += plan->bound;
		blocked += plan->blocked_count;
	}
	print_message("%zu moves, at least %zu needed; %zu blocked\n", moves, bounds, blocked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_plans_keep_the_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
