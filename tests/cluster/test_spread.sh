#!/bin/bash
# A commit spreads VMs over the hosts: running ones with a local and with a network disk, and a stopped one.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1 --autostart
vm web-2 --host node1 --disk network
vm db-1 --host node1 --state stopped --autostart
place 'Spread them' <<END_OF_PLACEMENT
vms:
  web-1: {host: node2}
  web-2: {host: node3}
  db-1: {host: node3}
END_OF_PLACEMENT
touch "$repo/untracked"
before=$(
    git -C "$repo" for-each-ref
    cat "$repo/.git/HEAD"
    sha256sum "$repo/.git/index"
    git -C "$repo" status --porcelain
)

apply

expect_on node2 running web-1
expect_on node3 running web-2
expect_on node3 'shut off' db-1
expect_witness web-1 web-2 db-1
expect_files node1
expect_files node2 web-1.qcow2
expect_files node3 db-1.qcow2
expect_record_clean
expect_equal enable "$(info node2 web-1 Autostart)" 'autostart of web-1'
expect_equal enable "$(info node3 db-1 Autostart)" 'autostart of db-1'
expect_equal disable "$(info node3 web-2 Autostart)" 'autostart of web-2'

# One commit for the state that was found, and one for each step, which says what happened and why.
desired=$(git -C "$repo" rev-parse main)
plan=$(git -C "$repo" log -1 --format='%(trailers:key=Plan,valueonly)' berth/status | sed '/^$/d')
expect_equal 4 "$(status_commits)" 'commits on berth/status'
git -C "$repo" log --reverse --format='%s;%(trailers:key=Desired,key=Step,key=Controller,separator=%x3b)' berth/status |
    sed -E 's/[0-9.]+ m?s/TIME/g' >"$work/log"
for step in "1/3 db-1: node1 → node3, offline, TIME" "2/3 web-1: node1 → node2, live, TIME, TIME down" \
    "3/3 web-2: node1 → node3, live, TIME, TIME down"; do
    expect_line "${step#* };Desired: $desired;Step: ${step%% *};Controller: test" "$work/log"
done
[[ $plan =~ ^sha256:[0-9a-f]{64}$ ]] || fail "the trailer Plan is '$plan'"
expect_status 'phase: in-sync'
expect_status "desired: $desired"
expect_status 'web-1:' inventory/node2.yaml
expect_status '| 0 B | 4 GiB | 0 B | 0 | ok |' README.md
expect_status '| 192 MiB | 4 GiB | 192 MiB | 2 | ok |' README.md

# Nothing else in the repository is touched.
expect_equal "$before" "$(
    git -C "$repo" for-each-ref | grep -v berth/status
    cat "$repo/.git/HEAD"
    sha256sum "$repo/.git/index"
    git -C "$repo" status --porcelain
)" 'the repository'
git -C "$repo" fsck --strict >"$work/fsck" 2>&1 || fail "$(cat "$work/fsck")"

# There is nothing more to do, and nothing more to tell.
apply
expect_line 'In sync' "$out"
expect_equal 4 "$(status_commits)" 'commits on berth/status after a second pass'
expect_on node2 running web-1
