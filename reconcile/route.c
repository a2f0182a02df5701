#include "reconcile/route.h"

#include "reconcile/judge.h"
#include "reconcile/mend.h"
#include "reconcile/search.h"
#include "reconcile/shorten.h"
#include "reconcile/together.h"
#include "reconcile/turn.h"
#include "state/arena.h"

#include <stdlib.h>

enum {
	SEARCH_WORK = 500 * 1000,     /* questions of a search, with effort 1 */
	CONTINUATIONS = 28,           /* with effort 1 */
	HOP_WORK = 400 * 1000 * 1000, /* questions asked for hops, with effort 1 */
};

/* Places and orders around those that are given up already, and gives up more until a way leads to the end. */
static struct way_found find_around(struct draft *draft)
{
	struct way_found way = {0};
	place_all(draft);
	for (;;) {
		way.route = order_best(draft, &way.done);
		if (way.route.stuck_count == 0) {
			return way;
		}
		for (uint32_t i = 0; i < way.route.stuck_count; i++) {
			draft->wishes[way.route.stuck[i]].barred = true;
		}
		place_all(draft);
	}
}

/* A draft of the same fleet, or of that which moves have made of it, that shares the work that is left. */
static struct draft *begin_at(const struct draft *alone, const struct fleet *fleet, bool ejects)
{
	struct draft *draft = draft_create(alone->arena, fleet);
	draft->ejects = ejects;
	draft->work_left = alone->work_left;
	return draft;
}

static struct simulation *state_after(const struct draft *draft, const struct route *route)
{
	struct simulation *sim = simulate_copy(draft->arena, draft->start);
	route_apply(sim, route, false);
	return sim;
}

/* A group of the VM that was parted, and is together at the end; NULL when there is none. */
static const struct rule *find_united(const struct draft *done, uint32_t vm)
{
	const struct fleet_vm *v = &done->fleet->vms[vm];
	for (uint32_t i = 0; i < v->rule_count; i++) {
		const struct rule *rule = &done->fleet->rules[v->rules[i]];
		if (rule->policy->kind == POLICY_TOGETHER && !done->stood[v->rules[i]] &&
		    !group_is_parted(done->final, rule)) {
			return rule;
		}
	}
	return NULL;
}

/* Why a VM that could have stayed has left, as it looks after a search. */
static void name_reason(struct draft *done, uint32_t vm)
{
	struct wish *wish = &done->wishes[vm];
	uint32_t home = done->fleet->vms[vm].home;
	struct obstacle obstacle;
	const struct rule *united = find_united(done, vm);
	simulate_has_room(done->final, vm, wish->goal, home, &obstacle);
	if (united != NULL) {
		wish->why = WHY_TOGETHER;
		wish->rule = united;
	} else if (obstacle.kind == OBSTACLE_STEP) {
		wish->why = WHY_CROWD;
		wish->rule = obstacle.rule;
	} else {
		wish->why = simulate_free(done->start, home) < 0 ? WHY_OVER : WHY_ROOM;
	}
}

