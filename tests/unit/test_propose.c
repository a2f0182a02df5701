/*
 * What must be true of every proposal, tried on random fleets, small and larger: its plan keeps every rule, and what it
 * says of its gain is so.
 */
#define CHECKER_HOSTS 16
#define CHECKER_VMS   160
#include "tests/unit/given.h"
#include "tests/unit/replay.h"

#include "reconcile/propose.h"

#include <math.h>

enum { SMALL = 300, LARGER = 2, SPREAD_SEEDS = SMALL + LARGER };

/* Small fleets first, then larger ones with room to move. */
static struct sample sample_of(struct arena *arena, uint64_t seed)
{
	if (seed <= SMALL) {
		return make_sample(arena, seed, seed % 3 == 0);
	}
	struct dice dice = make_dice(seed);
	struct sample sample = make_sample_of(arena, &dice, seed % 3 == 0, 6 + roll(&dice, 10), 100 + roll(&dice, 50));
	for (size_t i = 0; i < sample.inventory->host_count; i++) {
		uint64_t claims = 0;
		for (size_t j = 0; j < sample.inventory->hosts[i].vm_count; j++) {
			claims += sample.inventory->hosts[i].vms[j].memory;
		}
		sample.inventory->hosts[i].memory = claims + roll(&dice, 40) * GIB;
		sample.inventory->hosts[i].pools[0].free = roll(&dice, 400) * GIB;
	}
	return sample;
}

static const struct change *change_of(const struct proposal *proposal, const char *vm)
{
	for (size_t i = 0; i < proposal->change_count; i++) {
		if (text_equal(proposal->changes[i].vm, vm)) {
			return &proposal->changes[i];
		}
	}
	return NULL;
}

/* The fleet with the proposed placement: what has a new entry has not been in place under it. */
static struct sample proposed(struct arena *arena, const struct sample *sample, const struct proposal *proposal)
{
	struct sample result = {arena_alloc(arena, sizeof(struct desired)),
	                        arena_alloc(arena, sizeof(struct inventory))};
	*result.desired = *proposal->desired;
	*result.inventory = *sample->inventory;
	size_t count = sample->inventory->host_count;
	result.inventory->hosts = arena_grow(arena, sample->inventory->hosts, count, count, sizeof(struct host));
	for (size_t i = 0; i < count; i++) {
		struct host *host = &result.inventory->hosts[i];
		host->vms = arena_grow(arena, host->vms, host->vm_count, host->vm_count, sizeof(struct vm));
		for (size_t j = 0; j < host->vm_count; j++) {
			host->vms[j].in_place = host->vms[j].in_place && change_of(proposal, host->vms[j].name) == NULL;
		}
	}
	return result;
}

static bool counts(const struct world *w, int h)
{
	return w->seen[h] != NULL && w->seen[h]->connection == NULL && !w->host[h]->maintenance &&
	       capacity_of(w, h) > 0;
}

static int count_hosts(const struct world *w)
{
	int count = 0;
	for (int h = 0; h < w->host_count; h++) {
		count += counts(w, h) ? 1 : 0;
	}
	return count;
}

static double fill_of(const struct world *w, int h)
{
	return 1.0 - (double)free_on(w, h) / (double)capacity_of(w, h);
}

static double spread_of(const struct world *w)
{
	double sum = 0;
	double squares = 0;
	int count = count_hosts(w);
	for (int h = 0; h < w->host_count; h++) {
		sum += counts(w, h) ? fill_of(w, h) : 0;
	}
	for (int h = 0; h < w->host_count; h++) {
		double distance = counts(w, h) ? fill_of(w, h) - sum / count : 0;
		squares += distance * distance;
	}
	return count == 0 ? 0 : sqrt(squares / count);
}

static struct world end_of(const struct sample *sample, const struct plan *plan, uint64_t seed)
{
	struct world w = make_world(sample);
	replay(&w, plan, seed);
	return w;
}

static struct world present_end(struct arena *arena, const struct sample *sample, uint64_t seed)
{
	return end_of(sample, planner_plan(arena, sample->desired, sample->inventory, NULL), seed);
}

