/* apart: no two of the VMs on one host, or under one value of a host label. */
#include "policies/policy.h"

/* Within its own group a VM meets nobody whom it has not met. */
static bool allows(const struct rule *rule, uint32_t count, uint32_t from, uint32_t to)
{
	(void)rule;
	return to == from || count == 0;
}

static uint32_t excess(const struct rule *rule, uint32_t count)
{
	(void)rule;
	return count > 1 ? count - 1 : 0;
}

const struct policy_row policy_apart = {
        .kind = POLICY_APART,
        .admits = rule_admits_grouped,
        .allows = allows,
        .excess = excess,
};
