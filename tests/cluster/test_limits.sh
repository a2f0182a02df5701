#!/bin/bash
# A plan beyond the limits waits until that very plan is approved, also under a berth that runs; with a host down, or
# after failures in a row, nothing is started at all, until the host is back or there is a new commit.
. "$(dirname "$0")/lib.sh"

# limits LIMIT...: berth's configuration.
limits() {
    printf 'deadline: 4s\ncontroller: test\nlimits: {%s}\n' "$*" >"$config"
}
plan_id() {
    status | sed -n 's/^  id: //p'
}

vm web-1 --host node1 --disk network
vm web-2 --host node1 --disk network
place <<<'vms: {web-1: {host: node2}, web-2: {host: node3}}'

# With a host down, not even an approved plan is started.
limits 'hosts_down: 1'
sandbox fault freeze node3
apply 3
expect_line 'waits (limit): 1 host not answering, the limit is 1' "$out"
expect_status 'phase: held'
expect_on node1 running web-1
sandbox fault heal node3

limits 'moves: 1'
apply 3
expect_line 'waits (limit): 2 moves, the limit is 1' "$out"
expect_on node1 running web-1 web-2
run_berth 3 plan
expect_line 'waits (limit): 2 moves, the limit is 1' "$out"
expect_status 'phase: held'

start_berth run
wait_for_output 'event=pass'
log=$out
out=$work/other
run_berth 1 approve sha256:1
run_berth 0 approve "sha256:$(printf '0%.0s' {1..64})"
wait_until 30 grep -q 'was approved, and is no longer the plan' "$log"
expect_on node1 running web-1 web-2
run_berth 0 approve "$(plan_id)"
wait_until 60 phase_is in-sync
kill -TERM "$berth_pid"
end_berth 0
out=$log
expect_on node2 running web-1
expect_on node3 running web-2

# The id of the plan is an approval, too.
place <<<'vms: {web-1: {host: node1}, web-2: {host: node1}}'
apply 3
run_berth 0 apply --plan "$(plan_id)"
expect_on node1 running web-1 web-2
expect_witness web-1 web-2

# Two cannot be moved in time; the third is not tried, nor are they when the cause is gone, until there is a commit.
limits 'failures: 2'
vm web-3 --host node1 --disk network
place <<'YAML'
defaults: {migration: {timeout: 3s}}
vms: {web-1: {host: node2}, web-2: {host: node2}, web-3: {host: node2}}
YAML
sandbox fault slow node2 5mbit
apply 4
expect_line '2 moves in a row failed, the limit is 2' "$out"
expect_equal 2 "$(status | grep -c '^  attempts: 1')" 'VMs that failed'
sandbox fault heal node2
apply 3
expect_line '2 moves in a row failed, the limit is 2' "$out"
expect_on node1 running web-1 web-2 web-3
place <<<'vms: {web-1: {host: node2}, web-2: {host: node2}, web-3: {host: node2}}'
apply
expect_on node2 running web-1 web-2 web-3
expect_witness web-1 web-2 web-3
expect_status 'failures: []'
expect_record_clean
