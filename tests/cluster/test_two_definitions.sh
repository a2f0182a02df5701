#!/bin/bash
# A running VM has two definitions. Where they differ in a disk, it does not move: what would start next is not what
# was copied. And a disk that only the stored definition of another VM names, or another VM by another path, is not
# deleted under it.
. "$(dirname "$0")/lib.sh"

vm twice-more --host node1
vm twice-less --host node1
vm twice-off --host node1 --state stopped
vm twice-user --host node1
on node1 vol-create-as images twice-data.qcow2 8M --format qcow2
on node1 attach-disk twice-more /var/lib/libvirt/images/twice-data.qcow2 vdb --subdriver qcow2 --config
on node1 vol-create-as images twice-hot.raw 8M --format raw
on node1 attach-disk twice-less /var/lib/libvirt/images/twice-hot.raw vdb --subdriver raw --live
on node1 attach-disk twice-user /var/lib/libvirt/images/twice-off.qcow2 vdb --subdriver qcow2 --config
# The folder under a second name, which no pool has.
ln -sfn images "$sandbox_dir/node1/lib/alias"
vm twice-away --host node1 --state stopped
vms+=(twice-alias)
on node1 dumpxml twice-away | sed '/<uuid>/d; s/<name>twice-away/<name>twice-alias/; s#/images/#/alias/#' >"$work/alias.xml"
on node1 define "$work/alias.xml"
place <<'YAML'
vms:
  twice-more: {host: node2}
  twice-less: {host: node2}
  twice-off: {host: node2}
  twice-user: {host: node1}
  twice-away: {host: node2}
YAML

apply 3

expect_line 'disk vdb is in its stored definition only' "$out"
expect_line 'disk vdb is not in its stored definition' "$out"
expect_line '/var/lib/libvirt/images/twice-off.qcow2 is left on node1: twice-user uses it there' "$out"
expect_line '/var/lib/libvirt/images/twice-away.qcow2 is used by twice-alias' "$out"
expect_status '/var/lib/libvirt/images/twice-off.qcow2 is left on node1: twice-user uses it there'
expect_status '/var/lib/libvirt/images/twice-away.qcow2 is used by twice-alias'
expect_on node1 running twice-more twice-less
expect_on node2 'shut off' twice-off twice-away
for file in twice-data.qcow2 twice-hot.raw twice-off.qcow2 twice-away.qcow2; do
    [[ -e $(images_of node1)/$file ]] || fail "$file is gone from node1"
done
sandbox wait twice-more twice-less --ticks 2
rm "$sandbox_dir/node1/lib/alias"
