/*
 * Fleets that are too large for the exact search: what places and orders alone have found must keep the same rules.
 */
#define CHECKER_HOSTS 16
#define CHECKER_VMS   160
#include "tests/unit/replay.h"

#include "tests/unit/given.h"

#include <stdlib.h>

enum { FLEETS = 60 };

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

/* Two full hosts exchange VMs, among many others: the one with fewer bytes makes the hop. */
static void test_the_cheaper_one_makes_the_hop(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct text placement;
	struct text inventory;
	text_init(&placement, arena);
	text_init(&inventory, arena);
	text_add(&placement, "defaults: {memory: {reserve: 0B}}\n"
	                     "hosts: {n1: {uri: 'test:///1'}, n2: {uri: 'test:///2'}, n3: {uri: 'test:///3'}}\n"
	                     "vms:\n  a: {host: n2}\n  b: {host: n1}\n");
	static const char vm[] = "{uuid: 00000000-0000-0000-0000-%012d, state: running, memory: %dGiB, disks: {}}";
	text_add(&inventory, "berth: 1\nhosts:\n  n1: {memory: 5GiB, vms: {a: ");
	text_print(&inventory, vm, 1, 5);
	text_add(&inventory, "}}\n  n2: {memory: 5GiB, vms: {b: ");
	text_print(&inventory, vm, 2, 4);
	text_add(&inventory, "}}\n  n3:\n    memory: 105GiB\n    vms:\n");
	for (int i = 0; i < 100; i++) {
		text_print(&placement, "  x%03d: {}\n", i);
		text_print(&inventory, "      x%03d: ", i);
		text_print(&inventory, vm, 100 + i, 1);
		text_add(&inventory, "\n");
	}
	const struct plan *plan = planner_plan(arena, given_desired(arena, text_string(&placement)),
	                                       given_inventory(arena, text_string(&inventory)), NULL);
	assert_int_equal(plan->move_count, 3);
	assert_int_equal(plan->bound, 3);
	assert_string_equal(plan->moves[0].vm, "b");
	assert_true(plan->moves[0].hop);
	assert_string_equal(plan->moves[0].to, "n3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_plans_keep_the_rules),
	        cmocka_unit_test(test_the_cheaper_one_makes_the_hop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
