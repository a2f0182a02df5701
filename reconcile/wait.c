#include "reconcile/wait.h"

#include "state/arena.h"

#include <stdlib.h>

/* More room is tried for a ring as often as this allows: each try plans the whole fleet once more. */
enum { TRIES_TIMES_VMS = 20000 };

void wait_begin(struct waiting *waiting, const struct draft *done, const struct simulation *end)
{
	struct arena *arena = done->arena;
	uint32_t count = done->fleet->vm_count;
	*waiting = (struct waiting){
	        .done = done,
	        .end = end,
	        .loose = simulate_copy(arena, end),
	        .blocked = arena_array(arena, count, sizeof(bool)),
	        .all = {.items = arena_array(arena, count, sizeof(uint32_t))},
	        .obstacles = arena_array(arena, count, sizeof(struct obstacle)),
	        .targets = arena_array(arena, count, sizeof(uint32_t)),
	        .waits_for = arena_array(arena, count, sizeof(struct vm_list)),
	        .ring_of = arena_array(arena, count, sizeof(uint32_t)),
	        .ring_texts = arena_array(arena, count, sizeof(char *)),
	        .tries_left = TRIES_TIMES_VMS / (count + 1) + 1,
	};
	for (uint32_t vm = 0; vm < count; vm++) {
		waiting->ring_of[vm] = NOWHERE;
	}
}

void wait_add(struct waiting *waiting, uint32_t vm)
{
	if (!waiting->blocked[vm]) {
		waiting->blocked[vm] = true;
		simulate_move(waiting->loose, vm, NOWHERE);
	}
}

void wait_add_residue(struct waiting *waiting)
{
	struct draft *rest = draft_copy(waiting->done);
	const struct fleet *fleet = rest->fleet;
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		rest->wishes[vm] = (struct wish){.goal = waiting->end->at[vm], .barred = waiting->blocked[vm]};
	}
	/* Without those that are blocked already: they would leave. */
	rest->final = simulate_copy(rest->arena, waiting->loose);
	rest->residue = true;
	place_crowds(rest);
	place_relief(rest);
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		if (rest->wishes[vm].goal == NOWHERE) {
			waiting->done->wishes[vm].why = rest->wishes[vm].why;
			waiting->done->wishes[vm].rule = rest->wishes[vm].rule;
			wait_add(waiting, vm);
		}
	}
}

/* The nearer to success, the smaller. */
static int rank_of(const struct obstacle *obstacle)
{
	switch (obstacle->kind) {
	case OBSTACLE_NONE:
		return 0;
	case OBSTACLE_MEMORY:
		return 1;
	case OBSTACLE_SPACE:
		return 2;
	case OBSTACLE_STEP:
	case OBSTACLE_GROUP:
		return 3;
	case OBSTACLE_IN_THE_WAY:
		return 4;
	case OBSTACLE_CONNECTION:
		return 5;
	case OBSTACLE_VERSION:
		return 6;
	case OBSTACLE_FORMAT:
		return 7;
	case OBSTACLE_POOL:
		return 8;
	case OBSTACLE_LIVE_ONLY:
	case OBSTACLE_MOVES_ONCE:
	case OBSTACLE_SNAPSHOTS:
	case OBSTACLE_KEPT:
	case OBSTACLE_STORAGE:
		return 9;
	case OBSTACLE_RULE:
	case OBSTACLE_MAINTENANCE:
	case OBSTACLE_ENTRY:
	case OBSTACLE_UNDEFINED:
		return 10;
	case OBSTACLE_IMMOVABLE:
		return 11;
	}
	abort();
}

static bool is_nearer(const struct obstacle *a, const struct obstacle *b)
{
	int left = rank_of(a);
	int right = rank_of(b);
	return left != right ? left < right : obstacle_missing(a) < obstacle_missing(b);
}

static bool may_end_on(const struct draft *done, uint32_t vm, uint32_t host)
{
	uint32_t home = done->fleet->vms[vm].home;
	const struct wish *wish = &done->wishes[vm];
	uint32_t pin = done->fleet->vms[vm].pin;
	if (host == home || (pin != NOWHERE && host != pin) || (wish->wanted != NOWHERE && host != wish->wanted)) {
		return false;
	}
	if (wish->why == WHY_CROWD && wish->rule->groups->of[host] == wish->rule->groups->of[home]) {
		return false;
	}
	bool gives_way = wish->why == WHY_OVER || wish->why == WHY_ROOM || wish->why == WHY_CROWD;
	return (pin != NOWHERE || fleet_suits(done->fleet, vm, host)) && !(gives_way && group_parts(done, vm, host));
}

