/*
 * Who gives way: from hosts that are over capacity, and from hosts that a policy finds crowded, on the final placement.
 * As few VMs as will do, then the fewest bytes, then by name.
 */
#include "reconcile/place.h"

#include "state/arena.h"

#include <stdlib.h>
#include <string.h>

struct candidate {
	uint32_t vm;
	uint64_t claim;
	uint64_t weight;
	bool chosen;
};

struct candidates {
	struct candidate *items;
	uint32_t count;
};

static bool may_give_way(const struct draft *draft, uint32_t vm)
{
	const struct wish *wish = &draft->wishes[vm];
	return place_is_sticky(draft, vm) && !wish->barred && wish->why == WHY_NONE && wish->grouped == NULL &&
	       (draft->residue ? draft->final->at[vm] == draft->fleet->vms[vm].home : place_could_leave(draft, vm));
}

/* By falling claim, then rising weight, then name. */
static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *left = a;
	const struct candidate *right = b;
	if (left->claim != right->claim) {
		return left->claim > right->claim ? -1 : 1;
	}
	if (left->weight != right->weight) {
		return left->weight < right->weight ? -1 : 1;
	}
	return left->vm < right->vm ? -1 : left->vm > right->vm;
}

/* Exchanges one chosen for a lighter one, as long as the rest still does. Exact when a single VM is enough. */
static bool exchange_one(struct candidates *list, uint64_t *sum, uint64_t need)
{
	struct candidate *out = NULL;
	struct candidate *in = NULL;
	uint64_t gain = 0;
	for (uint32_t i = 0; i < list->count; i++) {
		struct candidate *a = &list->items[i];
		for (uint32_t j = 0; a->chosen && j < list->count; j++) {
			struct candidate *b = &list->items[j];
			if (!b->chosen && b->weight < a->weight && a->weight - b->weight > gain &&
			    *sum - a->claim + b->claim >= need) {
				out = a;
				in = b;
				gain = a->weight - b->weight;
			}
		}
	}
	if (out == NULL) {
		return false;
	}
	out->chosen = false;
	in->chosen = true;
	*sum = *sum - out->claim + in->claim;
	return true;
}

/* Chooses so that the claims of the chosen reach `need`; all, when even that is not enough. */
static void choose(struct candidates *list, uint64_t need)
{
	if (list->count > 1) {
		qsort(list->items, list->count, sizeof(*list->items), compare_candidates);
	}
	uint64_t sum = 0;
	for (uint32_t i = 0; i < list->count && sum < need; i++) {
		list->items[i].chosen = true;
		sum += list->items[i].claim;
	}
	while (sum >= need && exchange_one(list, &sum, need)) {
	}
}

static bool has_arrivals(const struct draft *draft, uint32_t host)
{
	for (uint32_t vm = 0; vm < draft->fleet->vm_count; vm++) {
		if (draft->wishes[vm].goal == host && draft->fleet->vms[vm].home != host) {
			return true;
		}
	}
	return false;
}

static void relieve(struct draft *draft, uint32_t host, uint64_t need)
{
	struct candidates list = {0};
	for (uint32_t vm = 0; vm < draft->fleet->vm_count; vm++) {
		if (draft->final->at[vm] == host && may_give_way(draft, vm)) {
			ARENA_ADD(draft->arena, list.items, list.count) = (struct candidate){
			        .vm = vm,
			        .claim = fleet_claim(draft->fleet, vm, host),
			        .weight = place_weight(draft, vm),
			};
		}
	}
	choose(&list, need);
	bool for_others = simulate_free(draft->start, host) >= 0 && has_arrivals(draft, host);
	for (uint32_t i = 0; i < list.count; i++) {
		if (list.items[i].chosen) {
			place_lift(draft, list.items[i].vm, for_others ? WHY_ROOM : WHY_OVER, NULL);
		}
	}
}

static int compare_falling(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;
	return left > right ? -1 : left < right;
}

uint32_t place_count_over(const struct draft *draft, const struct simulation *sim, uint32_t host)
{
	const struct fleet *fleet = draft->fleet;
	int64_t free = simulate_free(sim, host);
	if (free >= 0) {
		return 0;
	}
	uint64_t *claims = NULL;
	uint32_t count = 0;
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		if (sim->at[vm] == host && place_is_sticky(draft, vm) && group_tie(draft, vm, host) == NULL) {
			ARENA_ADD(draft->arena, claims, count) = fleet_claim(fleet, vm, host);
		}
	}
	if (count > 1) {
		qsort(claims, count, sizeof(*claims), compare_falling);
	}
	uint32_t leave = 0;
	for (; free < 0 && leave < count; leave++) {
		free += (int64_t)claims[leave];
	}
	return leave;
}

void place_relief(struct draft *draft)
{
	for (uint32_t host = 0; host < draft->fleet->host_count; host++) {
		int64_t free = simulate_free(draft->final, host);
		if (free < 0 && draft->fleet->hosts[host].connected) {
			relieve(draft, host, (uint64_t)0 - (uint64_t)free);
		}
	}
}

/* The lightest that may leave a crowded group; NOWHERE when there is none. */
static uint32_t lightest_in(const struct draft *draft, const struct rule *rule, uint32_t group)
{
	uint32_t best = NOWHERE;
	uint64_t best_weight = 0;
	for (uint32_t i = 0; i < rule->member_count; i++) {
		uint32_t vm = rule->members[i];
		uint32_t at = draft->final->at[vm];
		if (at == NOWHERE || rule->groups->of[at] != group || !may_give_way(draft, vm)) {
			continue;
		}
		uint64_t weight = place_weight(draft, vm);
		if (best == NOWHERE || weight < best_weight) {
			best = vm;
			best_weight = weight;
		}
	}
	return best;
}

void place_crowds(struct draft *draft)
{
	const struct fleet *fleet = draft->fleet;
	for (uint32_t i = 0; i < fleet->rule_count; i++) {
		const struct rule *rule = &fleet->rules[i];
		if (rule->row->excess == NULL) {
			continue;
		}
		for (uint32_t group = simulate_next_group(draft->final, i, NO_GROUP); group != NO_GROUP;
		     group = simulate_next_group(draft->final, i, group)) {
			uint32_t excess = rule->row->excess(rule, simulate_count(draft->final, i, group));
			for (; excess > 0; excess--) {
				uint32_t vm = lightest_in(draft, rule, group);
				if (vm == NOWHERE) {
					break;
				}
				place_lift(draft, vm, WHY_CROWD, rule);
			}
		}
	}
}
