#include "policies/policy.h"

#include "state/arena.h"
#include "state/text.h"

static const struct policy_row *const ROWS[] = {
        [POLICY_APART] = &policy_apart,   [POLICY_TOGETHER] = &policy_together, [POLICY_ONLY_ON] = &policy_only_on,
        [POLICY_NOT_ON] = &policy_not_on, [POLICY_AT_MOST] = &policy_at_most,   [POLICY_SURVIVE] = &policy_survive,
        [POLICY_WINDOW] = &policy_window,
};

const struct policy_row *policy_row(enum policy_kind kind)
{
	return ROWS[kind];
}

bool rule_admits_grouped(const struct rule *rule, uint32_t host)
{
	return rule->group_of[host] != NO_GROUP;
}

/* The number of the group that a label's value stands for: the first host that has it names it. */
static uint32_t group_by_label(const struct rule_input *input, const char *key, uint32_t host, const uint32_t *group_of)
{
	const char *value = labels_get(&input->hosts[host]->labels, key);
	if (value == NULL) {
		return NO_GROUP;
	}
	for (uint32_t i = 0; i < host; i++) {
		if (group_of[i] != NO_GROUP && text_equal(labels_get(&input->hosts[i]->labels, key), value)) {
			return group_of[i];
		}
	}
	return host;
}

static uint32_t group_of_host(const struct policy *policy, const struct rule_input *input, uint32_t host,
                              const uint32_t *group_of)
{
	const struct desired_host *desired = input->hosts[host];
	if (desired == NULL) {
		return NO_GROUP;
	}
	switch (policy->kind) {
	case POLICY_APART:
	case POLICY_TOGETHER:
		return policy->by == NULL ? host : group_by_label(input, policy->by, host, group_of);
	case POLICY_ONLY_ON:
	case POLICY_NOT_ON:
	case POLICY_AT_MOST:
		return selector_selects(&policy->hosts, desired->name, &desired->labels) ? host : NO_GROUP;
	case POLICY_SURVIVE:
	case POLICY_WINDOW:
		return NO_GROUP;
	}
	return NO_GROUP;
}

struct rule rule_make(struct arena *arena, const struct policy *policy, const struct rule_input *input)
{
	struct rule rule = {
	        .policy = policy,
	        .row = policy_row(policy->kind),
	        .members = arena_array(arena, input->vm_count, sizeof(bool)),
	        .group_of = arena_array(arena, input->host_count, sizeof(uint32_t)),
	        .group_count = input->host_count,
	};
	for (uint32_t host = 0; host < input->host_count; host++) {
		rule.group_of[host] = group_of_host(policy, input, host, rule.group_of);
	}
	for (uint32_t vm = 0; vm < input->vm_count; vm++) {
		const struct desired_vm *desired = input->vms[vm];
		rule.members[vm] = rule.row->counts_all ||
		                   (desired != NULL && selector_selects(&policy->vms, desired->name, &desired->labels));
	}
	return rule;
}
