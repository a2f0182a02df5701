#!/bin/bash
# Two hosts that are full exchange their VMs: impossible between the two, and three moves with a third one.
. "$(dirname "$0")/lib.sh"

vm a --host node1
vm b --host node2 --disk network
new_repo 100MiB
cp "$repo/hosts.yaml" "$work/hosts.yaml"
sed -i '/^  node3:/,$d' "$repo/hosts.yaml"
place <<'YAML'
vms:
  a: {host: node2}
  b: {host: node1}
YAML
git -C "$repo" commit -qam 'Two hosts'

apply 3
expect_on node1 running a
expect_on node2 running b
expect_status 'phase: blocked'
expect_status 'code: cycle'

cp "$work/hosts.yaml" "$repo/hosts.yaml"
git -C "$repo" commit -qam 'A third host'
apply
expect_on node2 running a
expect_on node1 running b
expect_witness a b
expect_files node1
expect_files node2 a.qcow2
expect_files node3
expect_line '3 moves made' "$out"
expect_status 'hop: true'
