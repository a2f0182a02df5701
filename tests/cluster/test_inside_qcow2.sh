#!/bin/bash
# What a qcow2 file has inside and libvirt does not show: data in a second file, encryption, snapshots that libvirt has
# not made. A running VM with such snapshots stays, a stopped one takes them along.
. "$(dirname "$0")/lib.sh"

images=$(images_of node1)
vm inside-live --host node1 --state stopped
vm inside-off --host node1 --state stopped
vm inside-split --host node1 --state stopped
vm inside-secret --host node1 --state stopped
vm inside-odd --host node1 --state stopped
qemu-img snapshot -c precious "$images/inside-live.qcow2"
qemu-img snapshot -c precious "$images/inside-off.qcow2"
on node1 start inside-live
(cd "$images" && qemu-img convert -O qcow2 -o data_file=inside-split.data,data_file_raw=on inside-split.qcow2 new &&
    mv new inside-split.qcow2)
qemu-img create -q -f qcow2 --object secret,id=s,data=x -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 \
    "$images/inside-secret.qcow2" 8M
qemu-img create -q -f qcow2 "$images/inside-odd-vdb.qcow2" 1049088
on node1 pool-refresh images
on node1 attach-disk inside-odd /var/lib/libvirt/images/inside-odd-vdb.qcow2 vdb --subdriver qcow2 --config
on node1 start inside-odd
sandbox wait inside-live inside-odd
place <<'YAML'
vms:
  inside-live: {host: node2}
  inside-off: {host: node2}
  inside-split: {host: node2}
  inside-secret: {host: node2}
  inside-odd: {host: node2}
YAML

apply 3

expect_line 'disk vda has 1 internal snapshot that libvirt does not know of' "$out"
expect_line 'disk vda keeps its data in another file' "$out"
expect_line 'disk vda is encrypted' "$out"
expect_line 'disk vdb has 1049088 bytes' "$out"
expect_on node1 running inside-live inside-odd
expect_on node1 'shut off' inside-split inside-secret
expect_on node2 'shut off' inside-off
expect_line precious <(qemu-img snapshot -l "$(images_of node2)/inside-off.qcow2")
expect_files node2 inside-off.qcow2
