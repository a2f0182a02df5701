#include "reconcile/route.h"

#include "reconcile/judge.h"
#include "reconcile/mend.h"
#include "reconcile/search.h"
#include "reconcile/shorten.h"
#include "reconcile/together.h"
#include "state/arena.h"

#include <stdlib.h>

enum {
	ROUNDS_ONE_BY_ONE = 40,        /* beyond so many rounds those that are stuck are given up together, */
	ROUNDS_TIMES_VMS = 200 * 1000, /* or earlier in a large fleet */
	SECOND_CHANCES = 16,           /* of those given up, with effort 1 */
	SEARCH_WORK = 500 * 1000,      /* questions of a search, with effort 1 */
};

/* Of those that are stuck, the largest: its room is most likely to help the others. */
static uint32_t choose_to_bar(const struct draft *draft, const struct route *route)
{
	uint32_t worst = route->stuck[0];
	for (uint32_t i = 1; i < route->stuck_count; i++) {
		uint64_t size = draft->fleet->vms[route->stuck[i]].seen->memory;
		uint64_t worst_size = draft->fleet->vms[worst].seen->memory;
		if (size > worst_size || (size == worst_size && route->stuck[i] > worst)) {
			worst = route->stuck[i];
		}
	}
	return worst;
}

/* Places and orders around those that are given up already, and gives up more until a way leads to the end. */
static struct way_found find_around(struct draft *draft, bool *given_up)
{
	struct way_found way = {0};
	uint32_t rounds = ROUNDS_TIMES_VMS / (draft->fleet->vm_count + 1);
	rounds = rounds < ROUNDS_ONE_BY_ONE ? rounds : ROUNDS_ONE_BY_ONE;
	place_all(draft);
	for (uint32_t round = 0;; round++) {
		way.route = order_best(draft, &way.done);
		if (way.route.stuck_count == 0) {
			return way;
		}
		if (round < rounds) {
			given_up[choose_to_bar(draft, &way.route)] = true;
		}
		for (uint32_t i = 0; round >= rounds && i < way.route.stuck_count; i++) {
			given_up[way.route.stuck[i]] = true;
		}
		for (uint32_t vm = 0; vm < draft->fleet->vm_count; vm++) {
			draft->wishes[vm].barred = draft->wishes[vm].barred || given_up[vm];
		}
		place_all(draft);
	}
}

static struct draft *draft_without(const struct draft *draft, const bool *given_up)
{
	struct draft *fresh = draft_create(draft->arena, draft->fleet);
	for (uint32_t vm = 0; vm < draft->fleet->vm_count; vm++) {
		fresh->wishes[vm].barred = given_up[vm];
	}
	return fresh;
}

static struct simulation *state_after(const struct draft *draft, const struct route *route)
{
	struct simulation *sim = simulate_copy(draft->arena, draft->start);
	for (uint32_t i = 0; i < route->count; i++) {
		simulate_move(sim, route->steps[i].vm, route->steps[i].to);
	}
	return sim;
}

/* Who was given up first may have been the wrong one: each is tried again without giving up anybody else. */
static void give_second_chances(const struct draft *alone, const struct scope *scope, struct way_found *way,
                                bool *given_up, unsigned int effort)
{
	uint32_t vm_count = alone->fleet->vm_count;
	uint32_t best = judge_unplaced(alone, state_after(alone, &way->route), scope);
	uint64_t left = (uint64_t)SECOND_CHANCES * effort;
	for (uint32_t vm = 0; vm < vm_count && left > 0; vm++) {
		if (!given_up[vm]) {
			continue;
		}
		left--;
		bool *trial = arena_grow(alone->arena, given_up, vm_count, vm_count, sizeof(*trial));
		trial[vm] = false;
		struct draft *fresh = draft_without(alone, trial);
		place_all(fresh);
		struct way_found other = {0};
		other.route = order_best(fresh, &other.done);
		uint32_t unplaced = other.route.stuck_count > 0
		                            ? UINT32_MAX
		                            : judge_unplaced(alone, state_after(alone, &other.route), scope);
		if (unplaced < best) {
			best = unplaced;
			*way = other;
			given_up[vm] = false;
		}
	}
}

/* Why a VM that could have stayed has left, as it looks after a search. */
static void name_reason(struct draft *done, uint32_t vm)
{
	struct wish *wish = &done->wishes[vm];
	uint32_t home = done->fleet->vms[vm].home;
	struct obstacle obstacle;
	simulate_has_room(done->final, vm, wish->goal, home, &obstacle);
	if (obstacle.kind == OBSTACLE_STEP) {
		wish->why = WHY_CROWD;
		wish->rule = obstacle.rule;
	} else {
		wish->why = simulate_free(done->start, home) < 0 ? WHY_OVER : WHY_ROOM;
	}
}

