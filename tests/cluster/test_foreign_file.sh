#!/bin/bash
# A file that is in the way on the target is not overwritten, whether libvirt knows of it or not. The VM stays where it
# is until somebody has taken the file away.
. "$(dirname "$0")/lib.sh"

vm known --host node1
vm unknown --host node1 --state stopped
vm free --host node1
place <<'YAML'
vms:
  known: {host: node2}
  unknown: {host: node2}
  free: {host: node2}
YAML
printf 'not yours\n' >"$(images_of node2)/known.qcow2"
on node2 pool-refresh images >/dev/null
printf 'nor this\n' >"$(images_of node2)/unknown.qcow2"
before=$(cd "$(images_of node2)" && stat -c '%n %s %y %i' known.qcow2 unknown.qcow2)

apply 3

expect_equal "$before" "$(cd "$(images_of node2)" && stat -c '%n %s %y %i' known.qcow2 unknown.qcow2)" 'the foreign files'
expect_equal 'not yours nor this' "$(cd "$(images_of node2)" && cat known.qcow2 unknown.qcow2 | paste -sd ' ')" 'the foreign files'
expect_on node1 running known
expect_on node1 'shut off' unknown
expect_on node2 running free
expect_witness known unknown free
expect_files node1 known.qcow2 unknown.qcow2
expect_status 'phase: blocked'
tr -s ' \n' ' ' <"$out" >"$work/text"
expect_line ' known (storage) node2: /var/lib/libvirt/images/known.qcow2 exists already' "$work/text"
expect_line ' unknown (storage) node2: /var/lib/libvirt/images/unknown.qcow2 exists already' "$work/text"
expect_status 'failures: []'
expect_record_clean

rm "$(images_of node2)"/{known,unknown}.qcow2
on node2 pool-refresh images >/dev/null
apply
expect_on node2 running known
expect_on node2 'shut off' unknown
expect_files node1
expect_files node2 free.qcow2 known.qcow2 unknown.qcow2
expect_witness known unknown
expect_status 'phase: in-sync'
