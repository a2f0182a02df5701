#include "reconcile/place.h"

#include "state/arena.h"

#include <stdlib.h>
#include <string.h>

/* In one round: bounds the work where hundreds of VMs have no place. */
enum { EXCHANGES_TRIED = 20000 };

static int compare_sizes(const struct fleet *fleet, uint32_t a, uint32_t b)
{
	uint64_t left = fleet->vms[a].seen->memory;
	uint64_t right = fleet->vms[b].seen->memory;
	return left != right ? (left > right ? -1 : 1) : a < b ? -1 : a > b;
}

static int compare_by_size(const void *a, const void *b, void *draft)
{
	return compare_sizes(((const struct draft *)draft)->fleet, *(const uint32_t *)a, *(const uint32_t *)b);
}

struct draft *draft_create(struct arena *arena, const struct fleet *fleet)
{
	struct draft *draft = arena_alloc(arena, sizeof(*draft));
	*draft = (struct draft){
	        .arena = arena,
	        .fleet = fleet,
	        .start = simulate_begin(arena, fleet),
	        .wishes = arena_array(arena, fleet->vm_count, sizeof(*draft->wishes)),
	};
	draft->final = simulate_copy(arena, draft->start);
	bool *stood = arena_array(arena, fleet->rule_count, sizeof(*stood));
	for (uint32_t i = 0; i < fleet->rule_count; i++) {
		const struct rule *rule = &fleet->rules[i];
		stood[i] = group_stands(draft->start, rule);
	}
	draft->stood = stood;
	uint32_t *by_size = arena_array(arena, fleet->vm_count, sizeof(*by_size));
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		by_size[vm] = vm;
	}
	if (fleet->vm_count > 1) {
		qsort_r(by_size, fleet->vm_count, sizeof(*by_size), compare_by_size, draft);
	}
	draft->by_size = by_size;
	draft->work_left = arena_alloc(arena, sizeof(*draft->work_left));
	*draft->work_left = UINT64_MAX;
	return draft;
}

struct draft *draft_copy(const struct draft *draft)
{
	uint32_t count = draft->fleet->vm_count;
	struct draft *copy = arena_alloc(draft->arena, sizeof(*copy));
	*copy = *draft;
	copy->wishes = arena_grow(draft->arena, draft->wishes, count, count, sizeof(*copy->wishes));
	copy->final = simulate_copy(draft->arena, draft->final);
	return copy;
}

bool place_may_move(const struct draft *draft, uint32_t vm)
{
	const struct fleet_vm *v = &draft->fleet->vms[vm];
	return v->standing == STANDS_MANAGED && !v->reported;
}

bool place_is_sticky(const struct draft *draft, uint32_t vm)
{
	return place_may_move(draft, vm) && !draft->fleet->vms[vm].desired->pinned;
}

bool place_could_go(const struct draft *draft, uint32_t vm, uint32_t host)
{
	uint32_t home = draft->fleet->vms[vm].home;
	const struct wish *wish = &draft->wishes[vm];
	if (wish->why == WHY_CROWD && wish->rule->groups->of[host] == wish->rule->groups->of[home]) {
		return false;
	}
	bool gives_way =
	        wish->why == WHY_NONE || wish->why == WHY_CROWD || wish->why == WHY_OVER || wish->why == WHY_ROOM;
	return host != home && fleet_suits(draft->fleet, vm, host) && !(gives_way && group_parts(draft, vm, host)) &&
	       obstacle_absent(draft->fleet, vm, home, host, NULL);
}

bool place_could_leave(const struct draft *draft, uint32_t vm)
{
	for (uint32_t host = 0; host < draft->fleet->host_count; host++) {
		if (place_could_go(draft, vm, host)) {
			return true;
		}
	}
	return false;
}

uint64_t place_weight(const struct draft *draft, uint32_t vm)
{
	const struct fleet_vm *v = &draft->fleet->vms[vm];
	for (uint32_t host = 0; host < draft->fleet->host_count; host++) {
		if (place_could_go(draft, vm, host)) {
			return v->seen->memory + fleet_travelling_bytes(draft->fleet, vm, v->home, host);
		}
	}
	return v->seen->memory;
}

bool place_could_end_on(const struct draft *draft, uint32_t vm, uint32_t host)
{
	/* Room first: it is the cheaper question. */
	uint32_t home = draft->fleet->vms[vm].home;
	return host != home && fleet_suits(draft->fleet, vm, host) &&
	       simulate_has_room(draft->final, vm, home, host, NULL) && place_could_go(draft, vm, host);
}

