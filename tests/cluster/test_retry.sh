#!/bin/bash
# A VM cannot be moved in time, twice: it is tried again, later each time, also by a berth that has been killed and
# started anew, and holds up nobody. When the way is clear, it goes.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1 --payload 24
vm web-2 --host node1 --disk network
place <<'YAML'
vms:
  web-1: {host: node2, migration: {timeout: 15s}}
  web-2: {host: node3}
YAML
sandbox fault slow node2 5mbit

# seconds_of EVENT NUMBER: when that happened to web-1 for the first, second, … time.
seconds_of() {
    date -d "$(grep "event=$1 vm=\"web-1\"" "$work/log" | sed -n "$2s/ .*//p")" +%s
}
status_has() {
    [[ $(status) == *"$1"* ]]
}

start_berth run
wait_until 90 status_has 'attempts: 1'
status >"$work/status"
next=$(sed -n 's/^  next: \(20.*Z\)$/\1/p' "$work/status")
[[ -n $next ]] || fail "no next attempt is shown: $(<"$work/status")"
expect_line "waits: {code: delay, reason: \"1 attempt failed, again at $next\"}" "$work/status"
expect_line 'phase: progressing' "$work/status"
wait_until 60 on node3 domuuid web-2
expect_on node1 running web-1

wait_until 120 status_has 'attempts: 2'
expect_on node1 running web-1
expect_on node3 running web-2
expect_files node2
cp "$out" "$work/log"
expect_equal "$(date -d "$next" +%s)" "$(($(seconds_of move.failed 1) + 30))" 'the next attempt'
waited=$(($(seconds_of move.begin 2) - $(seconds_of move.failed 1)))
((waited >= 30 && waited <= 35)) || fail "tried again after $waited s"

kill -KILL "$berth_pid"
sandbox fault heal node2
start_berth run
wait_for_output 'event=pass'
expect_status 'attempts: 2'
wait_until 120 status_has 'phase: in-sync'
cat "$out" >>"$work/log"
waited=$(($(seconds_of move.begin 3) - $(seconds_of move.failed 2)))
((waited >= 60 && waited <= 65)) || fail "tried again after $waited s"
expect_status 'failures: []'
kill -TERM "$berth_pid"
end_berth 0
expect_on node2 running web-1
expect_on node3 running web-2
expect_witness web-1 web-2
expect_files node1
expect_record_clean