/* The host that it is nearest to, when all who are blocked would leave. */
static void find_target(struct waiting *waiting, uint32_t vm)
{
	const struct fleet *fleet = waiting->done->fleet;
	uint32_t home = fleet->vms[vm].home;
	waiting->targets[vm] = NOWHERE;
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		struct obstacle obstacle = {0};
		if (!may_end_on(waiting->done, vm, host)) {
			continue;
		}
		if (obstacle_absent(fleet, vm, home, host, &obstacle)) {
			simulate_has_room(waiting->loose, vm, home, host, &obstacle);
		}
		if (waiting->targets[vm] == NOWHERE || is_nearer(&obstacle, &waiting->obstacles[vm])) {
			waiting->targets[vm] = host;
			waiting->obstacles[vm] = obstacle;
		}
	}
}

/* It alone would have room: what is short is room for its whole group. */
static void blame_group(struct waiting *waiting, uint32_t vm)
{
	const struct fleet *fleet = waiting->done->fleet;
	const struct rule *rule = waiting->done->wishes[vm].grouped;
	uint32_t host = waiting->targets[vm];
	struct obstacle *obstacle = &waiting->obstacles[vm];
	*obstacle = (struct obstacle){.kind = OBSTACLE_GROUP, .vm = vm, .host = host, .rule = rule};
	obstacle->free = simulate_free(waiting->end, host);
	for (uint32_t i = 0; i < rule->member_count; i++) {
		uint32_t member = rule->members[i];
		if (waiting->end->at[member] != host && waiting->done->wishes[member].wanted == host) {
			obstacle->need += fleet_claim(fleet, member, host);
		}
	}
}

static void add_blocker(struct waiting *waiting, uint32_t vm, uint32_t other)
{
	struct vm_list *list = &waiting->waits_for[vm];
	ARENA_ADD(waiting->done->arena, list->items, list->count) = other;
}

/*
 * Which of the others would have to leave: one that is enough alone, or, by name, as many as it takes. `sim` is the
 * end, and is left as it was.
 */
static void find_blockers(struct waiting *waiting, struct simulation *sim, uint32_t vm)
{
	uint32_t home = waiting->done->fleet->vms[vm].home;
	uint32_t target = waiting->targets[vm];
	struct obstacle obstacle = {0};
	simulate_has_room(sim, vm, home, target, &obstacle);
	for (uint32_t i = 0; i < waiting->all.count; i++) {
		uint32_t other = waiting->all.items[i];
		/* Only a policy can be in the way of a VM from another host. */
		if (other == vm || (sim->at[other] != target && obstacle.kind != OBSTACLE_STEP)) {
			continue;
		}
		simulate_move(sim, other, NOWHERE);
		bool enough = simulate_has_room(sim, vm, home, target, NULL);
		simulate_move(sim, other, waiting->end->at[other]);
		if (enough) {
			add_blocker(waiting, vm, other);
			return;
		}
	}
	for (uint32_t i = 0; i < waiting->all.count && !simulate_has_room(sim, vm, home, target, NULL); i++) {
		uint32_t other = waiting->all.items[i];
		if (other != vm && (sim->at[other] == target || obstacle.kind == OBSTACLE_STEP)) {
			simulate_move(sim, other, NOWHERE);
			add_blocker(waiting, vm, other);
		}
	}
	const struct vm_list *list = &waiting->waits_for[vm];
	for (uint32_t i = 0; i < list->count; i++) {
		simulate_move(sim, list->items[i], waiting->end->at[list->items[i]]);
	}
}

void wait_resolve(struct waiting *waiting)
{
	struct simulation *sim = simulate_copy(waiting->done->arena, waiting->end);
	for (uint32_t vm = 0; vm < waiting->done->fleet->vm_count; vm++) {
		if (waiting->blocked[vm]) {
			waiting->all.items[waiting->all.count++] = vm;
		}
	}
	for (uint32_t i = 0; i < waiting->all.count; i++) {
		uint32_t vm = waiting->all.items[i];
		find_target(waiting, vm);
		bool clear = waiting->targets[vm] != NOWHERE && waiting->obstacles[vm].kind == OBSTACLE_NONE;
		if (clear && waiting->done->wishes[vm].barred && waiting->done->wishes[vm].grouped != NULL) {
			blame_group(waiting, vm);
		} else if (clear) {
			find_blockers(waiting, sim, vm);
		}
	}
	ring_find(waiting);
}

