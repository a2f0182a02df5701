#!/bin/bash
# Links that are cut or slow, a disk that is full, a QEMU that is killed, as `sandbox fault` has them, and more: a round of the campaign for each, at a
# step of the move.
# shellcheck disable=SC2154 # from tests/cluster/run
set -euo pipefail
BERTH=$berth_binary BERTH_SANDBOX=$sandbox_name exec "$root/tests/cluster/campaign" --keep --seed 1 --each --only \
    link-cut-source,link-cut-target,link-slowed,disk-filled,qemu-killed-source,qemu-killed-target
