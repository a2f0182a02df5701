#!/bin/bash
# berth is killed while it copies a local disk, of a running and of a stopped VM. The next run says so, converges, and
# nothing is left over anywhere.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1 --payload 24
vm db-1 --host node1 --payload 24 --state stopped --autostart
place <<<'vms: {web-1: {host: node2}, db-1: {host: node1}}'
sandbox fault slow node2 10mbit

kill_berth() {
    kill -KILL "$berth_pid"
    wait "$berth_pid" || :
}

start_berth apply --yes
wait_until 60 is_migrating node1 web-1
kill_berth
sandbox up >/dev/null
apply
expect_line 'web-1: an earlier move from node1 to node2' "$out"
expect_on node2 running web-1
expect_files node1 db-1.qcow2
expect_files node2 web-1.qcow2
expect_record_clean

place <<<'vms: {web-1: {host: node2}, db-1: {host: node2}}'
sandbox fault slow node2 10mbit
start_berth apply --yes
is_copying() {
    (($(du -k "$(images_of node2)/db-1.qcow2" | cut -f1) > 1024))
}
wait_until 60 is_copying
kill_berth
sandbox up >/dev/null
apply
expect_line 'db-1: an earlier move from node1 to node2' "$out"
expect_on node2 'shut off' db-1
expect_equal enable "$(info node2 db-1 Autostart)" 'autostart of db-1'
expect_files node1
expect_files node2 db-1.qcow2 web-1.qcow2
expect_witness web-1 db-1
expect_record_clean
