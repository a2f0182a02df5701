#!/bin/bash
# One round of the campaign for each fault of a guest, a link and a disk, as `sandbox fault` does them, and more, at
# steps of the move; and for what other people do to a VM meanwhile.
# shellcheck disable=SC2154 # from tests/cluster/run
set -euo pipefail
BERTH=$berth_binary BERTH_SANDBOX=$sandbox_name exec "$root/tests/cluster/campaign" --keep --seed 1 --each --only \
    qemu-killed-source,qemu-killed-target,link-cut-source,link-cut-target,link-slowed,disk-filled,guest-rebooted,guest-powered-off,guest-suspended,stranger
