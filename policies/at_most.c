/* at_most: so many VMs on each of the selected hosts; every VM there counts, also unmanaged and stopped ones. */
#include "policies/policy.h"

static bool allows(const struct rule *rule, uint32_t count, uint32_t from, uint32_t to)
{
	(void)from;
	return to == NO_GROUP || count < rule->policy->count;
}

static uint32_t excess(const struct rule *rule, uint32_t count)
{
	return count > rule->policy->count ? (uint32_t)(count - rule->policy->count) : 0;
}

const struct policy_row policy_at_most = {
        .kind = POLICY_AT_MOST,
        .counts_all = true,
        .allows = allows,
        .excess = excess,
};
