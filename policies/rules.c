/* From the policies of a placement to rules about numbered VMs and hosts. */
#include "policies/policy.h"

#include "state/arena.h"
#include "state/label_index.h"
#include "state/text.h"

#include <stdlib.h>
#include <string.h>

struct maker {
	struct arena *arena;
	const struct rule_input *input;
	const struct label_index *index; /* of the desired VMs */
	const struct groups *alone;      /* each host a group of its own */

	/* The VMs that a desired one stands for, rising: sightings[first[d]] to sightings[first[d + 1]]. */
	uint32_t *sightings;
	uint32_t *first;

	uint32_t *all; /* every VM */
	size_t *selected;
};

static int compare_numbers(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a;
	uint32_t right = *(const uint32_t *)b;
	return left < right ? -1 : left > right;
}

static void list_sightings(struct maker *maker)
{
	const struct rule_input *input = maker->input;
	size_t desired_count = input->desired->vm_count;
	maker->sightings = arena_array(maker->arena, input->vm_count, sizeof(*maker->sightings));
	maker->first = arena_array(maker->arena, desired_count + 2, sizeof(*maker->first));
	/* Counted two places further on, so that filling in leaves each start where it belongs. */
	for (uint32_t vm = 0; vm < input->vm_count; vm++) {
		if (input->vms[vm] != NULL) {
			maker->first[input->vms[vm] - input->desired->vms + 2]++;
		}
	}
	for (size_t i = 2; i < desired_count + 2; i++) {
		maker->first[i] += maker->first[i - 1];
	}
	for (uint32_t vm = 0; vm < input->vm_count; vm++) {
		if (input->vms[vm] != NULL) {
			maker->sightings[maker->first[input->vms[vm] - input->desired->vms + 1]++] = vm;
		}
	}
}

static void list_members(struct maker *maker, struct rule *rule)
{
	if (rule->row->counts_all) {
		rule->members = maker->all;
		rule->member_count = maker->input->vm_count;
		return;
	}
	size_t count = label_index_select(maker->index, &rule->policy->vms, maker->selected);
	for (size_t i = 0; i < count; i++) {
		size_t desired = maker->selected[i];
		rule->member_count += maker->first[desired + 1] - maker->first[desired];
	}
	uint32_t *members = arena_array(maker->arena, rule->member_count, sizeof(*members));
	uint32_t filled = 0;
	for (size_t i = 0; i < count; i++) {
		size_t desired = maker->selected[i];
		for (uint32_t j = maker->first[desired]; j < maker->first[desired + 1]; j++) {
			members[filled++] = maker->sightings[j];
		}
	}
	if (filled > 1) {
		qsort(members, filled, sizeof(*members), compare_numbers);
	}
	rule->members = members;
}

/* Puts the hosts of each group side by side, once `of` and `count` are known. */
static void list_hosts(struct arena *arena, struct groups *groups, uint32_t host_count)
{
	groups->hosts = arena_array(arena, host_count, sizeof(*groups->hosts));
	groups->first = arena_array(arena, (size_t)groups->count + 2, sizeof(*groups->first));
	for (uint32_t host = 0; host < host_count; host++) {
		if (groups->of[host] != NO_GROUP) {
			groups->first[groups->of[host] + 2]++;
		}
	}
	for (uint32_t group = 0; group < groups->count; group++) {
		groups->first[group + 2] += groups->first[group + 1];
	}
	for (uint32_t host = 0; host < host_count; host++) {
		if (groups->of[host] != NO_GROUP) {
			groups->hosts[groups->first[groups->of[host] + 1]++] = host;
		}
	}
}

static struct groups *create_groups(struct arena *arena, uint32_t host_count)
{
	struct groups *groups = arena_alloc(arena, sizeof(*groups));
	groups->of = arena_array(arena, host_count, sizeof(*groups->of));
	return groups;
}

