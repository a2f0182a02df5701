#include "reconcile/judge.h"

#include "state/arena.h"

#include <stdlib.h>

struct scope scope_whole(const struct draft *draft)
{
	const struct fleet *fleet = draft->fleet;
	uint32_t *vms = arena_array(draft->arena, fleet->vm_count, sizeof(*vms));
	uint32_t *hosts = arena_array(draft->arena, fleet->host_count, sizeof(*hosts));
	struct scope scope = {.vms = vms, .hosts = hosts, .host_count = fleet->host_count};
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		if (place_may_move(draft, vm) && !draft->wishes[vm].barred) {
			vms[scope.vm_count++] = vm;
		}
	}
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		hosts[host] = host;
	}
	return scope;
}

uint32_t judge_still_to_move(const struct draft *draft, const struct simulation *sim, uint32_t vm)
{
	const struct wish *wish = &draft->wishes[vm];
	uint32_t at = sim->at[vm];
	if (wish->barred || !place_may_move(draft, vm)) {
		return 0;
	}
	/* One that shall join its group: wherever that is, if all of it is there. */
	bool joins = wish->grouped != NULL && wish->why == WHY_TOGETHER && at != wish->goal;
	return fleet_suits(draft->fleet, vm, at) && !(joins && group_is_parted(sim, wish->grouped)) ? 0 : 1;
}

/* Also one that must leave anyway: two things are wrong there, and leaving mends both. */
static bool may_give_way(const struct draft *draft, const struct simulation *sim, uint32_t vm, uint32_t host)
{
	return sim->at[vm] == host && !draft->wishes[vm].barred && place_is_sticky(draft, vm) &&
	       group_tie(draft, vm, host) == NULL;
}

bool judge_is_amiss(const struct draft *draft, const struct simulation *sim, uint32_t vm)
{
	const struct fleet_vm *v = &draft->fleet->vms[vm];
	uint32_t at = sim->at[vm];
	if (judge_still_to_move(draft, sim, vm) > 0) {
		return true;
	}
	bool amiss = draft->fleet->hosts[at].connected && simulate_free(sim, at) < 0;
	for (uint32_t i = 0; i < v->rule_count && !amiss; i++) {
		const struct rule *rule = &draft->fleet->rules[v->rules[i]];
		uint32_t group = rule->groups->of[at];
		amiss = rule->row->excess != NULL && group != NO_GROUP &&
		        rule->row->excess(rule, simulate_count(sim, v->rules[i], group)) > 0;
	}
	return amiss && may_give_way(draft, sim, vm, at);
}

/* The fewest VMs that would have to leave so that the host is no longer over capacity: the largest. */
static uint32_t count_over(const struct draft *draft, const struct simulation *sim, const struct scope *scope,
                           uint32_t host)
{
	int64_t free = simulate_free(sim, host);
	uint32_t count = 0;
	uint64_t below = UINT64_MAX; /* what is larger has been counted */
	uint32_t after = NOWHERE;    /* and of those alike, the names up to this one */
	while (free < 0) {
		uint32_t next = NOWHERE;
		uint64_t largest = 0;
		for (uint32_t i = 0; i < scope->vm_count; i++) {
			uint32_t vm = scope->vms[i];
			uint64_t size = draft->fleet->vms[vm].seen->memory;
			bool left = size < below || (size == below && after != NOWHERE && vm > after);
			if (left && may_give_way(draft, sim, vm, host) && (next == NOWHERE || size > largest)) {
				next = vm;
				largest = size;
			}
		}
		if (next == NOWHERE) {
			break;
		}
		below = largest;
		after = next;
		count++;
		free += (int64_t)fleet_claim(draft->fleet, next, host);
	}
	return count;
}

static uint32_t count_crowded(const struct draft *draft, const struct simulation *sim, const struct scope *scope,
                              uint32_t number, uint32_t group)
{
	const struct rule *rule = &draft->fleet->rules[number];
	uint32_t excess = rule->row->excess(rule, simulate_count(sim, number, group));
	uint32_t count = 0;
	for (uint32_t i = 0; i < scope->vm_count && count < excess; i++) {
		uint32_t vm = scope->vms[i];
		uint32_t at = sim->at[vm];
		bool of_group = rule->groups->of[at] == group && rule_has(rule, vm);
		count += of_group && may_give_way(draft, sim, vm, at) ? 1 : 0;
	}
	return count;
}

uint32_t judge_unplaced(const struct draft *draft, const struct simulation *sim, const struct scope *scope)
{
	const struct fleet *fleet = draft->fleet;
	uint32_t count = 0;
	for (uint32_t i = 0; i < scope->vm_count; i++) {
		count += judge_still_to_move(draft, sim, scope->vms[i]);
	}
	for (uint32_t i = 0; i < scope->host_count; i++) {
		uint32_t host = scope->hosts[i];
		count += fleet->hosts[host].connected ? count_over(draft, sim, scope, host) : 0;
	}
	for (uint32_t i = 0; i < fleet->rule_count; i++) {
		const struct rule *rule = &fleet->rules[i];
		uint32_t group = rule->row->excess == NULL ? NO_GROUP : simulate_next_group(sim, i, NO_GROUP);
		for (; group != NO_GROUP; group = simulate_next_group(sim, i, group)) {
			count += count_crowded(draft, sim, scope, i, group);
		}
	}
	return count;
}

static bool is_in_place(const struct draft *draft, const struct simulation *sim, uint32_t vm)
{
	const struct wish *wish = &draft->wishes[vm];
	uint32_t at = sim->at[vm];
	bool joins = wish->grouped != NULL && wish->why == WHY_TOGETHER;
	return at == draft->fleet->vms[vm].home ||
	       (fleet_suits(draft->fleet, vm, at) && !(joins && group_is_parted(sim, wish->grouped)));
}

/* One that may stay as long as its host suits it: back at home there would be no room, or one too many of a policy. */
static bool had_to_leave(const struct draft *draft, const struct simulation *sim, uint32_t vm)
{
	uint32_t home = draft->fleet->vms[vm].home;
	struct obstacle obstacle;
	return !simulate_has_room(sim, vm, sim->at[vm], home, &obstacle) &&
	       (obstacle.kind == OBSTACLE_MEMORY || obstacle.kind == OBSTACLE_STEP);
}

bool judge_could_return(const struct draft *draft, const struct simulation *sim, uint32_t vm)
{
	return sim->at[vm] != draft->fleet->vms[vm].home && draft->wishes[vm].why == WHY_NONE &&
	       draft->wishes[vm].grouped == NULL && !had_to_leave(draft, sim, vm);
}

bool judge_may_pause(const struct draft *draft, const struct simulation *sim, const struct scope *scope)
{
	for (uint32_t i = 0; i < scope->vm_count; i++) {
		if (!is_in_place(draft, sim, scope->vms[i])) {
			return false;
		}
	}
	for (uint32_t i = 0; i < draft->fleet->rule_count; i++) {
		if (draft->stood[i] && group_is_parted(sim, &draft->fleet->rules[i])) {
			return false;
		}
	}
	return true;
}

bool judge_may_end(const struct draft *draft, const struct simulation *sim, const struct scope *scope)
{
	for (uint32_t i = 0; i < scope->vm_count; i++) {
		if (judge_could_return(draft, sim, scope->vms[i])) {
			return false;
		}
	}
	return judge_may_pause(draft, sim, scope);
}
