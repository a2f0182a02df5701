/*
 * Groups that are to stand together (policy `together`), placed as one: where all of them can be, with as few moves as
 * will do, then the fewest bytes, then the most free RAM.
 *
 * A group that stands together and has no such place is left where it is: those of it that would leave are barred. One
 * that is parted anyway lets each member follow its own entry.
 */
#include "reconcile/place.h"

#include "state/arena.h"

struct group {
	struct draft *draft;
	const struct rule *rule;
	uint32_t *members; /* in the order of names */
	uint32_t count;
};

/* May it be given a place here? The others of the group have to come to those that may not, or have one already. */
static bool is_free(const struct group *group, uint32_t vm)
{
	const struct wish *wish = &group->draft->wishes[vm];
	return place_may_move(group->draft, vm) && !wish->barred && wish->grouped == NULL;
}

static struct group list_members(struct draft *draft, const struct rule *rule)
{
	struct group group = {.draft = draft, .rule = rule};
	group.members = arena_array(draft->arena, rule->member_count, sizeof(*group.members));
	for (uint32_t i = 0; i < rule->member_count; i++) {
		if (draft->fleet->vms[rule->members[i]].standing != STANDS_STALE) {
			group.members[group.count++] = rule->members[i];
		}
	}
	return group;
}

bool group_parts(const struct draft *draft, uint32_t vm, uint32_t host)
{
	const struct fleet_vm *v = &draft->fleet->vms[vm];
	for (uint32_t i = 0; i < v->rule_count; i++) {
		const struct groups *groups = draft->fleet->rules[v->rules[i]].groups;
		if (draft->stood[v->rules[i]] && groups->of[host] != groups->of[v->home]) {
			return true;
		}
	}
	return false;
}

const struct rule *group_tie(const struct draft *draft, uint32_t vm, uint32_t host)
{
	const struct fleet_vm *v = &draft->fleet->vms[vm];
	for (uint32_t i = 0; i < v->rule_count; i++) {
		const struct rule *rule = &draft->fleet->rules[v->rules[i]];
		const struct groups *groups = rule->groups;
		uint32_t group = groups->of[host];
		if (draft->stood[v->rules[i]] && group != NO_GROUP &&
		    groups->first[group + 1] - groups->first[group] == 1) {
			return rule;
		}
	}
	return NULL;
}

bool group_is_parted(const struct simulation *sim, const struct rule *rule)
{
	uint32_t found = NOWHERE;
	for (uint32_t i = 0; i < rule->member_count; i++) {
		uint32_t vm = rule->members[i];
		if (sim->fleet->vms[vm].standing == STANDS_STALE) {
			continue;
		}
		uint32_t group = sim->at[vm] == NOWHERE ? NO_GROUP : rule->groups->of[sim->at[vm]];
		if (group == NO_GROUP || (found != NOWHERE && group != found)) {
			return true;
		}
		found = group;
	}
	return false;
}

bool group_stands(const struct simulation *sim, const struct rule *rule)
{
	uint32_t count = 0;
	for (uint32_t i = 0; rule->policy->kind == POLICY_TOGETHER && i < rule->member_count; i++) {
		count += sim->fleet->vms[rule->members[i]].standing != STANDS_STALE ? 1 : 0;
	}
	return count > 1 && !group_is_parted(sim, rule);
}

/* Does every member want to be in one and the same place? */
static bool all_agree(const struct group *group)
{
	uint32_t first = group->draft->wishes[group->members[0]].goal;
	for (uint32_t i = 0; i < group->count; i++) {
		uint32_t goal = group->draft->wishes[group->members[i]].goal;
		if (goal == NOWHERE || group->rule->groups->of[goal] == NO_GROUP ||
		    group->rule->groups->of[goal] != group->rule->groups->of[first]) {
			return false;
		}
	}
	return true;
}

struct trial {
	uint32_t *hosts; /* by member */
	uint32_t moves;
	uint64_t bytes;
	int64_t free;
	bool fits;
};

/* Is it in the wanted group already, and may stay? Also when it cannot be moved, or has its place from another group.
 */
static bool stays(const struct group *group, uint32_t vm, uint32_t wanted)
{
	uint32_t at = is_free(group, vm) ? group->draft->fleet->vms[vm].home : group->draft->wishes[vm].goal;
	return group->rule->groups->of[at] == wanted &&
	       (!is_free(group, vm) || fleet_suits(group->draft->fleet, vm, at));
}

/* The host of the wanted group for a member that has to come, and is lifted off; with_room: that can take it now. */
static uint32_t host_for(const struct group *group, uint32_t vm, uint32_t wanted, bool with_room)
{
	const struct draft *draft = group->draft;
	const struct fleet *fleet = draft->fleet;
	uint32_t home = fleet->vms[vm].home;
	uint32_t best = NOWHERE;
	const struct groups *groups = group->rule->groups;
	for (uint32_t i = groups->first[wanted]; is_free(group, vm) && i < groups->first[wanted + 1]; i++) {
		uint32_t host = groups->hosts[i];
		if (host == home || !fleet_suits(fleet, vm, host) || !obstacle_absent(fleet, vm, home, host, NULL) ||
		    (with_room && !simulate_has_room(draft->final, vm, home, host, NULL))) {
			continue;
		}
		if (best == NOWHERE || simulate_free(draft->final, host) > simulate_free(draft->final, best)) {
			best = host;
		}
	}
	return best;
}

static void put(const struct group *group, uint32_t vm, uint32_t host)
{
	if (is_free(group, vm)) {
		simulate_move(group->draft->final, vm, host);
	}
}

