#!/bin/bash
# What changes on the hosts is told by them: berth run looks again at once, not at its next resync. One that hangs or is
# gone is not waited for, and is back as soon as it answers.
. "$(dirname "$0")/lib.sh"

printf 'deadline: 4s\ncontroller: test\nresync: 1h\nlimits: {failures: none}\n' >"$config"

vm web-1 --host node1 --disk network
vm web-2 --host node1 --state stopped
place <<<'vms: {web-1: {host: node1}, web-2: {host: node1}}'
start_berth run
wait_until 60 phase_is in-sync

# A stranger moves it away: it comes back.
on node1 migrate --live --persistent --undefinesource web-1 "$(uri_of node2)"
is_back() {
    on node1 domstate web-1 | grep -q running
}
wait_until 30 is_back
wait_until 30 phase_is in-sync
git -C "$repo" log --format=%s berth/status >"$work/subjects"
expect_line 'web-1: node2 → node1, live' "$work/subjects"

# What is undefined is missing, and is not when it is defined again.
on node1 dumpxml web-2 >"$work/web-2.xml"
on node1 undefine web-2 >/dev/null
is_missing() {
    status | grep -q 'missing: 1'
}
wait_until 30 is_missing
on node1 define "$work/web-2.xml" >/dev/null
wait_until 30 eval '! is_missing'

# A host that hangs is told; the next commit does not wait for it.
sandbox fault freeze node3
wait_until 60 eval 'status | grep -A3 node3 | grep -q "no answer\|keepalive"'
place <<<'vms: {web-1: {host: node2}, web-2: {host: node1}}'
wait_until 30 phase_is in-sync
expect_on node2 running web-1
sandbox fault heal node3
wait_until 30 eval '! status | grep -q "no answer\|keepalive"'

# And so for one whose daemon is gone.
sandbox fault kill node3
wait_until 30 eval 'status | grep -q "refused\|End of file"'
sandbox fault heal node3
wait_until 90 eval '! status | grep -q "refused\|End of file"'
kill -TERM "$berth_pid"
end_berth 0
expect_witness web-1 web-2
