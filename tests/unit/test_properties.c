/*
 * What must be true of every plan, tried on thousands of small random fleets. A failing seed is printed: it is the same
 * fleet every time.
 */
#include "tests/unit/replay.h"

#include <limits.h>
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

/* What the inventory is after the plan's moves. */
static struct sample after(struct arena *arena, const struct sample *sample, const struct world *w)
{
	struct sample result = {sample->desired, arena_alloc(arena, sizeof(struct inventory))};
	size_t count = sample->inventory->host_count;
	*result.inventory = *sample->inventory;
	result.inventory->hosts = arena_grow(arena, sample->inventory->hosts, count, count, sizeof(struct host));
	for (size_t i = 0; i < count; i++) {
		struct host *host = &result.inventory->hosts[i];
		host->vms = arena_array(arena, VMS, sizeof(struct vm));
		host->pools = arena_grow(arena, host->pools, 1, 1, sizeof(struct pool));
		host->vm_count = 0;
		for (int h = 0; h < w->host_count; h++) {
			if (w->seen[h] != &sample->inventory->hosts[i]) {
				continue;
			}
			int64_t free = pool_free(w, h);
			host->pools[0].free = free < 0 ? 0 : (uint64_t)free;
			for (int v = 0; v < w->vm_count; v++) {
				if (w->at[v] == h) {
					host->vms[host->vm_count++] = *w->vm[v];
				}
			}
		}
	}
	inventory_sort(result.inventory);
	return result;
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
		struct sample next = after(arena, &sample, &w);
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

struct best {
	int unplaced;
	int moves;
	uint64_t bytes;
};

static uint64_t bytes_of_move(const struct world *w, int v)
{
	return w->vm[v]->memory + (is_local(w, v) ? w->vm[v]->disks[0].used : 0);
}

static bool is_better(const struct best *a, const struct best *b)
{
	if (a->unplaced != b->unplaced) {
		return a->unplaced < b->unplaced;
	}
	return a->moves != b->moves ? a->moves < b->moves : a->bytes < b->bytes;
}

/*
 * Every state that moves can lead to, breadth first: the least that can be left unplaced, the moves it takes, and the
 * bytes of these. All states of one number of moves come before those of the next, so that their bytes are final.
 */
static struct best search_everything(struct world *w)
{
	enum { STATES = 65536 };
	static uint16_t queue[STATES];
	static int16_t moves[STATES];
	static uint64_t bytes[STATES];
	struct best best = {INT_MAX, 0, 0};
	uint32_t states = 1;
	for (int v = 0; v < w->vm_count; v++) {
		states *= (uint32_t)w->host_count;
	}
	assert_true(states <= STATES);
	memset(moves, 0xff, sizeof(moves));
	uint32_t start = 0;
	for (int v = w->vm_count - 1; v >= 0; v--) {
		start = start * (uint32_t)w->host_count + (uint32_t)w->home[v];
	}
	uint32_t first = 0;
	uint32_t end = 0;
	queue[end++] = (uint16_t)start;
	moves[start] = 0;
	bytes[start] = 0;
	while (first < end) {
		uint32_t code = queue[first++];
		uint32_t rest = code;
		for (int v = 0; v < w->vm_count; v++) {
			w->at[v] = (int)(rest % (uint32_t)w->host_count);
			rest /= (uint32_t)w->host_count;
		}
		struct best here = {count_unplaced(w), moves[code], bytes[code]};
		if (is_better(&here, &best) && may_end(w)) {
			best = here;
		}
		uint32_t weight = 1;
		for (int v = 0; v < w->vm_count; v++, weight *= (uint32_t)w->host_count) {
			for (int h = 0; h < w->host_count; h++) {
				uint32_t next = code - (uint32_t)w->at[v] * weight + (uint32_t)h * weight;
				bool known = moves[next] >= 0;
				if ((known && moves[next] != moves[code] + 1) || !w->movable[v] || hopeless(w, v) ||
				    !legal(w, v, h)) {
					continue;
				}
				uint64_t sum = bytes[code] + bytes_of_move(w, v);
				bytes[next] = known && bytes[next] < sum ? bytes[next] : sum;
				moves[next] = (int16_t)(moves[code] + 1);
				if (!known) {
					queue[end++] = (uint16_t)next;
				}
			}
		}
	}
	return best;
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
