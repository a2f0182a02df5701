/*
 * together: all of the VMs on one host, or under one value of a host label. Judged on the final placement only, where
 * the VMs are placed as one (reconcile/group.c): on the way any step is allowed.
 */
#include "policies/policy.h"

const struct policy_row policy_together = {
        .kind = POLICY_TOGETHER,
        .admits = rule_admits_grouped,
};
