/*
 * Any bytes as a small fleet, and its plan. What must hold: every step is allowed by every rule, as the planner's own
 * simulation and the checker of the unit tests have it; the plan ends in place or names who does not; the order of the
 * input changes no byte; the result of a plan needs no plan; the bound is not above the moves.
 *
 * The bytes are the dice of tests/unit/random_fleet.h, so that each decides one thing; beyond their end all are 0.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static const uint8_t *fuzz_bytes;
static size_t fuzz_left;

#define RANDOM_FLEET_ROLLS
struct dice {
	uint64_t state;
};

static inline uint32_t roll(struct dice *dice, uint32_t sides)
{
	(void)dice;
	if (fuzz_left == 0) {
		return 0;
	}
	fuzz_left--;
	return *fuzz_bytes++ % sides;
}

/* Said by the checks of the unit tests where they fail. */
#define CHECKER_FAILS(seed, what) ((void)(seed), (void)(what), abort())

#include "tests/unit/replay.h"

#include "reconcile/simulate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static struct sample sample_of(struct arena *arena, const uint8_t *data, size_t size, bool *ret_together)
{
	struct dice dice = {0};
	fuzz_bytes = data;
	fuzz_left = size;
	*ret_together = chance(&dice, 30);
	uint32_t hosts = 1 + roll(&dice, HOSTS);
	return make_sample_of(arena, &dice, *ret_together, hosts, 1 + roll(&dice, VMS));
}

/* Each step once more, as whoever carries the plan out would ask. */
static void check_steps(struct arena *arena, const struct sample *sample, const struct plan *plan)
{
	const struct fleet *fleet = fleet_build(arena, sample->desired, sample->inventory);
	struct simulation *sim = simulate_begin(arena, fleet);
	for (size_t i = 0; i < plan->move_count; i++) {
		uint32_t vm = 0;
		while (vm < fleet->vm_count && !text_equal(fleet->vms[vm].name, plan->moves[i].vm)) {
			vm++;
		}
		must(vm < fleet->vm_count);
		uint32_t to = fleet_host_index(fleet, plan->moves[i].to);
		must(simulate_allows(sim, vm, to, NULL));
		simulate_move(sim, vm, to);
	}
}

static void reverse(struct arena *arena, void *items, size_t count, size_t size)
{
	char *bytes = items;
	char *copy = arena_grow(arena, items, count, count, size);
	for (size_t i = 0; i < count; i++) {
		memcpy(bytes + i * size, copy + (count - 1 - i) * size, size);
	}
}

static void check_shuffled(struct arena *arena, struct sample again, const char *json)
{
	for (size_t i = 0; i < again.inventory->host_count; i++) {
		struct host *host = &again.inventory->hosts[i];
		reverse(arena, host->vms, host->vm_count, sizeof(struct vm));
	}
	reverse(arena, again.inventory->hosts, again.inventory->host_count, sizeof(struct host));
	inventory_sort(again.inventory);
	must(strcmp(json, plan_json(arena, planner_plan(arena, again.desired, again.inventory, NULL))) == 0);
}

static void check_again(struct arena *arena, const struct sample *sample, const struct world *end)
{
	struct sample next = sample_after(arena, sample, end);
	must(planner_plan(arena, next.desired, next.inventory, NULL)->move_count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena *arena = arena_create();
	bool together;
	struct sample sample = sample_of(arena, data, size, &together);
	const struct plan *plan = planner_plan(arena, sample.desired, sample.inventory, NULL);
	struct world w = make_world(&sample);
	replay(&w, plan, 0);
	check_end(&w, plan, 0, together);
	check_steps(arena, &sample, plan);
	check_shuffled(arena, sample_of(arena, data, size, &together), plan_json(arena, plan));
	/* Those who are blocked may find new room where others' disks have left. */
	if (plan->blocked_count == 0) {
		check_again(arena, &sample, &w);
	}
	return 0;
}
