/*
 * Policies as the planner uses them (spec section 2): one row for each kind, one file for each row.
 *
 * A policy becomes a rule once per pass: its VMs as a list, its hosts as numbered groups (a host each, or the hosts
 * that share a value of the label that `by` names). Judging a step is then a matter of how many of the rule's VMs stand
 * in a group. Whoever moves VMs knows that; nothing here has a state.
 *
 * Hosts and VMs are numbers: the caller's indexes into the arrays that rules_make() was given. What a rule takes grows
 * with its VMs, not with the fleet: there may be thousands of them. Pure.
 */
#ifndef BERTH_POLICY_H
#define BERTH_POLICY_H

#include "state/desired.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define NO_GROUP UINT32_MAX

/* Hosts in groups, numbered in the order of their first hosts. */
struct groups {
	uint32_t *of; /* by host; NO_GROUP: the policy counts nothing there */
	uint32_t count;
	uint32_t *hosts; /* those of group g are hosts[first[g]] to hosts[first[g + 1]] */
	uint32_t *first;
};

struct rule {
	const struct policy *policy;
	const struct policy_row *row;
	const uint32_t *members; /* the VMs that the policy speaks of, rising */
	uint32_t member_count;
	const struct groups *groups; /* rules with the same `by` share theirs */
};

/* The functions that a kind does not need are NULL. */
struct policy_row {
	enum policy_kind kind;

	/* Every VM is a member, also one that the desired placement does not name. */
	bool counts_all;

	/* May a member be on this host at all, whoever else is there? NULL: on any. */
	bool (*admits)(const struct rule *rule, uint32_t host);

	/* May a member come from one group to another, where `count` members are now? from is NO_GROUP for one that is
	 * nowhere, to for a host that is in no group. NULL: always. */
	bool (*allows)(const struct rule *rule, uint32_t count, uint32_t from, uint32_t to);

	/* How many of the members in a group of `count` are too many. NULL: never any. */
	uint32_t (*excess)(const struct rule *rule, uint32_t count);
};

/* NULL stands for VMs and hosts that the desired placement does not define. */
struct rule_input {
	const struct desired *desired;
	const struct desired_host *const *hosts;
	uint32_t host_count;
	const struct desired_vm *const *vms;
	uint32_t vm_count;
};

/* One rule for each policy, in their order. */
struct rule *rules_make(struct arena *arena, const struct rule_input *input);

/* Does the policy speak of the VM? */
bool rule_has(const struct rule *rule, uint32_t vm);

/* The row of a kind. */
const struct policy_row *policy_row(enum policy_kind kind);

/* Hosts grouped by `by`; those without the label are in NO_GROUP. For rows that count. */
bool rule_admits_grouped(const struct rule *rule, uint32_t host);

extern const struct policy_row policy_apart;
extern const struct policy_row policy_together;
extern const struct policy_row policy_only_on;
extern const struct policy_row policy_not_on;
extern const struct policy_row policy_at_most;
extern const struct policy_row policy_survive;
extern const struct policy_row policy_window;

/* survive: what one host holds, and what could still take it in. */
struct survive_host {
	bool counts;         /* it takes VMs in: connected, not in maintenance */
	int64_t free;        /* may be negative */
	uint64_t overhead;   /* added to the memory of each VM that it takes in */
	const uint32_t *vms; /* of the VMs that stand on it, by falling memory, then number */
	uint32_t vm_count;
};

struct homeless {
	uint32_t *hosts; /* that are gone in the case shown: the first one found */
	uint32_t host_count;
	uint32_t *vms;
	uint32_t vm_count;
};

/*
 * Could the VMs of any `count` hosts be started on the others? Each VM, largest first, goes to the host with the most
 * room. Returns one entry for each host (count 1), or for the `count` hosts with the most VMs' memory together, whose
 * VMs do not all find a place. The first fit is a good guess and no proof: VMs named might fit when packed by hand.
 */
size_t survive_check(struct arena *arena, uint64_t count, const struct survive_host *hosts, uint32_t host_count,
                     const uint64_t *memory_of_vm, struct homeless **ret_cases);

/* window: is it open at this minute of this weekday (Monday 0), in the window's own time zone? */
bool window_is_open(const struct window *window, unsigned int weekday, unsigned int minute);

#endif
