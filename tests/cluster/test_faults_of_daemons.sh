#!/bin/bash
# Daemons that are killed or freeze, as `sandbox fault` has them, and more: a round of the campaign for each, at a
# step of the move.
# shellcheck disable=SC2154 # from tests/cluster/run
set -euo pipefail
BERTH=$berth_binary BERTH_SANDBOX=$sandbox_name exec "$root/tests/cluster/campaign" --keep --seed 1 --each --only \
    daemon-killed-source,daemon-killed-target,daemon-frozen-source,daemon-frozen-target