/* Each desired host that the selector selects a group of its own; NULL: all. */
static const struct groups *group_selected(struct maker *maker, const struct selector *selector)
{
	const struct rule_input *input = maker->input;
	struct groups *groups = create_groups(maker->arena, input->host_count);
	for (uint32_t host = 0; host < input->host_count; host++) {
		const struct desired_host *desired = input->hosts[host];
		bool selected = desired != NULL &&
		                (selector == NULL || selector_selects(selector, desired->name, &desired->labels));
		groups->of[host] = selected ? groups->count++ : NO_GROUP;
	}
	list_hosts(maker->arena, groups, input->host_count);
	return groups;
}

struct labelled {
	const char *value;
	uint32_t host;
};

static int compare_labelled(const void *a, const void *b)
{
	const struct labelled *left = a;
	const struct labelled *right = b;
	int order = strcmp(left->value, right->value);
	return order != 0 ? order : compare_numbers(&left->host, &right->host);
}

/* The hosts that share a value of the label; those without it are in no group. */
static const struct groups *group_by_label(struct maker *maker, const char *key)
{
	const struct rule_input *input = maker->input;
	struct groups *groups = create_groups(maker->arena, input->host_count);
	struct labelled *labelled = arena_array(maker->arena, input->host_count, sizeof(*labelled));
	uint32_t *leader = arena_array(maker->arena, input->host_count, sizeof(*leader));
	uint32_t count = 0;
	for (uint32_t host = 0; host < input->host_count; host++) {
		groups->of[host] = NO_GROUP;
		const char *value = input->hosts[host] == NULL ? NULL : labels_get(&input->hosts[host]->labels, key);
		if (value != NULL) {
			labelled[count++] = (struct labelled){value, host};
		}
	}
	if (count > 1) {
		qsort(labelled, count, sizeof(*labelled), compare_labelled);
	}
	for (uint32_t i = 0; i < count; i++) {
		bool first = i == 0 || !text_equal(labelled[i].value, labelled[i - 1].value);
		leader[labelled[i].host] = first ? labelled[i].host : leader[labelled[i - 1].host];
		groups->of[labelled[i].host] = 0;
	}
	for (uint32_t host = 0; host < input->host_count; host++) {
		if (groups->of[host] != NO_GROUP) {
			groups->of[host] = leader[host] == host ? groups->count++ : groups->of[leader[host]];
		}
	}
	list_hosts(maker->arena, groups, input->host_count);
	return groups;
}

/* Of the rules that are made already, one with the same `by` has the same groups. */
static const struct groups *groups_by(struct maker *maker, const struct rule *rules, uint32_t count, const char *by)
{
	if (by == NULL) {
		return maker->alone;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (rules[i].policy->by != NULL && text_equal(rules[i].policy->by, by)) {
			return rules[i].groups;
		}
	}
	return group_by_label(maker, by);
}

static const struct groups *groups_of(struct maker *maker, const struct rule *rules, uint32_t count,
                                      const struct policy *policy)
{
	switch (policy->kind) {
	case POLICY_APART:
	case POLICY_TOGETHER:
		return groups_by(maker, rules, count, policy->by);
	case POLICY_ONLY_ON:
	case POLICY_NOT_ON:
	case POLICY_AT_MOST:
		return group_selected(maker, &policy->hosts);
	case POLICY_SURVIVE:
	case POLICY_WINDOW:
		break;
	}
	return maker->alone;
}

struct rule *rules_make(struct arena *arena, const struct rule_input *input)
{
	const struct desired *desired = input->desired;
	struct maker maker = {
	        .arena = arena,
	        .input = input,
	        .index = label_index_vms(arena, desired),
	        .all = arena_array(arena, input->vm_count, sizeof(*maker.all)),
	        .selected = arena_array(arena, desired->vm_count, sizeof(*maker.selected)),
	};
	maker.alone = group_selected(&maker, NULL);
	list_sightings(&maker);
	for (uint32_t vm = 0; vm < input->vm_count; vm++) {
		maker.all[vm] = vm;
	}
	struct rule *rules = arena_array(arena, desired->policy_count, sizeof(*rules));
	for (uint32_t i = 0; i < desired->policy_count; i++) {
		rules[i] = (struct rule){.policy = &desired->policies[i], .row = policy_row(desired->policies[i].kind)};
		rules[i].groups = groups_of(&maker, rules, i, rules[i].policy);
		list_members(&maker, &rules[i]);
	}
	return rules;
}
