#!/bin/bash
# Guests that are reset, turned off, suspended or migrated by somebody else, as `sandbox fault` has them, and more: a round of the campaign for each, at a
# step of the move.
# shellcheck disable=SC2154 # from tests/cluster/run
set -euo pipefail
BERTH=$berth_binary BERTH_SANDBOX=$sandbox_name exec "$root/tests/cluster/campaign" --keep --seed 1 --each --only \
    none,guest-rebooted,guest-powered-off,guest-suspended,stranger
