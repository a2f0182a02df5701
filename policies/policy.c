#include "policies/policy.h"

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
	return rule->groups->of[host] != NO_GROUP;
}

bool rule_has(const struct rule *rule, uint32_t vm)
{
	uint32_t low = 0;
	uint32_t high = rule->member_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (rule->members[middle] < vm) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < rule->member_count && rule->members[low] == vm;
}