static const char *depends_text(const struct waiting *waiting, uint32_t vm)
{
	const struct fleet *fleet = waiting->done->fleet;
	const struct vm_list *list = &waiting->waits_for[vm];
	if (list->count == 0) {
		return arena_print(waiting->done->arena, "no order was found that leads %s to %s", fleet->vms[vm].name,
		                   fleet->hosts[waiting->targets[vm]].name);
	}
	return arena_print(waiting->done->arena, "%s waits for %s, which is blocked, to leave %s", fleet->vms[vm].name,
	                   fleet->vms[list->items[0]].name, fleet->hosts[waiting->end->at[list->items[0]]].name);
}

/* No host, or only its pin, which is where it is and does not suit it. */
static struct reason reason_without_target(const struct waiting *waiting, uint32_t vm)
{
	const struct fleet *fleet = waiting->done->fleet;
	const struct fleet_vm *v = &fleet->vms[vm];
	const char *home = fleet->hosts[v->home].name;
	const char *rest = v->desired->pinned
	                           ? arena_print(waiting->done->arena, "and %s is pinned to it", v->name)
	                           : arena_print(waiting->done->arena, "and no other host suits %s", v->name);
	bool alone = waiting->done->wishes[vm].grouped == NULL;
	if (alone && fleet->hosts[v->home].desired->maintenance) {
		return (struct reason){CODE_MAINTENANCE,
		                       arena_print(waiting->done->arena, "%s is in maintenance, %s", home, rest)};
	}
	const struct wish *wish = &waiting->done->wishes[vm];
	if (wish->grouped != NULL && wish->barred) {
		return (struct reason){CODE_POLICY,
		                       arena_print(waiting->done->arena, "policy %s: no host suits all of its VMs",
		                                   wish->grouped->policy->name)};
	}
	const struct rule *tie = group_tie(waiting->done, vm, v->home);
	if (tie != NULL && (wish->why == WHY_OVER || wish->why == WHY_ROOM)) {
		return (struct reason){CODE_POLICY,
		                       arena_print(waiting->done->arena,
		                                   "%s is over capacity, and policy %s keeps %s with the others there",
		                                   home, tie->policy->name, v->name)};
	}
	const struct rule *rule = wish->rule;
	rule = rule != NULL ? rule : fleet_forbidding_rule(fleet, vm, v->home);
	if (rule != NULL) {
		return (struct reason){CODE_POLICY,
		                       arena_print(waiting->done->arena, "policy %s does not admit it on %s, %s",
		                                   rule->policy->name, home, rest)};
	}
	if (wish->why == WHY_OVER || wish->why == WHY_ROOM) {
		return (struct reason){CODE_MEMORY,
		                       arena_print(waiting->done->arena, "%s is over capacity, %s", home, rest)};
	}
	return (struct reason){CODE_POLICY,
	                       arena_print(waiting->done->arena, "its entry does not name %s, %s", home, rest)};
}

const struct reason *wait_reason(struct waiting *waiting, uint32_t vm)
{
	struct arena *arena = waiting->done->arena;
	struct reason *reason = arena_alloc(arena, sizeof(*reason));
	const struct obstacle *obstacle = &waiting->obstacles[vm];
	if (waiting->targets[vm] == NOWHERE) {
		*reason = reason_without_target(waiting, vm);
	} else if (obstacle->kind != OBSTACLE_NONE) {
		*reason =
		        (struct reason){obstacle_code(obstacle), obstacle_text(arena, waiting->done->fleet, obstacle)};
	} else if (waiting->ring_of[vm] != NOWHERE) {
		*reason = (struct reason){CODE_CYCLE, ring_text(waiting, waiting->ring_of[vm])};
	} else if (waiting->waits_for[vm].count == 0) {
		*reason = (struct reason){CODE_CYCLE, depends_text(waiting, vm)};
	} else {
		*reason = (struct reason){CODE_DEPENDS, depends_text(waiting, vm)};
	}
	return reason;
}
