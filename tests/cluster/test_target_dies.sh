#!/bin/bash
# The target's libvirt is killed, or freezes, while the disk is being copied. The VM runs on at its source.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1 --payload 24
place <<<'vms: {web-1: {host: node2}}'

for fault in kill freeze; do
    sandbox fault slow node2 10mbit
    start_berth apply --yes
    wait_until 60 is_migrating node1 web-1
    sandbox fault "$fault" node2
    end_berth 4
    [[ $(sandbox where web-1) == *'node1 running'* ]] || fail "web-1: $(sandbox where web-1)"
    sandbox wait web-1 --ticks 2
    sandbox up >/dev/null
done

apply
expect_on node2 running web-1
expect_witness web-1
expect_files node1
expect_files node2 web-1.qcow2
expect_record_clean
