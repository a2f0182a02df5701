#!/bin/bash
# What keeps a VM from being moved to any host at all stands in the inventory, and in a plan that is made from it.
. "$(dirname "$0")/lib.sh"

vm saved --host node1
vm transient --host node1 --disk network
vm marked --host node1
vm backed --host node1 --state stopped
sandbox wait saved transient marked
on node1 managedsave saved >/dev/null
on node1 undefine transient >/dev/null
on node1 checkpoint-create-as marked first >/dev/null
images=$(images_of node1)
mv "$images/backed.qcow2" "$images/backed.base"
qemu-img create -q -f qcow2 -b backed.base -F qcow2 "$images/backed.qcow2"
on node1 pool-refresh images >/dev/null
booting=()
place <<'YAML'
vms:
  saved: {host: node2}
  transient: {host: node2}
  marked: {host: node2}
  backed: {host: node2}
YAML

berth inventory >"$work/inventory.yaml"
apply 3

for from in "$out" "$work/plan"; do
    [[ $from == "$out" ]] || run_berth 3 plan --inventory "$work/inventory.yaml"
    tr -s ' \n' ' ' <"$out" >"$work/text"
    expect_line 'No move; 4 blocked' "$work/text"
    expect_line 'saved (preflight) it has a managed-save image' "$work/text"
    expect_line 'transient (preflight) it is transient: its definition would be lost' "$work/text"
    expect_line 'marked (preflight) it has 1 checkpoint' "$work/text"
    expect_line 'backed (storage) disk vda has a backing file' "$work/text"
done
expect_on node1 'shut off' saved backed
expect_on node1 running marked
expect_witness marked
expect_files node2