uint32_t place_best_host(const struct draft *draft, uint32_t vm)
{
	const struct fleet *fleet = draft->fleet;
	uint32_t home = fleet->vms[vm].home;
	uint32_t best = NOWHERE;
	uint64_t best_bytes = 0;
	int64_t best_free = 0;
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		if (!place_could_end_on(draft, vm, host)) {
			continue;
		}
		uint64_t bytes = fleet_travelling_bytes(fleet, vm, home, host);
		int64_t free = simulate_free(draft->final, host);
		if (best == NOWHERE || bytes < best_bytes || (bytes == best_bytes && free > best_free)) {
			best = host;
			best_bytes = bytes;
			best_free = free;
		}
	}
	return best;
}

void place_lift(struct draft *draft, uint32_t vm, enum why why, const struct rule *rule)
{
	draft->wishes[vm] =
	        (struct wish){.why = why, .goal = NOWHERE, .flexible = true, .rule = rule, .wanted = NOWHERE};
	simulate_move(draft->final, vm, NOWHERE);
}

static void bar(struct draft *draft, uint32_t vm)
{
	uint32_t home = draft->fleet->vms[vm].home;
	draft->wishes[vm].barred = true;
	draft->wishes[vm].goal = home;
	simulate_move(draft->final, vm, home);
}

/* What the VM's own entry and its host ask for, whoever else is there. */
static void wish_alone(struct draft *draft, uint32_t vm)
{
	const struct fleet *fleet = draft->fleet;
	const struct fleet_vm *v = &fleet->vms[vm];
	struct wish *wish = &draft->wishes[vm];
	if (wish->barred) {
		wish->goal = v->home;
		return;
	}
	*wish = (struct wish){.goal = v->home, .wanted = NOWHERE};
	if (!place_may_move(draft, vm) || fleet_suits(fleet, vm, v->home)) {
		return;
	}
	wish->rule = fleet_forbidding_rule(fleet, vm, v->home);
	wish->goal = fleet->vms[vm].pin;
	wish->flexible = wish->goal == NOWHERE;
	wish->why = wish->goal != NOWHERE                        ? WHY_PINNED
	            : fleet->hosts[v->home].desired->maintenance ? WHY_MAINTENANCE
	            : !fleet_entry_names(fleet, vm, v->home)     ? WHY_ENTRY
	                                                         : WHY_RULE;
	/* A pin on a host that does not suit, or that nothing can be moved to, is no place. */
	if (!wish->flexible && !place_could_go(draft, vm, wish->goal)) {
		wish->barred = true;
		wish->goal = v->home;
	}
}

static void wish_all_alone(struct draft *draft)
{
	for (uint32_t vm = 0; vm < draft->fleet->vm_count; vm++) {
		wish_alone(draft, vm);
		uint32_t goal = draft->wishes[vm].goal;
		if (draft->final->at[vm] != goal) {
			simulate_move(draft->final, vm, goal);
		}
	}
}

/* VMs that shall move: those with a goal, or those without one. Largest first, then by name. */
static uint32_t list_movers(struct draft *draft, bool with_goal, uint32_t **ret_movers)
{
	uint32_t count = 0;
	uint32_t *movers = arena_array(draft->arena, draft->fleet->vm_count, sizeof(*movers));
	for (uint32_t i = 0; i < draft->fleet->vm_count; i++) {
		uint32_t vm = draft->by_size[i];
		uint32_t goal = draft->wishes[vm].goal;
		if (goal != draft->fleet->vms[vm].home && (goal != NOWHERE) == with_goal) {
			movers[count++] = vm;
		}
	}
	*ret_movers = movers;
	return count;
}

/* Could it be added to the final placement where it is going, with all others already there? */
static bool has_room_at_goal(struct draft *draft, uint32_t vm)
{
	uint32_t goal = draft->wishes[vm].goal;
	simulate_move(draft->final, vm, NOWHERE);
	bool fits = simulate_has_room(draft->final, vm, draft->fleet->vms[vm].home, goal, NULL);
	simulate_move(draft->final, vm, goal);
	return fits;
}

/*
 * Bars those whose place can never hold them: of several that compete, the largest, so that as few as possible are
 * barred. One that stays at home may take the room of another: until nothing changes. Returns whether it barred any.
 */
