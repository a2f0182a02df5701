#!/bin/bash
# Storage that only the source declares as shared: its disks are neither copied nor deleted, whatever is behind them.
. "$(dirname "$0")/lib.sh"

vm half --host node1 --state stopped
images=$(images_of node1)
mv "$images/half.qcow2" "$images/half-base.qcow2"
qemu-img create -q -u -f qcow2 -F qcow2 -b /var/lib/libvirt/images/half-base.qcow2 "$images/half.qcow2" 64M
on node1 pool-refresh images
new_repo
sed -i '/^  node1:/a\    storage: {shared: [/var/lib/libvirt/images]}' "$repo/hosts.yaml"
git -C "$repo" commit -qam 'Shared, says node1'
place <<<'vms: {half: {host: node2}}'

apply 3

tr -s ' \n' ' ' <"$out" >"$work/text"
expect_line 'is declared as shared on node1 but not on node2' "$work/text"
expect_on node1 'shut off' half
expect_files node1 half.qcow2 half-base.qcow2
expect_files node2
on node1 start half
