#!/bin/bash
# A disk that others rest on may be copied, but its file stays where they are: for a VM that is a linked clone, and for
# a clone that no VM has. A clone itself, whose copy would lack what is behind it, does not move.
. "$(dirname "$0")/lib.sh"

# clone BASE FILE: as a folder of clones looks to libvirt when nobody has told it of them.
clone() {
    qemu-img create -q -u -f qcow2 -F qcow2 -b "/var/lib/libvirt/images/$1.qcow2" "$(images_of node1)/$2.qcow2" 64M
}

vm clone-base --host node1 --state stopped
vm clone-lone --host node1 --state stopped
clone clone-base clone-child
clone clone-lone clone-stray
vms+=(clone-child)
on node1 dumpxml clone-base | sed '/<uuid>/d; s/clone-base/clone-child/' >"$work/child.xml"
on node1 define "$work/child.xml"
place <<'YAML'
vms:
  clone-base: {host: node2}
  clone-lone: {host: node2}
  clone-child: {host: node2}
YAML

apply 3

expect_line 'disk vda has a backing file' "$out"
expect_line '/var/lib/libvirt/images/clone-base.qcow2 is left on node1: clone-child uses it there' "$out"
expect_line '/var/lib/libvirt/images/clone-lone.qcow2 is the backing file of' "$out"
expect_on node2 'shut off' clone-base clone-lone
expect_on node1 'shut off' clone-child
for file in clone-base clone-lone clone-child clone-stray; do
    [[ -e $(images_of node1)/$file.qcow2 ]] || fail "$file.qcow2 is gone from node1"
done
on node1 start clone-child
