#!/bin/bash
# A newer commit that lands while a move is in flight: what it still asks for goes on, what it asks for no more is
# aborted, and nothing of that is left on the target. Likewise with the copy of a stopped VM.
. "$(dirname "$0")/lib.sh"

is_copying() {
    (($(du -k "$(images_of node2)/db-1.qcow2" 2>/dev/null | cut -f1) > 1024))
}
in_sync() {
    status >"$work/status" && grep -q '^phase: in-sync' "$work/status" &&
        grep -q "^desired: $(git -C "$repo" rev-parse main)" "$work/status"
}
# What the log tells of a move's end.
ended() {
    grep -q "event=move.$1 vm=\"$2\"" "$out"
}

vm web-1 --host node1 --payload 24
vm db-1 --host node1 --payload 24 --state stopped --autostart
place <<<'vms: {web-1: {host: node1}, db-1: {host: node1}}'
start_berth run
wait_until 60 in_sync

sandbox fault slow node2 10mbit
place <<<'vms: {web-1: {host: node2}, db-1: {host: node1}}'
wait_until 60 is_migrating node1 web-1
place <<<'vms: {web-1: {host: node1}, db-1: {host: node1}}'
wait_until 60 ended cancelled web-1
wait_until 60 in_sync
expect_on node1 running web-1
expect_witness web-1
expect_files node2
expect_record_clean
git -C "$repo" log --format=%s berth/status >"$work/subjects"
expect_line 'web-1: node1 → node2 cancelled: a newer commit does not ask for it' "$work/subjects"

place <<<'vms: {web-1: {host: node1}, db-1: {host: node2}}'
wait_until 60 is_copying
place <<<'vms: {web-1: {host: node1}, db-1: {host: node1}}'
wait_until 60 ended cancelled db-1
wait_until 60 in_sync
expect_on node1 'shut off' db-1
expect_equal enable "$(info node1 db-1 Autostart)" 'autostart of db-1'
expect_files node2
expect_record_clean

# It is wanted still, whatever else is.
place <<<'vms: {web-1: {host: node2}, db-1: {host: node1}}'
wait_until 60 is_migrating node1 web-1
place <<<'vms: {web-1: {host: node2}, db-1: {host: node3}}'
sandbox fault heal node2
wait_until 100 in_sync
ended 'done' web-1 || fail 'web-1 did not go on'
expect_equal 1 "$(grep -c 'event=move.cancelled vm="web-1"' "$out")" 'cancelled moves of web-1'
expect_on node2 running web-1
expect_on node3 'shut off' db-1
expect_witness web-1 db-1
kill -TERM "$berth_pid"
end_berth 0
expect_record_clean
