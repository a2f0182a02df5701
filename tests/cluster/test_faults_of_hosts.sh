#!/bin/bash
# One round of the campaign for berth killed and for each fault of a host's daemon: what `sandbox fault` does, and more,
# at steps of the move.
# shellcheck disable=SC2154 # from tests/cluster/run
set -euo pipefail
BERTH=$berth_binary BERTH_SANDBOX=$sandbox_name exec "$root/tests/cluster/campaign" --keep --seed 1 --each --only \
    none,berth-killed,switch,daemon-killed-source,daemon-killed-target,daemon-restarted-source,daemon-restarted-target,daemon-frozen-source,daemon-frozen-target