/* Nothing of an entry has changed but its host, which is one that it allows. */
static void check_entries(const struct sample *sample, const struct proposal *proposal, uint64_t seed)
{
	size_t changed = 0;
	for (size_t i = 0; i < sample->desired->vm_count; i++) {
		const struct desired_vm *old = &sample->desired->vms[i];
		const struct desired_vm *new = &proposal->desired->vms[i];
		const struct change *change = change_of(proposal, old->name);
		CHECK(text_equal(old->name, new->name) && old->where.items == new->where.items);
		if (change == NULL) {
			CHECK(old->hosts == new->hosts && old->pinned == new->pinned);
			continue;
		}
		changed++;
		bool allowed = old->host_count == 0 || old->pinned;
		for (size_t j = 0; j < old->host_count; j++) {
			allowed = allowed || text_equal(old->hosts[j], change->to);
		}
		CHECK(allowed && new->host_count == 1 && text_equal(new->hosts[0], change->to));
		CHECK(new->pinned == (new->where.count == 0));
	}
	CHECK(changed == proposal->change_count);
}

/* Everybody with a new entry gets there. */
static void check_plan(const struct sample *fleet, struct world *w, const struct proposal *proposal, uint64_t seed)
{
	bool together = seed % 3 == 0;
	*w = end_of(fleet, proposal->plan, seed);
	check_end(w, proposal->plan, seed, together);
	for (size_t i = 0; i < proposal->change_count; i++) {
		int v = find_vm(w, proposal->changes[i].vm);
		CHECK(w->at[v] == find_host(w, proposal->changes[i].to));
		CHECK(w->home[v] == find_host(w, proposal->changes[i].from));
	}
}

static void check_no_group_is_parted(const struct world *before, const struct world *after, uint64_t seed)
{
	for (size_t i = 0; i < before->desired->policy_count; i++) {
		const struct policy *p = &before->desired->policies[i];
		CHECK(p->kind != POLICY_TOGETHER || is_parted(before, p) || !is_parted(after, p));
	}
}

static void test_balancing(void **state)
{
	(void)state;
	double before = 0;
	double after = 0;
	size_t changes = 0;
	for (uint64_t seed = 1; seed <= SPREAD_SEEDS; seed++) {
		cleanup_arena struct arena *arena = arena_create();
		struct sample sample = sample_of(arena, seed);
		struct propose_options options = {.min_gain = PROPOSE_MIN_GAIN * (seed % 4),
		                                  .keep_pins = seed % 5 == 0};
		const struct proposal *p = propose_balance(arena, sample.desired, sample.inventory, &options);
		struct sample fleet = proposed(arena, &sample, p);
		struct world start = present_end(arena, &sample, seed);
		struct world end;
		check_entries(&sample, p, seed);
		check_plan(&fleet, &end, p, seed);
		check_no_group_is_parted(&start, &end, seed);
		CHECK(fabs(spread_of(&start) - (double)p->before / 1e6) < 3e-6);
		CHECK(fabs(spread_of(&end) - (double)p->after / 1e6) < 3e-6);
		CHECK((p->change_count == 0 && p->before == p->after) || p->after < p->before);
		double gain = count_hosts(&start) * (spread_of(&start) - spread_of(&end));
		CHECK(gain >= (double)(options.min_gain * p->change_count) / 1e6 - 1e-4);
		for (size_t i = 0; options.keep_pins && i < p->change_count; i++) {
			CHECK(!start.entry[find_vm(&start, p->changes[i].vm)]->pinned);
		}
		before += spread_of(&start);
		after += spread_of(&end);
		changes += p->change_count;
	}
	print_message("spread %.4f before, %.4f after %zu changes\n", before / SPREAD_SEEDS, after / SPREAD_SEEDS,
	              changes);
	assert_true(after < 0.9 * before);
}

