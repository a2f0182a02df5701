/* only_on: the VMs are on the selected hosts and nowhere else. */
#include "policies/policy.h"

const struct policy_row policy_only_on = {
        .kind = POLICY_ONLY_ON,
        .admits = rule_admits_grouped,
};
