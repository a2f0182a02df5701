#include "reconcile/wait.h"

#include "reconcile/order.h"
#include "state/arena.h"
#include "state/text.h"
#include "state/units.h"

#include <stdlib.h>

void wait_begin(struct waiting *waiting, const struct draft *done, const struct simulation *end)
{
	struct arena *arena = done->arena;
	uint32_t count = done->fleet->vm_count;
	*waiting = (struct waiting){
	        .done = done,
	        .end = end,
	        .loose = simulate_copy(arena, end),
	        .blocked = arena_array(arena, count, sizeof(bool)),
	        .order = arena_array(arena, count, sizeof(uint32_t)),
	        .obstacles = arena_array(arena, count, sizeof(struct obstacle)),
	        .targets = arena_array(arena, count, sizeof(uint32_t)),
	        .waits_for = arena_array(arena, count, sizeof(bool *)),
	};
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
	uint32_t pin = fleet_pin(done->fleet, vm);
	if (host == home || (pin != NOWHERE && host != pin) || (wish->wanted != NOWHERE && host != wish->wanted)) {
		return false;
	}
	if (wish->why == WHY_CROWD && wish->rule->group_of[host] == wish->rule->group_of[home]) {
		return false;
	}
	return pin != NOWHERE || fleet_suits(done->fleet, vm, host);
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
	for (uint32_t i = 0; i < fleet->vm_count; i++) {
		if (rule->members[i] && waiting->end->at[i] != host && waiting->done->wishes[i].wanted == host) {
			obstacle->need += fleet_claim(fleet, i, host);
		}
	}
}

/* Which of the others would have to leave: one that is enough alone, or, by name, as many as it takes. */
static void find_blockers(struct waiting *waiting, uint32_t vm)
{
	const struct fleet *fleet = waiting->done->fleet;
	uint32_t home = fleet->vms[vm].home;
	uint32_t target = waiting->targets[vm];
	bool *set = arena_array(waiting->done->arena, fleet->vm_count, sizeof(*set));
	waiting->waits_for[vm] = set;
	struct simulation *sim = simulate_copy(waiting->done->arena, waiting->end);
	for (uint32_t i = 0; i < waiting->count; i++) {
		uint32_t other = waiting->order[i];
		if (other == vm) {
			continue;
		}
		simulate_move(sim, other, NOWHERE);
		set[other] = simulate_has_room(sim, vm, home, target, NULL);
		if (set[other]) {
			return;
		}
		simulate_move(sim, other, waiting->end->at[other]);
	}
	for (uint32_t i = 0; i < waiting->count && !simulate_has_room(sim, vm, home, target, NULL); i++) {
		uint32_t other = waiting->order[i];
		if (other != vm && waiting->end->at[other] == target) {
			simulate_move(sim, other, NOWHERE);
			set[other] = true;
		}
	}
}

void wait_resolve(struct waiting *waiting)
{
	for (uint32_t vm = 0; vm < waiting->done->fleet->vm_count; vm++) {
		if (waiting->blocked[vm]) {
			waiting->order[waiting->count++] = vm;
		}
	}
	for (uint32_t i = 0; i < waiting->count; i++) {
		uint32_t vm = waiting->order[i];
		find_target(waiting, vm);
		bool clear = waiting->targets[vm] != NOWHERE && waiting->obstacles[vm].kind == OBSTACLE_NONE;
		if (clear && waiting->done->wishes[vm].barred && waiting->done->wishes[vm].grouped != NULL) {
			blame_group(waiting, vm);
		} else if (clear) {
			find_blockers(waiting, vm);
		}
	}
}

/* Who can be reached from vm by "waits for", vm itself only when in a ring. */
static bool *reachable_from(const struct waiting *waiting, uint32_t vm)
{
	uint32_t count = waiting->done->fleet->vm_count;
	bool *reached = arena_array(waiting->done->arena, count, sizeof(*reached));
	uint32_t *todo = arena_array(waiting->done->arena, count + 1, sizeof(*todo));
	uint32_t todo_count = 0;
	todo[todo_count++] = vm;
	while (todo_count > 0) {
		const bool *next = waiting->waits_for[todo[--todo_count]];
		for (uint32_t i = 0; next != NULL && i < waiting->count; i++) {
			uint32_t other = waiting->order[i];
			if (next[other] && !reached[other]) {
				reached[other] = true;
				todo[todo_count++] = other;
			}
		}
	}
	return reached;
}

