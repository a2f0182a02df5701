#!/bin/bash
# Of a VM with a local and a network disk, the local one is copied, and the other is left alone: not a byte of it is
# written, which a copy of all disks would do.
. "$(dirname "$0")/lib.sh"

image_state() {
    sha256sum <"$sandbox_dir/storage/$1.raw"
    stat -c '%y %z' "$sandbox_dir/storage/$1.raw"
}

vm still --host node1 --disk mixed --state paused
vm busy --host node1 --disk network,local-raw
place <<'YAML'
vms:
  still: {host: node2}
  busy: {host: node3}
YAML
before=$(image_state still-vdb)

apply

expect_equal "$before" "$(image_state still-vdb)" 'the network disk of a paused VM'
expect_on node2 paused still
expect_on node3 running busy
expect_witness still busy
expect_files node1
expect_files node2 still.qcow2
expect_files node3 busy-vdb.raw
on node2 resume still
expect_witness still
