/* Runs a plan in the world of checker.h, step by step, and looks at where it ends. */
#ifndef BERTH_TESTS_REPLAY_H
#define BERTH_TESTS_REPLAY_H

#include "tests/unit/checker.h"

#include "reconcile/planner.h"

/* A fuzz target, which has no cmocka, ends in its own way. */
#ifndef CHECKER_FAILS
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define CHECKER_FAILS(seed, what) fail_msg("fleet %llu: %s", (unsigned long long)(seed), what)
#endif

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			CHECKER_FAILS(seed, #condition);                                                               \
		}                                                                                                      \
	} while (0)

static inline int find_vm(const struct world *w, const char *name)
{
	for (int v = 0; v < w->vm_count; v++) {
		if (text_equal(w->vm[v]->name, name)) {
			return v;
		}
	}
	return -1;
}

static inline int find_host(const struct world *w, const char *name)
{
	for (int h = 0; h < w->host_count; h++) {
		if (text_equal(w->host[h]->name, name)) {
			return h;
		}
	}
	return -1;
}

/* Runs the plan in the checker's world. */
static inline void replay(struct world *w, const struct plan *plan, uint64_t seed)
{
	for (size_t i = 0; i < plan->move_count; i++) {
		const struct move *move = &plan->moves[i];
		int v = find_vm(w, move->vm);
		int from = find_host(w, move->from);
		int to = find_host(w, move->to);
		CHECK(v >= 0 && from >= 0 && to >= 0);
		CHECK(w->at[v] == from);
		CHECK(legal(w, v, to));
		w->at[v] = to;
		CHECK(free_on(w, from) == move->free_from_after);
		CHECK(free_on(w, to) == move->free_to_after);
		CHECK(text_equal(move->uuid, w->vm[v]->uuid));
	}
	for (size_t i = 0; i < plan->move_count; i++) {
		const struct move *move = &plan->moves[i];
		CHECK(move->hop == (find_host(w, move->to) != w->at[find_vm(w, move->vm)]));
	}
}

static inline bool is_blocked(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->blocked_count; i++) {
		if (text_equal(plan->blocked[i].vm, name)) {
			return true;
		}
	}
	return false;
}

static inline bool is_parted(const struct world *w, const struct policy *p)
{
	for (int a = 0; a < w->vm_count; a++) {
		for (int b = 0; b < a; b++) {
			if (is_member(w, p, a) && is_member(w, p, b) && !same_group(w, p, w->at[a], w->at[b])) {
				return true;
			}
		}
	}
	return false;
}

/* Would a plan without any move of this VM do as well? `w` is at the end of the plan. */
static inline bool is_needless(const struct world *w, const struct plan *plan, int v)
{
	struct world other = *w;
	memcpy(other.at, w->home, sizeof(other.at));
	for (size_t i = 0; i < plan->move_count; i++) {
		int moved = find_vm(w, plan->moves[i].vm);
		int to = find_host(w, plan->moves[i].to);
		if (moved != v && !legal(&other, moved, to)) {
			return false;
		}
		other.at[moved] = moved == v ? other.at[moved] : to;
	}
	struct world end = *w;
	return count_unplaced(&other) <= count_unplaced(&end);
}

static inline void check_end(struct world *w, const struct plan *plan, uint64_t seed, bool together)
{
	for (int v = 0; v < w->vm_count; v++) {
		bool blocked = is_blocked(plan, w->vm[v]->name);
		CHECK(!w->movable[v] || suits(w, v, w->at[v]) || blocked);
		CHECK(w->at[v] == w->home[v] || w->movable[v]);
		CHECK(!blocked || w->at[v] == w->home[v]);
	}
	CHECK(together || may_end(w));
	for (size_t i = 0; i < plan->move_count && !together; i++) {
		CHECK(!is_needless(w, plan, find_vm(w, plan->moves[i].vm)));
	}
	CHECK(plan->feasible == (plan->blocked_count == 0));
	CHECK(plan->bound <= plan->move_count);
	CHECK(plan->optimal == (plan->bound == plan->move_count));
	struct world start = *w;
	memcpy(start.at, w->home, sizeof(start.at));
	for (size_t i = 0; i < w->desired->policy_count; i++) {
		const struct policy *p = &w->desired->policies[i];
		CHECK(p->kind != POLICY_TOGETHER || is_parted(&start, p) || !is_parted(w, p));
	}
}

/* What the inventory is after the plan's moves. */
static inline struct sample sample_after(struct arena *arena, const struct sample *sample, const struct world *w)
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

#endif
