#!/bin/bash
# A guest that rewrites its memory faster than the link carries it: what each answer of on_stall does, what QEMU does
# about it by itself, and what the status keeps of it.
. "$(dirname "$0")/lib.sh"

# place_on NODE SETTINGS: it is to go there, with these settings of its migration.
place_on() {
    place <<<"vms: {web-1: {host: $1, migration: {$2}}}"
}
# figure KEY: what the status has of the move.
figure() {
    status | sed -n "s/^    $1: //p"
}
# QEMU counts a page that is written again and again once a round: its 40 MiB in the seconds that the first one took.
expect_figures() {
    (($(figure iterations) >= 2)) || fail "iterations: $(figure iterations)"
    (($(figure dirty_bytes_per_s) > 1000000)) || fail "dirty_bytes_per_s: $(figure dirty_bytes_per_s)"
}
expect_subject() {
    git -C "$repo" log -1 --format=%s berth/status >"$work/subject"
    grep -qE "$1" "$work/subject" || fail "'$1' is not in: $(cat "$work/subject")"
}
capability_is() {
    [[ $(on "$1" qemu-monitor-command web-1 --hmp 'info migrate_capabilities') == *"$2"* ]]
}
is_throttled() {
    [[ $(on "$1" domjobinfo web-1) =~ Auto\ converge\ throttle:\ +[1-9] ]]
}
console() {
    printf '%s/%s/log/console/web-1.log' "$sandbox_dir" "$1"
}
# Milliseconds since 1970 when the guest's last word came on a node, and when it says its first on another.
last_word() {
    stat -c %.3Y "$(console "$1")" | tr -d .
}
wait_for_first_word() {
    until [[ -s $(console "$1") ]]; do
        sleep 0.05
    done
    date +%s%3N >"$work/first-word"
}

vm web-1 --host node1 --dirty 40

# Abort: it stays, nothing is left on the target, and the reason has the figures.
place_on node2 'auto_converge: false, on_stall: abort, stall_timeout: 2s'
sandbox fault slow node1 120mbit
start_berth apply --yes
wait_until 60 is_migrating node1 web-1
wait_until 10 capability_is node1 'auto-converge: off'
capability_is node1 'postcopy-ram: off' || fail 'post-copy is on without being asked for'
end_berth 4
expect_on node1 running web-1
expect_files node2
expect_record_clean
expect_status 'code: failed'
expect_equal failed "$(figure state)" 'the state of its move'
expect_equal aborted "$(figure stall)" 'what was done'
expect_figures
figure error >"$work/error"
grep -qE 'no new low for 2s, .* MiB of .* MiB memory left in round [0-9]+, rewritten at .* MiB/s: aborted' "$work/error" ||
    fail "$(cat "$work/error")"
expect_subject 'web-1: node1 → node2 failed: its memory reached no new low for 2s'
expect_witness web-1

# Suspend: it arrives, and its standstill is the one that the guest went through.
place_on node2 'auto_converge: false, on_stall: suspend, stall_timeout: 2s'
wait_for_first_word node2 &
children+=($!)
apply
expect_on node2 running web-1
expect_equal suspended "$(figure stall)" 'what was done'
expect_figures
expect_subject 'web-1: node1 → node2, live, .* down, suspended'
expect_line 'suspended: its memory reaches no new low' "$out"
standstill=$(figure downtime_ms)
seen=$(($(cat "$work/first-word") - $(last_word node1)))
# The guest says a word each 125 ms, and somebody has to look: what is seen is a little longer, if anything.
((standstill > seen / 2 && standstill < seen + 500)) || fail "downtime_ms is $standstill, $seen were seen"
expect_witness web-1

# Post-copy: it runs on the target before its memory is there, so it stands still for less.
place_on node1 'auto_converge: false, on_stall: post-copy, stall_timeout: 2s'
start_berth run
wait_until 60 is_migrating node2 web-1
wait_until 10 capability_is node2 'postcopy-ram: on'
wait_for_output 'event=move.stalled vm="web-1" stall=post-copy'
wait_for_output 'event=move.done vm="web-1"'
kill -TERM "$berth_pid"
end_berth 0
expect_on node1 running web-1
expect_equal post-copy "$(figure stall)" 'what was done'
expect_figures
expect_subject 'web-1: node2 → node1, live, .* down, post-copy'
(($(figure downtime_ms) > 0 && $(figure downtime_ms) < standstill)) ||
    fail "downtime_ms is $(figure downtime_ms) after post-copy, $standstill suspended"
(($(figure bytes) > 40 << 20)) || fail "bytes are $(figure bytes), less than what it rewrites each second"
expect_witness web-1

# Left alone, QEMU slows the guest down until it gets through.
place_on node2 ''
start_berth apply --yes
wait_until 60 is_migrating node1 web-1
wait_until 10 capability_is node1 'auto-converge: on'
wait_until 60 is_throttled node1
sandbox fault heal node1
end_berth 0
expect_on node2 running web-1
expect_equal null "$(figure stall)" 'what was done'
expect_witness web-1
