#!/bin/bash
# berth cancel ends the move in flight, of a controller and of berth apply: the VM stays where it was, nothing is left
# on the target, and it is set aside until its entry changes or it is released, also by a berth that was started anew.
. "$(dirname "$0")/lib.sh"

is_copying() {
    (($(du -k "$(images_of node2)/db-1.qcow2" 2>/dev/null | cut -f1) > 1024))
}
# tell CODE VERB ARGUMENT...: a command that speaks to the berth that is at work; what it says is in $told.
told=$work/told
tell() {
    local code=0 wanted=$1
    shift
    berth "$@" >"$told" 2>&1 </dev/null || code=$?
    ((code == wanted)) || fail "berth $1 ended with $code, not $wanted: $(cat "$told")"
}

vm web-1 --host node1 --payload 40
vm db-1 --host node1 --payload 40 --state stopped --autostart
place <<<'vms: {web-1: {host: node2}, db-1: {host: node1}}'
tell 5 cancel web-1
expect_line 'no berth is at work' "$told"

sandbox fault slow node2 20mbit
start_berth run
wait_until 60 is_migrating node1 web-1
tell 1 cancel web-2
expect_line 'the placement has no VM web-2; did you mean web-1' "$told"
tell 1 cancel db-1
expect_line 'db-1 is not being moved' "$told"
tell 0 cancel web-1 --reason 'its owner asked'
expect_line 'the move of web-1 is cancelled: it stays on node1' "$told"
wait_until 60 phase_is blocked
expect_on node1 running web-1
expect_witness web-1
expect_files node2
expect_record_clean
expect_status 'code: cancelled'
expect_status 'its owner asked'
git -C "$repo" log --format=%s berth/status >"$work/subjects"
expect_line 'web-1: node1 → node2 cancelled: by berth cancel, uid 0: its owner asked' "$work/subjects"

# A commit that does not touch its entry changes nothing, nor does a new start.
place <<<'vms: {web-1: {host: node2}, db-1: {host: node2}}'
wait_until 60 is_copying
tell 0 cancel db-1
expect_on node1 'shut off' db-1
expect_equal enable "$(info node1 db-1 Autostart)" 'autostart of db-1'
expect_files node2
kill -TERM "$berth_pid"
end_berth 0
sandbox fault heal node2
apply 3
expect_line 'its owner asked' "$out"
run_berth 3 plan
expect_line 'web-1 (cancelled)' "$out"
expect_line 'No move; 2 blocked' "$out"
expect_on node1 running web-1
expect_on node1 'shut off' db-1

# Another entry, and a release.
place <<<'vms: {web-1: {host: [node2]}, db-1: {host: node2}}'
apply 3
expect_on node2 running web-1
expect_on node1 'shut off' db-1
tell 0 release db-1
expect_line 'db-1 is released' "$told"
apply
expect_on node2 'shut off' db-1
expect_witness web-1 db-1

# berth apply listens too; what is too late is said, and holds nothing.
place <<<'vms: {web-1: {host: node1}, db-1: {host: node2}}'
sandbox fault slow node1 20mbit
start_berth apply --yes
wait_until 60 is_migrating node2 web-1
tell 0 cancel web-1
end_berth 3
expect_on node2 running web-1
expect_files node1
expect_record_clean
[[ ! -e $state/control ]] || fail 'the socket is left'
sandbox fault heal node1
tell 0 release web-1
apply
expect_on node1 running web-1
expect_witness web-1

# Half of its memory is on the target (post-copy): the only way is on, it is said, and nothing is held.
vm db-2 --host node1 --disk network --dirty 40
place <<<'vms: {web-1: {host: node1}, db-1: {host: node2}, db-2: {host: node2, migration: {on_stall: post-copy, stall_timeout: 2s}}}'
sandbox fault slow node1 80mbit
start_berth apply --yes
wait_for_output 'post-copy: its memory reaches no new low'
tell 3 cancel db-2
expect_line 'the memory of db-2 is on two hosts by now (post-copy): its move to node2 is finished' "$told"
end_berth 0
sandbox fault heal node1
expect_on node2 running db-2
apply
expect_witness db-2