static bool bar_without_room(struct draft *draft)
{
	uint32_t *movers;
	uint32_t count = list_movers(draft, true, &movers);
	bool any = false;
	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t i = 0; i < count; i++) {
			if (!draft->wishes[movers[i]].barred && !has_room_at_goal(draft, movers[i])) {
				bar(draft, movers[i]);
				changed = true;
				any = true;
			}
		}
	}
	return any;
}

/* Does the VM come to where the other should make way for it? */
static bool drives_out(const struct draft *draft, uint32_t vm, uint32_t other)
{
	const struct wish *wish = &draft->wishes[other];
	uint32_t host = draft->fleet->vms[other].home;
	uint32_t from = draft->fleet->vms[vm].home;
	uint32_t goal = draft->wishes[vm].goal;
	if (goal == from || goal == NOWHERE) {
		return false;
	}
	if (wish->why == WHY_CROWD) {
		const uint32_t *group_of = wish->rule->groups->of;
		return group_of[goal] == group_of[host] && group_of[from] != group_of[host] && rule_has(wish->rule, vm);
	}
	return wish->why == WHY_ROOM && goal == host;
}

/* When a VM that should give way has no other place, it is one of those that drive it out that cannot come. */
static uint32_t one_that_comes(const struct draft *draft, uint32_t other)
{
	uint32_t largest = NOWHERE;
	for (uint32_t vm = 0; vm < draft->fleet->vm_count; vm++) {
		if (drives_out(draft, vm, other) &&
		    (largest == NOWHERE || compare_sizes(draft->fleet, vm, largest) < 0)) {
			largest = vm;
		}
	}
	return largest;
}

/* Finds a host for each that must leave; bars those for which there is none. Returns whether it barred any. */
static bool place_leavers(struct draft *draft)
{
	uint32_t *leavers;
	uint32_t count = list_movers(draft, false, &leavers);
	uint32_t tries_left = EXCHANGES_TRIED;
	bool barred = false;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t vm = leavers[i];
		uint32_t host = place_best_host(draft, vm);
		if (host != NOWHERE) {
			draft->wishes[vm].goal = host;
			simulate_move(draft->final, vm, host);
			continue;
		}
		if (place_by_exchange(draft, vm, &tries_left)) {
			continue;
		}
		barred = true;
		uint32_t coming = one_that_comes(draft, vm);
		bar(draft, coming == NOWHERE ? vm : coming);
	}
	return barred;
}

/* Would it make nothing worse if it came home? There is room and no policy minds; or as many must leave either way. */
static bool may_come_home(struct draft *draft, uint32_t vm)
{
	uint32_t home = draft->fleet->vms[vm].home;
	uint32_t goal = draft->wishes[vm].goal;
	struct obstacle obstacle = {0};
	simulate_has_room(draft->final, vm, goal, home, &obstacle);
	if (obstacle.kind != OBSTACLE_MEMORY) {
		return obstacle.kind != OBSTACLE_STEP;
	}
	if (simulate_free(draft->final, home) >= 0) {
		return false;
	}
	uint32_t without = place_count_over(draft, draft->final, home);
	simulate_move(draft->final, vm, home);
	uint32_t with = place_count_over(draft, draft->final, home);
	simulate_move(draft->final, vm, goal);
	return with <= without;
}

/* Those that were asked to give way, and need not after all, now that everybody has a place. */
static void send_home(struct draft *draft)
{
	for (uint32_t vm = 0; vm < draft->fleet->vm_count; vm++) {
		struct wish *wish = &draft->wishes[vm];
		uint32_t home = draft->fleet->vms[vm].home;
		bool gave_way = wish->why == WHY_CROWD || wish->why == WHY_OVER || wish->why == WHY_ROOM;
		if (gave_way && wish->goal != home && may_come_home(draft, vm)) {
			*wish = (struct wish){.goal = home, .wanted = NOWHERE};
			simulate_move(draft->final, vm, home);
		}
	}
}

void place_alone(struct draft *draft)
{
	wish_all_alone(draft);
	place_groups(draft);
}

void place_all(struct draft *draft)
{
	/* Each round bars somebody for good, so that there are at most as many rounds as VMs. */
	do {
		place_alone(draft);
		place_crowds(draft);
		place_relief(draft);
	} while (bar_without_room(draft) || place_leavers(draft));
	send_home(draft);
}
