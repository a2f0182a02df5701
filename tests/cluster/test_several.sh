#!/bin/bash
# Several VMs with disks of all kinds trade places. Formats stay, and thin disks stay thin.
. "$(dirname "$0")/lib.sh"

vm a --host node1 --disk local-raw
vm b --host node1 --disk local-qcow2,local-raw
vm c --host node2 --disk network
vm d --host node2 --disk local-raw --state stopped --size 256
vm stays --host node2
place <<'YAML'
vms:
  a: {host: node2}
  b: {host: node3}
  c: {host: node1}
  d: {host: node1}
  stays: {host: node2}
YAML

apply

expect_on node2 running a stays
expect_on node3 running b
expect_on node1 running c
expect_on node1 'shut off' d
expect_witness a b c d stays
expect_files node1 d.raw
expect_files node2 a.raw stays.qcow2
expect_files node3 b.qcow2 b-vdb.raw
for file in node1/lib/images/d.raw node2/lib/images/a.raw node3/lib/images/b-vdb.raw; do
    expect_equal raw "$(qemu-img info -U "$sandbox_dir/$file" | sed -n 's/^file format: //p')" "$file"
    (($(du -k "$sandbox_dir/$file" | cut -f1) < 32 * 1024)) || fail "$file has become fat: $(du -k "$sandbox_dir/$file")"
done
expect_equal qcow2 "$(qemu-img info -U "$sandbox_dir/node3/lib/images/b.qcow2" | sed -n 's/^file format: //p')" b.qcow2
expect_record_clean
