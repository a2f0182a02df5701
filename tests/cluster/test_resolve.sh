#!/bin/bash
# One VM on two hosts: berth leaves it alone, shows what every host says, and does what a person decides. Disks stay.
# A host that cannot be asked stops it, unless it is powered off for certain.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1 --disk network
vm db-1 --host node1 --state stopped --autostart
place <<<'vms: {web-1: {host: node1}, db-1: {host: node2}}'
start_berth run
wait_until 60 grep -q 'event=move.done vm="db-1"' "$out"
run_second() {
    local code=0
    berth resolve web-1 --keep node1 --yes >"$work/second" 2>&1 </dev/null || code=$?
    expect_equal 1 "$code" 'the exit code of a second berth'
}
run_second
expect_line 'berth run' "$work/second"
kill -TERM "$berth_pid"
end_berth 0
run_berth 0 resolve web-1 --keep node1 --yes
expect_line 'There is nothing to decide' "$out"

# A second definition of each, by another hand.
on node1 dumpxml --inactive --security-info web-1 >"$work/web-1.xml"
on node2 define "$work/web-1.xml"
on node2 dumpxml --inactive db-1 >"$work/db-1.xml"
on node3 define "$work/db-1.xml"
apply 3
expect_status 'phase: needs-decision'
expect_on_both() {
    [[ $(sandbox where web-1 | wc -l) == 2 ]] || fail "web-1: $(sandbox where web-1)"
}
expect_on_both

run_berth 1 resolve web-1 --yes
expect_line '--keep HOST' "$err"
run_berth 1 resolve web-1 --keep node1
expect_line 'add --yes' "$err"
run_berth 1 resolve web-9 --keep node1 --yes
run_berth 3 resolve web-1 --keep node3 --yes
expect_line 'node3 does not have it' "$err"
run_berth 3 resolve web-1 --keep node1 --yes --fenced node3
expect_line 'node3 answers: it is not powered off' "$err"
expect_on_both

sandbox fault power-off node3
run_berth 3 resolve web-1 --keep node1 --yes
expect_line 'node3 does not answer' "$err"
expect_line '--fenced node3' "$err"
expect_on_both
run_berth 0 resolve web-1 --keep node1 --yes --fenced node3
expect_line 'node2: destroyed and undefined; its disks are left: ' "$out"
expect_line '  node1: running' "$out"
expect_line 'web-1 is kept on node1' "$out"
expect_on node1 running web-1
expect_witness web-1

sandbox up >/dev/null
run_berth 0 resolve db-1 --keep node2 --yes
expect_line 'node3: destroyed and undefined; its disks are left: /var/lib/libvirt/images/db-1.qcow2' "$out"
expect_on node2 'shut off' db-1
expect_files node2 db-1.qcow2
apply
expect_status 'phase: in-sync'
expect_equal enable "$(info node2 db-1 Autostart)" 'autostart of db-1'
expect_witness web-1 db-1

# A move that was broken off is in the record until it is decided, or the next run ends it.
place <<<'vms: {web-1: {host: node2}, db-1: {host: node2}}'
sandbox fault slow node2 5mbit
start_berth apply --yes
wait_until 60 is_migrating node1 web-1
kill -KILL "$berth_pid"
wait "$berth_pid" || :
sandbox up >/dev/null
no_job() {
    [[ $(sandbox where web-1 | sed 's/ (.*//') == 'node1 running' ]]
}
wait_until 60 no_job
run_berth 3 resolve web-1 --keep node2 --yes
expect_line 'node2 does not have it' "$err"
run_berth 0 resolve web-1 --keep node1 --yes
expect_line 'record: a move from node1 to node2, live' "$out"
expect_record_clean
apply
expect_on node2 running web-1
expect_witness web-1