/* The wishes that a search's end fulfils. */
static struct draft *draft_of_end(const struct draft *alone, const struct route *route, bool ejects)
{
	struct draft *done = draft_copy(alone);
	done->ejects = ejects;
	done->final = state_after(alone, route);
	for (uint32_t vm = 0; vm < done->fleet->vm_count; vm++) {
		struct wish *wish = &done->wishes[vm];
		uint32_t at = done->final->at[vm];
		uint32_t home = done->fleet->vms[vm].home;
		if (wish->why == WHY_TOGETHER && at == home && !group_is_parted(done->final, wish->rule)) {
			wish->why = WHY_NONE; /* the others have come to it */
			wish->barred = false;
		}
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

/* After the route has been changed: hops, reasons and wishes as they are now. */
static void tell_again(const struct draft *alone, struct way_found *way)
{
	mark_hops(alone, &way->route);
	name_passing(&way->route);
	way->done = draft_of_end(alone, &way->route, way->done->ejects);
}

static struct route join(struct arena *arena, const struct route *first, const struct route *then)
{
	struct route joined = {.count = first->count + then->count, .bytes = first->bytes + then->bytes};
	joined.steps = arena_array(arena, joined.count, sizeof(*joined.steps));
	for (uint32_t i = 0; i < joined.count; i++) {
		joined.steps[i] = i < first->count ? first->steps[i] : then->steps[i - first->count];
	}
	return joined;
}

/*
 * Plans on from the end, as if it were a new day: what has moved may have left room for those that were given up. Is it
 * better now?
 */
static bool go_on(const struct draft *alone, const struct scope *scope, struct way_found *way)
{
	struct simulation *end = state_after(alone, &way->route);
	uint32_t unplaced = judge_unplaced(alone, end, scope);
	if (unplaced == 0) {
		return false;
	}
	struct draft *draft = begin_at(alone, fleet_after(alone->arena, end), way->done->ejects);
	struct way_found more = find_around(draft);
	struct route joined = join(alone->arena, &way->route, &more.route);
	end = state_after(alone, &joined);
	if (judge_unplaced(alone, end, scope) >= unplaced || !judge_may_pause(alone, end, scope)) {
		return false;
	}
	way->route = joined;
	tell_again(alone, way);
	return true;
}

/* Searches small parts of the fleet around those without a place. Is it better now? */
static bool mend_way(const struct draft *alone, const struct scope *scope, struct way_found *way, unsigned int effort)
{
	bool mended = mend_route(alone, scope, &way->route, effort);
	if (mended) {
		tell_again(alone, way);
	}
	return mended;
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

/* The exact search, where it is worth a try. Has it ended with proof? */
static bool search(const struct draft *alone, const struct scope *scope, struct way_found *way, uint32_t unplaced,
                   unsigned int effort)
{
	struct finding finding = search_exact(alone, alone->start, scope, (uint64_t)SEARCH_WORK * effort, false);
	way->exhaustive = finding.exhaustive && !has_groups(alone->fleet);
	bool better = finding.found && (finding.unplaced != unplaced ? finding.unplaced < unplaced
	                                                             : route_is_better(&finding.route, &way->route));
	if (better) {
		way->route = finding.route;
		tell_again(alone, way);
	}
	return way->exhaustive;
}

/* Those who made way and could be at home again go there. */
static void send_home(const struct draft *alone, const struct scope *scope, struct way_found *way)
{
	struct simulation *end = state_after(alone, &way->route);
	struct step *steps = NULL;
	uint32_t count = 0;
	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t i = 0; i < scope->vm_count; i++) {
			uint32_t vm = scope->vms[i];
			uint32_t home = alone->fleet->vms[vm].home;
			if (judge_could_return(alone, end, vm) && simulate_allows(end, vm, home, NULL)) {
				struct step *step = &ARENA_ADD(alone->arena, steps, count);
				*step = (struct step){vm, end->at[vm], home, false, NOWHERE};
				way->route.bytes += step_bytes(alone->fleet, step);
				simulate_move(end, vm, home);
				changed = true;
			}
		}
	}
	if (count > 0) {
		way->route = join(alone->arena, &way->route, &(struct route){.steps = steps, .count = count});
		tell_again(alone, way);
	}
}

/* One way, and what planning on and small searches make of it. */
static struct way_found find_way(const struct draft *alone, const struct scope *scope, bool ejects, unsigned int effort)
{
	struct way_found way = find_around(begin_at(alone, alone->fleet, ejects));
	struct way_found settled = way;
	for (uint32_t left = CONTINUATIONS * effort; left > 0 && *alone->work_left > 0; left--) {
		if (!go_on(alone, scope, &way) && !mend_way(alone, scope, &way, effort)) {
			break;
		}
		struct way_found other = way;
		send_home(alone, scope, &other);
		if (judge_may_end(alone, state_after(alone, &other.route), scope)) {
			settled = other;
		}
	}
	return settled;
}

/* Is the other route, to much the same end, the shorter one? */
static void take_if_better(const struct draft *alone, const struct scope *scope, struct way_found *way,
                           const struct route *other)
{
	struct simulation *before = state_after(alone, &way->route);
	struct simulation *after = state_after(alone, other);
	if (route_is_better(other, &way->route) && judge_may_end(alone, after, scope) &&
	    judge_unplaced(alone, after, scope) <= judge_unplaced(alone, before, scope)) {
		way->route = *other;
		tell_again(alone, way);
	}
}

/*
 * A route with hops, or one that was planned on and on: now that its end is known, is there a shorter way there, looked
 * for from the start or from the end?
 */
static void straighten(const struct draft *alone, const struct scope *scope, struct way_found *way, uint64_t work)
{
	struct draft *draft = draft_of_end(alone, &way->route, way->done->ejects);
	struct draft *done;
	*alone->work_left = work;
	struct route other = order_best(draft, &done);
	if (other.stuck_count == 0) {
		take_if_better(alone, scope, way, &other);
	}
	if (turn_order(draft, &other)) {
		take_if_better(alone, scope, way, &other);
	}
}

static struct way_found find_best(const struct draft *alone, const struct scope *scope, unsigned int effort)
{
	struct way_found best = find_way(alone, scope, false, effort);
	uint32_t best_unplaced = judge_unplaced(alone, state_after(alone, &best.route), scope);
	if (best_unplaced > 0 && *alone->work_left > 0) {
		struct way_found other = find_way(alone, scope, true, effort);
		uint32_t unplaced = judge_unplaced(alone, state_after(alone, &other.route), scope);
		if (unplaced < best_unplaced ||
		    (unplaced == best_unplaced && route_is_better(&other.route, &best.route))) {
			best = other;
			best_unplaced = unplaced;
		}
	}
	if (is_certain(alone, &best, best_unplaced) ||
	    (search_suits(scope) && search(alone, scope, &best, best_unplaced, effort))) {
		return best;
	}
	straighten(alone, scope, &best, (uint64_t)HOP_WORK / 16 * effort);
	mark_hops(alone, &best.route);
	uint32_t count = best.route.count;
	shorten_route(alone, scope, &best.route);
	if (best.route.count < count) {
		tell_again(alone, &best);
	}
	return best;
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
	struct draft *alone = draft_copy(draft);
	*alone->work_left = (uint64_t)HOP_WORK * effort;
	place_alone(alone);
	struct scope whole = scope_whole(alone);
	struct way_found way = find_best(alone, &whole, effort);
	together_adjoin(way.done, &way.route);
	/* That is never needed, unless there is a mistake above; then a VM stays rather than breaks a rule. */
	for (uint32_t vm; (vm = find_unsound(draft, &way.route)) != NOWHERE;) {
		alone->wishes[vm].barred = true;
		struct draft *fresh = begin_at(alone, alone->fleet, false);
		for (uint32_t i = 0; i < alone->fleet->vm_count; i++) {
			fresh->wishes[i].barred = alone->wishes[i].barred;
		}
		way = find_around(fresh);
	}
	return way;
}