/* Would all of the ring get to their places if the host had so much more? */
static bool room_would_do(const struct waiting *waiting, const bool *ring, uint32_t host, uint64_t more)
{
	struct arena *arena = waiting->done->arena;
	struct fleet *fleet = arena_alloc(arena, sizeof(*fleet));
	*fleet = *waiting->done->fleet;
	fleet->hosts = arena_grow(arena, fleet->hosts, fleet->host_count, fleet->host_count, sizeof(*fleet->hosts));
	fleet->hosts[host].capacity += more;
	struct draft *draft = draft_create(arena, fleet);
	for (uint32_t i = 0; i < waiting->count; i++) {
		draft->wishes[waiting->order[i]].barred = !ring[waiting->order[i]];
	}
	place_all(draft);
	for (uint32_t i = 0; i < waiting->count; i++) {
		if (ring[waiting->order[i]] && draft->wishes[waiting->order[i]].barred) {
			return false;
		}
	}
	struct draft *done;
	return order_best(draft, &done).stuck_count == 0;
}

/* The least room, on one host, that breaks the ring: what one of its VMs lacks at its target. "" when none is found. */
static const char *room_that_breaks(const struct waiting *waiting, const bool *ring)
{
	struct arena *arena = waiting->done->arena;
	uint64_t best = UINT64_MAX;
	uint32_t best_host = NOWHERE;
	for (uint32_t i = 0; i < waiting->count; i++) {
		uint32_t vm = waiting->order[i];
		uint32_t host = waiting->targets[vm];
		struct obstacle lacks;
		if (!ring[vm] ||
		    simulate_has_room(waiting->end, vm, waiting->done->fleet->vms[vm].home, host, &lacks) ||
		    lacks.kind != OBSTACLE_MEMORY) {
			continue;
		}
		uint64_t more = obstacle_missing(&lacks);
		if (more < best && room_would_do(waiting, ring, host, more)) {
			best = more;
			best_host = host;
		}
	}
	return best_host == NOWHERE
	               ? ""
	               : arena_print(arena, "; %s more on %s would break it", units_size_short(arena, (int64_t)best),
	                             waiting->done->fleet->hosts[best_host].name);
}

static const char *ring_text(const struct waiting *waiting, const bool *reached)
{
	/* The ring itself: those reached that reach back. */
	struct arena *arena = waiting->done->arena;
	bool *ring = arena_array(arena, waiting->done->fleet->vm_count, sizeof(*ring));
	struct text names;
	text_init(&names, arena);
	for (uint32_t i = 0; i < waiting->count; i++) {
		uint32_t vm = waiting->order[i];
		if (reached[vm] && reachable_from(waiting, vm)[vm]) {
			ring[vm] = true;
			text_print(&names, "%s%s to %s", names.length == 0 ? "" : ", ",
			           waiting->done->fleet->vms[vm].name,
			           waiting->done->fleet->hosts[waiting->targets[vm]].name);
		}
	}
	return arena_print(arena, "no order leads there: each waits for another (%s)%s", text_string(&names),
	                   room_that_breaks(waiting, ring));
}

static const char *depends_text(const struct waiting *waiting, uint32_t vm)
{
	const struct fleet *fleet = waiting->done->fleet;
	const bool *set = waiting->waits_for[vm];
	for (uint32_t other = 0; other < fleet->vm_count; other++) {
		if (set[other]) {
			return arena_print(waiting->done->arena, "%s waits for %s, which is blocked, to leave %s",
			                   fleet->vms[vm].name, fleet->vms[other].name,
			                   fleet->hosts[waiting->end->at[other]].name);
		}
	}
	return arena_print(waiting->done->arena, "no order was found that leads %s to %s", fleet->vms[vm].name,
	                   fleet->hosts[waiting->targets[vm]].name);
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

const struct reason *wait_reason(const struct waiting *waiting, uint32_t vm)
{
	struct arena *arena = waiting->done->arena;
	struct reason *reason = arena_alloc(arena, sizeof(*reason));
	const struct obstacle *obstacle = &waiting->obstacles[vm];
	if (waiting->targets[vm] == NOWHERE) {
		*reason = reason_without_target(waiting, vm);
	} else if (obstacle->kind != OBSTACLE_NONE) {
		*reason =
		        (struct reason){obstacle_code(obstacle), obstacle_text(arena, waiting->done->fleet, obstacle)};
	} else {
		const bool *reached = reachable_from(waiting, vm);
		*reason = reached[vm] ? (struct reason){CODE_CYCLE, ring_text(waiting, reached)}
		                      : (struct reason){CODE_DEPENDS, depends_text(waiting, vm)};
	}
	return reason;
}
