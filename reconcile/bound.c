#include "reconcile/bound.h"

#include "state/arena.h"

struct tally {
	const struct draft *done;
	const struct simulation *end;
	struct simulation *least; /* those that must leave gone, the pinned at their pins, all others at home */
	bool *forced;             /* by VM: has left because it had to */
	bool *optional;           /* by VM: has left, but another might have in its stead */
};

static bool has_left(const struct tally *tally, uint32_t vm)
{
	return tally->end->at[vm] != tally->done->fleet->vms[vm].home;
}

/*
 * A group that stood together on one host, by a policy that makes each host a group of its own, leaves as a whole or
 * not at all. Where a label makes larger groups, another plan may have kept it there.
 */
static bool follows(const struct tally *tally, uint32_t vm, const struct rule *rule)
{
	const struct groups *groups = rule->groups;
	uint32_t group = groups->of[tally->done->fleet->vms[vm].home];
	return !group_is_parted(tally->done->start, rule) && group != NO_GROUP &&
	       groups->first[group + 1] - groups->first[group] == 1;
}

static bool had_to_leave(const struct tally *tally, uint32_t vm)
{
	const struct wish *wish = &tally->done->wishes[vm];
	switch (wish->why) {
	case WHY_PINNED:
	case WHY_MAINTENANCE:
	case WHY_ENTRY:
	case WHY_RULE:
		return true;
	case WHY_TOGETHER:
		return follows(tally, vm, wish->rule);
	case WHY_NONE:
	case WHY_CROWD:
	case WHY_OVER:
	case WHY_ROOM:
		break;
	}
	return false;
}

static size_t count_forced(struct tally *tally)
{
	size_t count = 0;
	for (uint32_t vm = 0; vm < tally->done->fleet->vm_count; vm++) {
		if (!has_left(tally, vm)) {
			continue;
		}
		tally->forced[vm] = had_to_leave(tally, vm);
		tally->optional[vm] = !tally->forced[vm];
		if (tally->forced[vm]) {
			bool fixed = tally->done->fleet->vms[vm].pin != NOWHERE;
			simulate_move(tally->least, vm, fixed ? tally->end->at[vm] : NOWHERE);
			count++;
		}
	}
	return count;
}

/* How many have to leave at least; those that would have to, and have not, are blocked and left out. */
static size_t count_over(const struct tally *tally, uint32_t host)
{
	size_t before = place_count_over(tally->done, tally->least, host);
	size_t after = place_count_over(tally->done, tally->end, host);
	return before > after ? before - after : 0;
}

static size_t count_crowded(const struct tally *tally, uint32_t number)
{
	const struct fleet *fleet = tally->done->fleet;
	const struct rule *rule = &fleet->rules[number];
	size_t count = 0;
	uint32_t group = rule->row->excess == NULL ? NO_GROUP : simulate_next_group(tally->least, number, NO_GROUP);
	for (; group != NO_GROUP; group = simulate_next_group(tally->least, number, group)) {
		size_t before = rule->row->excess(rule, simulate_count(tally->least, number, group));
		size_t after = rule->row->excess(rule, simulate_count(tally->end, number, group));
		size_t excess = before > after ? before - after : 0;
		size_t left = 0;
		for (uint32_t i = 0; i < rule->member_count && left < excess; i++) {
			uint32_t vm = rule->members[i];
			bool of_group = rule->groups->of[fleet->vms[vm].home] == group;
			left += of_group && tally->optional[vm] ? 1 : 0;
		}
		count += excess < left ? excess : left;
	}
	return count;
}

/* A group that was parted and is not any more: all must have come to one place, whichever that is. */
static size_t count_united(const struct tally *tally, uint32_t number)
{
	const struct fleet *fleet = tally->done->fleet;
	const struct rule *rule = &fleet->rules[number];
	if (rule->policy->kind != POLICY_TOGETHER || !group_is_parted(tally->done->start, rule) ||
	    group_is_parted(tally->end, rule)) {
		return 0;
	}
	size_t members = 0;
	size_t forced = 0;
	size_t most = 0;
	for (uint32_t i = 0; i < rule->member_count; i++) {
		uint32_t vm = rule->members[i];
		bool counts = fleet->vms[vm].standing != STANDS_STALE;
		members += counts ? 1 : 0;
		forced += counts && tally->forced[vm] ? 1 : 0;
	}
	uint32_t group = simulate_next_group(tally->done->start, number, NO_GROUP);
	for (; group != NO_GROUP; group = simulate_next_group(tally->done->start, number, group)) {
		size_t there = simulate_count(tally->done->start, number, group);
		most = there > most ? there : most;
	}
	return members - most > forced ? members - most - forced : 0;
}

