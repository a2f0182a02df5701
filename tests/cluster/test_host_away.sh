#!/bin/bash
# One of three hosts does not answer: the others are looked at and served in the meantime, its VMs are unknown and left
# alone, and what was to go there waits until it is back.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1
vm web-2 --host node1
vm far --host node3 --disk network
place <<'YAML'
vms:
  web-1: {host: node1}
  web-2: {host: node1}
  far: {host: node3}
YAML
apply
place <<'YAML'
vms:
  web-1: {host: node2}
  web-2: {host: node3}
  far: {host: node2}
YAML

for fault in freeze kill; do
    sandbox fault "$fault" node3
    apply 3
    expect_on node2 running web-1
    expect_on node1 running web-2
    expect_equal 1 "$(sandbox where far | wc -l)" 'hosts of far'
    expect_witness web-1 web-2 far
    expect_status '{host: node1, connection: ok}'
    [[ $(status) =~ \{host:\ node3,\ connection:\ ok\} ]] && fail 'node3 is said to be connected'
    expect_status 'unknown: 1'
    # What the branch knows of the host is what was seen last.
    expect_status 'far:' inventory/node3.yaml
    run_berth 0 inventory
    expect_line 'web-1:' "$out"

    sandbox up >/dev/null
    [[ $fault != freeze ]] || {
        place <<'YAML'
vms:
  web-1: {host: node2}
  web-2: {host: node1}
  far: {host: node3}
YAML
        apply
        place <<'YAML'
vms:
  web-1: {host: node2}
  web-2: {host: node3}
  far: {host: node2}
YAML
    }
done

apply
expect_on node3 running web-2
expect_on node2 running web-1 far
expect_witness web-1 web-2 far
expect_status 'phase: in-sync'