/* The wishes that a search's end fulfils. */
static struct draft *draft_of_end(const struct draft *alone, const struct route *route)
{
	struct draft *done = draft_copy(alone);
	done->final = state_after(alone, route);
	for (uint32_t vm = 0; vm < done->fleet->vm_count; vm++) {
		struct wish *wish = &done->wishes[vm];
		uint32_t at = done->final->at[vm];
		uint32_t home = done->fleet->vms[vm].home;
		wish->barred = wish->barred || (wish->why != WHY_NONE && at == home);
		wish->goal = at;
		if (at != home && wish->why == WHY_NONE) {
			name_reason(done, vm);
		}
	}
	return done;
}

/* For whom each hop was made: the next other one that goes to where it went from. */
static void name_passing(struct route *route)
{
	for (uint32_t i = 0; i < route->count; i++) {
		struct step *step = &route->steps[i];
		step->lets_pass = NOWHERE;
		for (uint32_t j = i + 1; step->hop && j < route->count && step->lets_pass == NOWHERE; j++) {
			bool passes = route->steps[j].to == step->from && route->steps[j].vm != step->vm;
			step->lets_pass = passes ? route->steps[j].vm : NOWHERE;
		}
	}
}

/* Which steps are hops, after steps have been added or joined. */
static void mark_hops(const struct draft *draft, struct route *route)
{
	const struct simulation *end = state_after(draft, route);
	for (uint32_t i = 0; i < route->count; i++) {
		route->steps[i].hop = route->steps[i].to != end->at[route->steps[i].vm];
	}
}

/* Nobody is left, every VM moves once, and each of them has to. */
static bool is_certain(const struct draft *alone, const struct way_found *way, uint32_t unplaced)
{
	bool *seen = arena_array(alone->arena, alone->fleet->vm_count, sizeof(*seen));
	for (uint32_t i = 0; i < way->route.count; i++) {
		uint32_t vm = way->route.steps[i].vm;
		if (seen[vm] || alone->wishes[vm].why == WHY_NONE || alone->wishes[vm].why == WHY_TOGETHER) {
			return false;
		}
		seen[vm] = true;
	}
	return unplaced == 0;
}

/* Where a group goes is chosen before the search, which then cannot know of better choices. */
static bool has_groups(const struct fleet *fleet)
{
	for (uint32_t i = 0; i < fleet->rule_count; i++) {
		if (fleet->rules[i].policy->kind == POLICY_TOGETHER) {
			return true;
		}
	}
	return false;
}

/* What a large fleet allows: small parts searched for those without a place, and hops that are not needed left out. */
static void mend(const struct draft *alone, const struct scope *scope, struct way_found *way, unsigned int effort)
{
	bool mended = mend_route(alone, scope, &way->route, effort);
	uint32_t count = way->route.count;
	mark_hops(alone, &way->route);
	shorten_route(alone, &way->route);
	mark_hops(alone, &way->route);
	if (mended || way->route.count < count) {
		name_passing(&way->route);
		way->done = draft_of_end(alone, &way->route);
	}
}

static void improve(const struct draft *alone, const struct scope *scope, struct way_found *way, unsigned int effort)
{
	uint32_t unplaced = judge_unplaced(alone, state_after(alone, &way->route), scope);
	if (is_certain(alone, way, unplaced)) {
		return;
	}
	if (!search_suits(scope)) {
		mend(alone, scope, way, effort);
		return;
	}
	struct finding finding = search_exact(alone, alone->start, scope, (uint64_t)SEARCH_WORK * effort);
	way->exhaustive = finding.exhaustive && !has_groups(alone->fleet);
	bool better = finding.found && (finding.unplaced != unplaced ? finding.unplaced < unplaced
	                                                             : route_is_better(&finding.route, &way->route));
	if (better) {
		name_passing(&finding.route);
		way->route = finding.route;
		way->done = draft_of_end(alone, &finding.route);
	}
}

/* The last check of all: the VM of the first step that no rule would allow now, or NOWHERE. */
static uint32_t find_unsound(const struct draft *draft, const struct route *route)
{
	struct simulation *sim = simulate_copy(draft->arena, draft->start);
	for (uint32_t i = 0; i < route->count; i++) {
		const struct step *step = &route->steps[i];
		if (sim->at[step->vm] != step->from || !simulate_allows(sim, step->vm, step->to, NULL)) {
			return step->vm;
		}
		simulate_move(sim, step->vm, step->to);
	}
	return NOWHERE;
}

struct way_found route_find(const struct draft *draft, unsigned int effort)
{
	bool *given_up = arena_array(draft->arena, draft->fleet->vm_count, sizeof(*given_up));
	struct draft *alone = draft_copy(draft);
	place_alone(alone);
	struct way_found way = find_around(draft_copy(draft), given_up);
	struct scope whole = scope_whole(alone);
	give_second_chances(alone, &whole, &way, given_up, effort);
	improve(alone, &whole, &way, effort);
	together_adjoin(way.done, &way.route);
	/* That is never needed, unless there is a mistake above; then a VM stays rather than breaks a rule. */
	for (uint32_t vm; (vm = find_unsound(draft, &way.route)) != NOWHERE;) {
		given_up[vm] = true;
		way = find_around(draft_without(draft, given_up), given_up);
	}
	return way;
}