/* No single move of a VM that is free to choose would have gained enough. */
static void test_no_single_move_is_left(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SMALL; seed++) {
		cleanup_arena struct arena *arena = arena_create();
		struct sample sample = make_sample(arena, seed, false);
		struct propose_options options = {.min_gain = PROPOSE_MIN_GAIN};
		const struct proposal *p = propose_balance(arena, sample.desired, sample.inventory, &options);
		struct sample fleet = proposed(arena, &sample, p);
		const struct plan *present = planner_plan(arena, sample.desired, sample.inventory, NULL);
		/* Where the present placement moves or blocks something, room that is made changes that, too. */
		if (p->plan->blocked_count + present->blocked_count + present->move_count > 0) {
			continue;
		}
		struct world end = end_of(&fleet, p->plan, seed);
		struct world original = make_world(&sample);
		memcpy(original.at, end.at, sizeof(end.at));
		double spread = spread_of(&end);
		for (int v = 0; v < end.vm_count; v++) {
			/* What has moved moves once only, as the checker sees it. */
			if (!original.movable[v] || end.at[v] != end.home[v] || !suits(&original, v, end.at[v]) ||
			    original.entry[v]->pinned) {
				continue;
			}
			for (int h = 0; h < end.host_count; h++) {
				if (h == end.at[v] || !suits(&original, v, h) || !legal(&original, v, h) ||
				    !counts(&end, h) || !counts(&end, end.at[v])) {
					continue;
				}
				struct world other = original;
				other.at[v] = h;
				CHECK(count_hosts(&end) * (spread - spread_of(&other)) < 0.011);
			}
		}
	}
}

static void test_draining(void **state)
{
	(void)state;
	size_t emptied = 0;
	for (uint64_t seed = 1; seed <= SPREAD_SEEDS; seed++) {
		cleanup_arena struct arena *arena = arena_create();
		struct sample sample = sample_of(arena, seed);
		struct propose_options options = {0};
		const char *name = sample.desired->hosts[seed % sample.desired->host_count].name;
		const struct proposal *p = NULL;
		assert_int_equal(propose_drain(arena, sample.desired, sample.inventory, name, &options, &p, NULL), 0);
		struct sample fleet = proposed(arena, &sample, p);
		struct world start = make_world(&sample);
		struct world end;
		check_entries(&sample, p, seed);
		check_plan(&fleet, &end, p, seed);
		int host = find_host(&end, name);
		int before = 0;
		size_t left = 0;
		for (int v = 0; v < end.vm_count; v++) {
			before += start.at[v] == host ? 1 : 0;
			if (end.at[v] == host) {
				CHECK(left < p->left_count && text_equal(p->left[left].vm, end.vm[v]->name));
				CHECK(p->left[left].reason[0] != '\0');
				left++;
			}
			/* Nobody is to come back when the maintenance is over. */
			CHECK(end.entry[v] == NULL || !end.movable[v] || !end.entry[v]->pinned ||
			      !text_equal(end.entry[v]->hosts[0], name) || end.at[v] == host ||
			      is_blocked(p->plan, end.vm[v]->name));
		}
		CHECK(left == p->left_count && p->after == (int64_t)left && p->before == before);
		CHECK(end.host[host]->maintenance);
		emptied += left == 0 ? 1 : 0;
	}
	print_message("%zu of %d hosts emptied\n", emptied, SPREAD_SEEDS);
}

/* The best eligible host, looked for in the checker's words. */
static int64_t most_free(const struct world *w, int v)
{
	int64_t most = suits(w, v, w->at[v]) ? free_on(w, w->at[v]) : INT64_MIN;
	for (int h = 0; h < w->host_count; h++) {
		bool suitable = w->entry[v]->pinned || suits(w, v, h);
		if (h != w->home[v] && h != w->at[v] && suitable && legal(w, v, h)) {
			int64_t free = free_on(w, h) - (int64_t)(w->vm[v]->memory + w->host[h]->overhead);
			most = free > most ? free : most;
		}
	}
	return most;
}

