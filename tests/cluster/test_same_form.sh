#!/bin/bash
# The copy that a running VM gets is of the same form as its source: version, cluster size and features of a qcow2, the
# length of a raw file whatever is in it; thin stays thin.
. "$(dirname "$0")/lib.sh"

# form FILE: what must be equal.
form() {
    qemu-img info -U --output json "$1" |
        jq -c '[.["virtual-size"], .["cluster-size"], .["format-specific"].data["compat", "lazy-refcounts", "extended-l2"]]'
}

images=$(images_of node1)
vm form --host node1 --state stopped --size 512
mv "$images/form.qcow2" "$work/plain.qcow2"
qemu-img convert -O qcow2 -o cluster_size=128k,lazy_refcounts=on,extended_l2=on "$work/plain.qcow2" "$images/form.qcow2"
qemu-img create -q -f qcow2 -o compat=0.10 "$images/form-vdb.qcow2" 8M
# A raw disk on which the guest keeps a qcow2 file, larger inside than outside.
qemu-img create -q -f qcow2 -o preallocation=metadata "$images/form-vdc.raw" 64M
head -c 1000001 /dev/urandom >"$images/form-vdd.raw"
on node1 pool-refresh images
for disk in vdb.qcow2 vdc.raw vdd.raw; do
    on node1 attach-disk form "/var/lib/libvirt/images/form-$disk" "${disk%.*}" --subdriver "${disk#*.}" --config
done
on node1 start form
sandbox wait form
first=$(form "$images/form.qcow2")
old=$(form "$images/form-vdb.qcow2")
cp --sparse=always "$images"/form-vd[cd].raw "$work"
place <<<'vms: {form: {host: node2, migration: {source_disks: keep}}}'

apply

expect_on node2 running form
sandbox wait form --ticks 2
images=$(images_of node2)
expect_equal "$first" "$(form "$images/form.qcow2")" 'a qcow2 with features'
expect_equal "$old" "$(form "$images/form-vdb.qcow2")" 'a qcow2 of version 2'
cmp "$work/form-vdc.raw" "$images/form-vdc.raw" || fail 'a raw file that holds a qcow2'
# QEMU sees whole sectors.
truncate -s %512 "$work/form-vdd.raw"
cmp "$work/form-vdd.raw" "$images/form-vdd.raw" || fail 'a raw file of odd length'
(($(du -k "$images/form.qcow2" | cut -f1) < 65536)) || fail 'the copy of a thin qcow2 is not thin'