/* Puts all members into one group of hosts, on the final placement, and takes them off again: first those that stay. */
static struct trial try_group(const struct group *group, uint32_t wanted, bool with_room)
{
	const struct fleet *fleet = group->draft->fleet;
	struct trial trial = {.hosts = arena_array(group->draft->arena, group->count, sizeof(uint32_t)), .fits = true};
	for (uint32_t i = 0; i < group->count; i++) {
		uint32_t vm = group->members[i];
		uint32_t at = is_free(group, vm) ? fleet->vms[vm].home : group->draft->wishes[vm].goal;
		trial.hosts[i] = stays(group, vm, wanted) ? at : NOWHERE;
		if (trial.hosts[i] != NOWHERE) {
			put(group, vm, trial.hosts[i]);
		}
	}
	for (uint32_t i = 0; i < group->count && trial.fits; i++) {
		uint32_t vm = group->members[i];
		if (trial.hosts[i] != NOWHERE) {
			continue;
		}
		trial.hosts[i] = host_for(group, vm, wanted, with_room);
		trial.fits = trial.hosts[i] != NOWHERE;
		if (trial.fits) {
			put(group, vm, trial.hosts[i]);
			trial.moves++;
			trial.bytes += fleet->vms[vm].seen->memory +
			               fleet_travelling_bytes(fleet, vm, fleet->vms[vm].home, trial.hosts[i]);
		}
	}
	trial.free = trial.fits ? simulate_free(group->draft->final, trial.hosts[0]) : 0;
	for (uint32_t i = 0; i < group->count; i++) {
		put(group, group->members[i], NOWHERE);
	}
	return trial;
}

static bool is_better(const struct trial *a, const struct trial *b)
{
	if (!a->fits || !b->fits) {
		return a->fits;
	}
	if (a->moves != b->moves) {
		return a->moves < b->moves;
	}
	return a->bytes != b->bytes ? a->bytes < b->bytes : a->free > b->free;
}

static struct trial best_trial(const struct group *group, bool with_room)
{
	struct trial best = {0};
	for (uint32_t wanted = 0; wanted < group->rule->groups->count; wanted++) {
		struct trial trial = try_group(group, wanted, with_room);
		if (is_better(&trial, &best)) {
			best = trial;
		}
	}
	return best;
}

static void lift_all(const struct group *group)
{
	for (uint32_t i = 0; i < group->count; i++) {
		if (is_free(group, group->members[i])) {
			simulate_move(group->draft->final, group->members[i], NOWHERE);
		}
	}
}

static void accept(const struct group *group, const struct trial *trial)
{
	for (uint32_t i = 0; i < group->count; i++) {
		uint32_t vm = group->members[i];
		struct wish *wish = &group->draft->wishes[vm];
		if (!is_free(group, vm)) {
			continue;
		}
		wish->goal = trial->hosts[i];
		wish->flexible = false;
		wish->grouped = group->rule;
		if (wish->goal == group->draft->fleet->vms[vm].home) {
			wish->why = WHY_NONE;
		} else if (wish->why == WHY_NONE) {
			wish->why = WHY_TOGETHER;
			wish->rule = group->rule;
		}
		simulate_move(group->draft->final, vm, wish->goal);
	}
}

/* No place for all. `ideal`: where they would be if there were room; it does not fit when there is no such place. */
static void give_up(const struct group *group, const struct trial *ideal, bool stood)
{
	for (uint32_t i = 0; i < group->count; i++) {
		uint32_t vm = group->members[i];
		uint32_t home = group->draft->fleet->vms[vm].home;
		struct wish *wish = &group->draft->wishes[vm];
		if (!is_free(group, vm)) {
			continue;
		}
		const uint32_t *group_of = group->rule->groups->of;
		bool leaves_group =
		        wish->why != WHY_NONE && (wish->goal == NOWHERE || group_of[wish->goal] != group_of[home]);
		bool should_join = !stood && wish->why == WHY_NONE && ideal->fits && ideal->hosts[i] != home;
		if ((stood && leaves_group) || should_join) {
			wish->barred = true;
			wish->goal = home;
		}
		if (should_join) {
			wish->why = WHY_TOGETHER;
			wish->rule = group->rule;
			wish->grouped = group->rule;
			wish->wanted = ideal->hosts[i];
		} else if (stood && leaves_group) {
			wish->grouped = group->rule;
			wish->wanted = ideal->fits ? ideal->hosts[i] : NOWHERE;
		}
		simulate_move(group->draft->final, vm, wish->goal);
	}
}

static void place_group(struct draft *draft, const struct rule *rule)
{
	struct group group = list_members(draft, rule);
	if (group.count < 2 || all_agree(&group)) {
		return;
	}
	bool stood = draft->stood[rule - draft->fleet->rules];
	lift_all(&group);
	struct trial best = best_trial(&group, true);
	if (best.fits) {
		accept(&group, &best);
	} else {
		struct trial ideal = best_trial(&group, false);
		give_up(&group, &ideal, stood);
	}
}

/* Those that share a host first: what is on one host is also under one label, but not the other way round. */
void place_groups(struct draft *draft)
{
	for (int by_label = 0; by_label < 2; by_label++) {
		for (uint32_t i = 0; i < draft->fleet->rule_count; i++) {
			const struct rule *rule = &draft->fleet->rules[i];
			if (rule->policy->kind == POLICY_TOGETHER && (rule->policy->by != NULL) == (by_label == 1)) {
				place_group(draft, rule);
			}
		}
	}
}
