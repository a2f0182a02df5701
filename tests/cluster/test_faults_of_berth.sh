#!/bin/bash
# berth killed, at a step and at the switch; daemons that are started again, as `sandbox fault` has them, and more: a round of the campaign for each, at a
# step of the move.
# shellcheck disable=SC2154 # from tests/cluster/run
set -euo pipefail
BERTH=$berth_binary BERTH_SANDBOX=$sandbox_name exec "$root/tests/cluster/campaign" --keep --seed 1 --each --only \
    berth-killed,switch,daemon-restarted-source,daemon-restarted-target