static void test_one_vm(void **state)
{
	(void)state;
	size_t moved = 0;
	for (uint64_t seed = 1; seed <= SPREAD_SEEDS; seed++) {
		cleanup_arena struct arena *arena = arena_create();
		struct sample sample = sample_of(arena, seed);
		struct propose_options options = {0};
		if (sample.desired->vm_count == 0) {
			continue;
		}
		const char *name = sample.desired->vms[seed % sample.desired->vm_count].name;
		const struct proposal *p = NULL;
		assert_int_equal(propose_vm(arena, sample.desired, sample.inventory, name, &options, &p, NULL), 0);
		struct sample fleet = proposed(arena, &sample, p);
		struct world start = present_end(arena, &sample, seed);
		struct world end;
		check_entries(&sample, p, seed);
		check_plan(&fleet, &end, p, seed);
		check_no_group_is_parted(&start, &end, seed);
		CHECK(p->change_count <= 1 && (p->change_count == 1) == (p->note == NULL));
		CHECK(p->change_count == 0 || text_equal(p->changes[0].vm, name));
		int v = find_vm(&start, name);
		/* A plan that goes other ways makes other room; one that was on its way is asked from where it is. */
		if (v < 0 || !start.movable[v] || seed % 3 == 0 ||
		    memcmp(start.at, start.home, sizeof(start.at)) != 0) {
			continue;
		}
		if (p->change_count > 0 && p->plan->move_count == 1) {
			CHECK(free_on(&end, end.at[v]) == most_free(&start, v));
			CHECK(p->after == free_on(&end, end.at[v]) && p->before == free_on(&start, start.at[v]));
		}
		if (p->change_count == 0 && suits(&start, v, start.at[v]) && start.vm[v]->immovable_count == 0) {
			CHECK(most_free(&start, v) == free_on(&start, start.at[v]) ||
			      strstr(p->note, "no way was found") != NULL);
		}
		moved += p->change_count;
	}
	print_message("%zu moved\n", moved);
}

static void test_the_same_input_gives_the_same_proposal(void **state)
{
	(void)state;
	for (uint64_t seed = SMALL + 1; seed <= SPREAD_SEEDS; seed++) {
		cleanup_arena struct arena *arena = arena_create();
		struct propose_options options = {.min_gain = PROPOSE_MIN_GAIN};
		struct sample one = sample_of(arena, seed);
		struct sample two = sample_of(arena, seed);
		for (size_t i = 0; i < two.inventory->host_count; i++) {
			struct host *host = &two.inventory->hosts[i];
			for (size_t j = 0; j + 1 < host->vm_count; j += 2) {
				struct vm vm = host->vms[j];
				host->vms[j] = host->vms[j + 1];
				host->vms[j + 1] = vm;
			}
		}
		inventory_sort(two.inventory);
		assert_string_equal(proposal_json(arena, propose_balance(arena, one.desired, one.inventory, &options)),
		                    proposal_json(arena, propose_balance(arena, two.desired, two.inventory, &options)));
	}
}

/* Proposing again, once it is so, proposes nothing. */
static void test_what_is_balanced_stays(void **state)
{
	(void)state;
	size_t again = 0;
	for (uint64_t seed = SMALL + 1; seed <= SPREAD_SEEDS; seed++) {
		cleanup_arena struct arena *arena = arena_create();
		struct propose_options options = {.min_gain = PROPOSE_MIN_GAIN};
		struct sample sample = sample_of(arena, seed);
		const struct proposal *first = propose_balance(arena, sample.desired, sample.inventory, &options);
		struct sample fleet = proposed(arena, &sample, first);
		const struct proposal *second = propose_balance(arena, fleet.desired, fleet.inventory, &options);
		again += second->change_count;
		CHECK(second->after <= first->after);
	}
	print_message("%zu changes more, asked again before the first were made\n", again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_balancing),
	        cmocka_unit_test(test_no_single_move_is_left),
	        cmocka_unit_test(test_draining),
	        cmocka_unit_test(test_one_vm),
	        cmocka_unit_test(test_the_same_input_gives_the_same_proposal),
	        cmocka_unit_test(test_what_is_balanced_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
