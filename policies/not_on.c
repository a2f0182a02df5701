/* not_on: the VMs are on none of the selected hosts. */
#include "policies/policy.h"

static bool admits(const struct rule *rule, uint32_t host)
{
	return !rule_admits_grouped(rule, host);
}

const struct policy_row policy_not_on = {
        .kind = POLICY_NOT_ON,
        .admits = admits,
};
