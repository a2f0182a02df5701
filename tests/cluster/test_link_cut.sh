#!/bin/bash
# The link to the target is cut while the disk is being copied. The VM runs on where it is; when the host is back, what
# the move left there is taken away, and it moves.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1 --payload 24
place <<<'vms: {web-1: {host: node2}}'
sandbox fault slow node2 10mbit

start_berth apply --yes
wait_until 60 is_migrating node1 web-1
sandbox fault cut node2
end_berth 4

[[ $(sandbox where web-1) == *'node1 running'* ]] || fail "web-1: $(sandbox where web-1)"
sandbox wait web-1 --ticks 2
expect_status 'node2 does not answer: '
expect_status '/var/lib/libvirt/images/web-1.qcow2 is left on node2'
[[ -e $(images_of node2)/web-1.qcow2 ]] || fail 'it is not there'

# The source's QEMU ends its side when its packets get through again.
sandbox up >/dev/null
wait_until 180 berth apply --yes
expect_on node2 running web-1
expect_witness web-1
expect_files node1
expect_files node2 web-1.qcow2
expect_record_clean
expect_status 'phase: in-sync'