/* Is none of the rule's VMs counted yet? Then all are from now on. */
static bool take_members(const struct rule *rule, bool *counted)
{
	for (uint32_t i = 0; i < rule->member_count; i++) {
		if (counted[rule->members[i]]) {
			return false;
		}
	}
	for (uint32_t i = 0; i < rule->member_count; i++) {
		counted[rule->members[i]] = true;
	}
	return true;
}

/*
 * Others that must leave. What full hosts need is added up, since they have no VM in common; so are policies that have
 * none in common. But one VM may mend both a host and a policy: the larger of the two sums is certain.
 */
static size_t count_optional(const struct tally *tally)
{
	const struct fleet *fleet = tally->done->fleet;
	bool *counted = arena_array(tally->done->arena, fleet->vm_count, sizeof(*counted));
	size_t best = 0;
	size_t sum = 0;
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		best += count_over(tally, host);
	}
	for (uint32_t i = 0; i < fleet->rule_count; i++) {
		size_t crowded = count_crowded(tally, i);
		size_t united = count_united(tally, i);
		size_t more = crowded > united ? crowded : united;
		if (more > 0 && !fleet->rules[i].row->counts_all && take_members(&fleet->rules[i], counted)) {
			sum += more;
		} else {
			best = more > best ? more : best;
		}
	}
	return sum > best ? sum : best;
}

static uint32_t root_of(const uint32_t *parents, uint32_t host)
{
	while (parents[host] != host) {
		host = parents[host];
	}
	return host;
}

/* May the VM end there in a plan that follows the same rules? */
static bool is_target(const struct tally *tally, uint32_t vm, uint32_t host)
{
	uint32_t pin = tally->done->fleet->vms[vm].pin;
	return host != tally->done->fleet->vms[vm].home &&
	       (pin != NOWHERE ? host == pin : fleet_suits(tally->done->fleet, vm, host));
}

/*
 * Hosts that are joined by the VMs that must move between them make a set. If at the start none of these VMs has room
 * at any place where it may end, then before the first of them gets there, some VM must leave one of the hosts without
 * getting to its own place: a move that is not counted yet. The sets share no host, so that each has its own.
 */
static size_t count_deadlocks(const struct tally *tally)
{
	const struct fleet *fleet = tally->done->fleet;
	const struct simulation *start = tally->done->start;
	uint32_t *parents = arena_array(tally->done->arena, fleet->host_count, sizeof(*parents));
	bool *alive = arena_array(tally->done->arena, fleet->host_count, sizeof(*alive));
	bool *wanted = arena_array(tally->done->arena, fleet->host_count, sizeof(*wanted));
	bool crowded = false;
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		parents[host] = host;
	}
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		for (uint32_t host = 0; tally->forced[vm] && host < fleet->host_count; host++) {
			if (is_target(tally, vm, host)) {
				parents[root_of(parents, host)] = root_of(parents, fleet->vms[vm].home);
			}
		}
		/* Where others may move in its stead, nothing is certain; a crowd may be spread over any hosts. */
		alive[fleet->vms[vm].home] = alive[fleet->vms[vm].home] || tally->optional[vm];
		crowded = crowded || (tally->optional[vm] && tally->done->wishes[vm].why == WHY_CROWD);
	}
	for (uint32_t vm = 0; vm < fleet->vm_count; vm++) {
		for (uint32_t host = 0; tally->forced[vm] && host < fleet->host_count; host++) {
			int64_t free = simulate_free(start, host);
			bool fits = free >= 0 && (uint64_t)free >= fleet_claim(fleet, vm, host);
			wanted[host] = wanted[host] || is_target(tally, vm, host);
			alive[host] = alive[host] || (is_target(tally, vm, host) && fits);
		}
	}
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		alive[root_of(parents, host)] = alive[root_of(parents, host)] || alive[host];
		wanted[root_of(parents, host)] = wanted[root_of(parents, host)] || wanted[host];
	}
	size_t count = 0;
	for (uint32_t host = 0; host < fleet->host_count; host++) {
		count += parents[host] == host && wanted[host] && !alive[host] ? 1 : 0;
	}
	return crowded ? 0 : count;
}

size_t bound_moves(const struct draft *done, const struct simulation *end)
{
	struct tally tally = {
	        .done = done,
	        .end = end,
	        .least = simulate_copy(done->arena, done->start),
	        .forced = arena_array(done->arena, done->fleet->vm_count, sizeof(bool)),
	        .optional = arena_array(done->arena, done->fleet->vm_count, sizeof(bool)),
	};
	size_t forced = count_forced(&tally);
	return forced + count_optional(&tally) + count_deadlocks(&tally);
}
