#!/bin/bash
# Holds by command: no move is started, the one in flight goes on; they outlast a restart and are seen in the status.
# What hangs on the socket, floods it or says nonsense holds up nobody.
. "$(dirname "$0")/lib.sh"

told=$work/told
tell() {
    local code=0 wanted=$1
    shift
    berth "$@" >"$told" 2>&1 </dev/null || code=$?
    ((code == wanted)) || fail "berth $1 ended with $code, not $wanted: $(cat "$told")"
}

vm web-1 --host node1 --disk network
vm web-2 --host node1 --disk network
place <<<'vms: {web-1: {host: node1}, web-2: {host: node1}}'
tell 0 hold --reason 'the switch is repaired'
expect_line 'the fleet is held' "$told"
start_berth run
wait_until 60 phase_is held
expect_status 'the switch is repaired (berth hold, uid 0)'

place <<<'vms: {web-1: {host: node2}, web-2: {host: node2}}'
wait_until 60 phase_is held
expect_status 'to_move: 2'
expect_status 'waits: {code: hold, reason: "the switch is repaired (berth hold, uid 0)"}'
run_berth_plan() {
    berth plan >"$work/plan" || (($? == 3))
}
run_berth_plan
expect_line 'waits (hold): the switch is repaired' "$work/plan"
expect_on node1 running web-1 web-2

# One that hangs, one that says half a request, and one that says too much.
python3 - "$state/control" <<'PY' &
import socket, sys, time
hang = [socket.socket(socket.AF_UNIX) for _ in range(40)]
for s in hang:
    s.connect(sys.argv[1])
    s.send(b'{"berth": 1, "verb": "ho')
flood = socket.socket(socket.AF_UNIX)
flood.connect(sys.argv[1])
try:
    while True:
        flood.send(b'{"berth": 1, "verb": "nonsense"}\n' * 100)
except OSError:
    pass
time.sleep(60)
PY
children+=("$!")
tell 0 hold web-2 --reason 'until Monday'
tell 1 hold web-3
expect_line 'did you mean web-' "$told"
tell 0 release
expect_line 'the fleet is released' "$told"
wait_until 60 grep -q 'event=move.begin vm="web-1"' "$out"
wait_until 60 grep -q 'event=move.done vm="web-1"' "$out"
wait_until 60 phase_is held
expect_on node2 running web-1
expect_on node1 running web-2
expect_status 'waits: {code: hold, reason: "until Monday (berth hold, uid 0)"}'

kill -TERM "$berth_pid"
end_berth 0
apply 3
expect_on node1 running web-2
start_berth run
wait_for_output 'listening at'
tell 0 release web-2
wait_until 60 phase_is in-sync
expect_on node2 running web-1 web-2
expect_witness web-1 web-2
tell 0 trigger
tell 0 release web-2
expect_line 'was not held by command' "$told"

# The socket is its owner's and the group's.
[[ $(stat -c %a "$state/control") == 660 ]] || fail "mode $(stat -c %a "$state/control")"
printf '{"berth": 1, "verb": "trigger"}' | timeout 10 python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.send(sys.stdin.buffer.read()); s.shutdown(socket.SHUT_WR)
print(s.makefile().readline(), end="")' "$state/control" >"$told"
expect_line '"result": "done"' "$told"
kill -TERM "$berth_pid"
end_berth 0
[[ ! -e $state/control ]] || fail 'the socket is left'
