/*
 * Fleets that are too large for the exact search: what places and orders alone have found must keep the same rules.
 */
#define CHECKER_HOSTS 16
#define CHECKER_VMS   160
#include "tests/unit/exhaust.h"

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

/* A small fleet beside a full host with so many VMs that nothing can be searched as a whole; the best plan is the same.
 */
static struct sample beside_many(struct arena *arena, const struct sample *small)
{
	enum { MANY = 70 };
	struct sample large = {arena_alloc(arena, sizeof(struct desired)),
	                       arena_alloc(arena, sizeof(struct inventory))};
	*large.desired = *small->desired;
	*large.inventory = *small->inventory;
	size_t hosts = small->desired->host_count;
	size_t seen = small->inventory->host_count;
	size_t vms = small->desired->vm_count;
	large.desired->hosts = arena_grow(arena, small->desired->hosts, hosts, hosts + 1, sizeof(struct desired_host));
	large.desired->hosts[large.desired->host_count++] = (struct desired_host){.name = "x", .limit = UINT64_MAX};
	large.inventory->hosts = arena_grow(arena, small->inventory->hosts, seen, seen + 1, sizeof(struct host));
	struct host *host = &large.inventory->hosts[large.inventory->host_count++];
	*host = (struct host){
	        .name = "x", .uuid = "", .memory = MANY * GIB, .libvirt = "8.0.0", .qemu = "6.0.0", .cpu = ""};
	host->vms = arena_array(arena, MANY, sizeof(struct vm));
	large.desired->vms = arena_grow(arena, small->desired->vms, vms, vms + MANY, sizeof(struct desired_vm));
	for (uint32_t i = 0; i < MANY; i++) {
		const char *name = arena_print(arena, "x%03u", i);
		large.desired->vms[large.desired->vm_count++] =
		        (struct desired_vm){.name = name, .migration = migration_default()};
		host->vms[host->vm_count++] = (struct vm){.name = name,
		                                          .uuid = arena_print(arena, "x-%u", i),
		                                          .state = VM_RUNNING,
		                                          .memory = GIB,
		                                          .persistent = true};
	}
	return large;
}

static void test_nearly_as_good_as_a_search_of_everything(void **state)
{
	(void)state;
	enum { SMALL_FLEETS = 1500, WORSE_AT_MOST = 20 };
	unsigned int more_unplaced = 0;
	unsigned int more_moves = 0;
	for (uint64_t seed = 1; seed <= SMALL_FLEETS; seed++) {
		cleanup_arena struct arena *arena = arena_create();
		struct sample small = make_sample(arena, seed, false);
		struct sample large = beside_many(arena, &small);
		const struct plan *plan = planner_plan(arena, large.desired, large.inventory, NULL);
		struct world w = make_world(&small);
		struct best best = search_everything(&w);
		memcpy(w.at, w.home, sizeof(w.at));
		replay(&w, plan, seed);
		int unplaced = count_unplaced(&w);
		CHECK(unplaced >= best.unplaced);
		/* The bound is that of the same placement: others blocked may make a shorter plan. */
		CHECK(unplaced > 0 || (int)plan->bound <= best.moves);
		CHECK(unplaced > best.unplaced || (int)plan->move_count >= best.moves);
		more_unplaced += unplaced > best.unplaced ? 1 : 0;
		more_moves += unplaced == best.unplaced && (int)plan->move_count > best.moves ? 1 : 0;
	}
	print_message("of %d: %u with more unplaced, %u with more moves\n", SMALL_FLEETS, more_unplaced, more_moves);
	assert_true(more_unplaced + more_moves <= WORSE_AT_MOST);
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
	        cmocka_unit_test(test_nearly_as_good_as_a_search_of_everything),
	        cmocka_unit_test(test_the_cheaper_one_makes_the_hop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
