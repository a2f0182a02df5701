#!/bin/bash
# A plan from the inventory that the status branch keeps is the plan from what libvirt says, to the byte; and a plan
# whose base has changed is not carried out.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1
vm web-2 --host node1 --disk mixed --state paused
vm web-3 --host node2 --disk local-raw --state stopped --autostart
vm stranger --host node2 --disk network
place <<<'vms: {web-1: {host: node1}, web-2: {host: node1}, web-3: {host: node2}}'
apply
place <<'YAML'
vms:
  web-1: {host: node2}
  web-2: {host: node3}
  web-3: {host: node1}
  nowhere: {host: node1}
YAML
mkdir "$work/recorded"
git -C "$repo" archive berth/status inventory | tar -x -C "$work/recorded"

# What written disks use changes by itself.
without_used() {
    sed -E 's/"disk": [0-9]+/"disk": N/'
}
run_berth 0 plan -o json
without_used <"$out" >"$work/live"
code=0
"$berth_binary" plan -o json --config "$config" --state "$work/none" --repo "$repo" --inventory "$work/recorded/inventory" >"$work/plan" 2>"$err" || code=$?
expect_equal 0 "$code" 'the exit code with --inventory'
expect_equal "$(cat "$work/live")" "$(without_used <"$work/plan")" 'the plan'
expect_line '"moves": [' "$work/live"
run_berth 2 plan --exit-code

id=$(sed -n 's/.*"id": "\([^"]*\)".*/\1/p' "$work/live" | head -n 1)
on node2 start web-3
run_berth 1 apply --plan "$id"
expect_on node1 running web-1
expect_on node1 paused web-2
expect_on node2 running web-3
run_berth 0 plan -o json
id=$(sed -n 's/.*"id": "\([^"]*\)".*/\1/p' "$out" | head -n 1)
run_berth 0 apply --plan "$id"
expect_on node2 running web-1
expect_on node3 paused web-2
expect_on node1 running web-3
expect_on node2 running stranger
sandbox wait web-3
expect_witness web-1 web-2 web-3 stranger
