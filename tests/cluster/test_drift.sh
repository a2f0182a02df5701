#!/bin/bash
# Somebody moves VMs that were in place: drift. It is corrected, or with `drift: report` only told.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1 --disk network
vm web-2 --host node1 --disk network
place <<'YAML'
vms:
  web-1: {host: node1}
  web-2: {host: node1, drift: report}
YAML
apply
for name in web-1 web-2; do
    on node1 migrate --live --persistent --undefinesource "$name" "$(uri_of node2)"
done

run_berth 0 plan -o json
tr -d ' \n' <"$out" >"$work/plan"
expect_line '"drift":[{"vm":"web-1","desired":["node1"],"actual":"node2","action":"correct"},{"vm":"web-2","desired":["node1"],"actual":"node2","action":"report"}]' "$work/plan"
run_berth 2 plan --exit-code

apply
expect_on node1 running web-1
expect_on node2 running web-2
expect_witness web-1 web-2
expect_status 'phase: drifted'
expect_status 'drifted: 1'
run_berth 2 plan --exit-code

place <<<'vms: {web-1: {host: node1}, web-2: {host: node2}}'
apply
expect_status 'phase: in-sync'
