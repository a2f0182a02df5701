#!/bin/bash
# A commit with errors is not acted on in part: all of them are reported, with their places, and nothing moves. The next
# good commit heals it.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1
vm web-2 --host node1 --disk network
place <<<'vms: {web-1: {host: node1}, web-2: {host: node1}}'
apply
good=$(git -C "$repo" rev-parse main)

mkdir "$repo/more"
cat >"$repo/more/defaults.yml" <<'YAML'
defaults:
  memory: {reserv: 1GiB}
  migration: {bandwidth: 10MiB}
YAML
cat >"$repo/policies.yaml" <<'YAML'
policies:
  twins: {apart: [web-1, web-3]}
YAML
git -C "$repo" add more policies.yaml
place <<'YAML'
vms:
  web-1: {host: node2, hold: 3}
  web-2: {host: node9}
YAML

apply 1
expect_equal 5 "$(wc -l <"$err")" 'errors'
expect_line 'more/defaults.yml:2:12: ' "$err"
expect_line "did you mean 'reserve'?" "$err"
expect_line 'more/defaults.yml:3:26: ' "$err"
expect_line 'placement.yaml:2:30: ' "$err"
expect_line 'placement.yaml:3:17: ' "$err"
expect_line 'policies.yaml:2:26: ' "$err"
expect_on node1 running web-1 web-2
expect_status 'phase: invalid'
expect_status "desired: $good"
expect_status 'more/defaults.yml:2:12: '
run_berth 1 plan
commits=$(status_commits)
apply 1
expect_equal "$commits" "$(status_commits)" 'commits on berth/status'

git -C "$repo" rm -q -r more policies.yaml
place <<<'vms: {web-1: {host: node2}, web-2: {host: node3}}'
apply
expect_on node2 running web-1
expect_on node3 running web-2
expect_witness web-1 web-2
expect_status 'phase: in-sync'
expect_status 'error: null'
