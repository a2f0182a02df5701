#!/bin/bash
# source_disks: keep leaves them for good, a duration until a later pass; then they are deleted.
. "$(dirname "$0")/lib.sh"

vm kept --host node1
vm later --host node1
place <<'YAML'
vms:
  kept: {host: node2, migration: {source_disks: keep}}
  later: {host: node2, migration: {source_disks: 3s}}
YAML

apply
expect_on node2 running kept later
expect_files node1 kept.qcow2 later.qcow2

later_is_deleted() {
    berth apply --yes >"$out" 2>"$err" && [[ ! -e $(images_of node1)/later.qcow2 ]]
}
wait_until 30 later_is_deleted
expect_files node1 kept.qcow2
expect_files node2 kept.qcow2 later.qcow2
expect_witness kept later
expect_record_clean
