#!/bin/bash
# Interrupted once, berth apply ends after the move in flight; twice, it aborts that, and the VM stays on its source.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1 --payload 24
place <<<'vms: {web-1: {host: node2}}'
sandbox fault slow node2 10mbit
start_berth apply --yes
wait_until 60 is_migrating node1 web-1
kill -INT "$berth_pid"
sleep 0.3
kill -INT "$berth_pid"
end_berth 3
expect_on node1 running web-1
expect_witness web-1
expect_files node1 web-1.qcow2
expect_files node2
expect_record_clean
sandbox fault heal node2
apply
expect_on node2 running web-1
expect_witness web-1
