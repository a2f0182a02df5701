#!/bin/bash
# berth run acts on what is pushed, commit after commit; told to stop, it finishes the move in flight and starts no
# other. A second berth on the same record says who has it.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1
vm web-2 --host node1 --disk network
new_repo
git init -q --bare -b main "$work/bare.git"
git -C "$repo" push -q "$work/bare.git" main
checkout=$repo
push() {
    repo=$checkout
    place
    git -C "$repo" push -q "$work/bare.git" main
    repo=$work/bare.git
}

push <<<'vms: {web-1: {host: node1}, web-2: {host: node1}}'
start_berth run
wait_until 60 phase_is in-sync

push <<<'vms: {web-1: {host: node2}, web-2: {host: node1}}'
wait_until 60 phase_is in-sync
expect_on node2 running web-1
push <<<'vms: {web-1: {host: node2}, web-2: {host: node3}}'
wait_until 60 phase_is in-sync
expect_on node3 running web-2

code=0
timeout 20 "$berth_binary" apply --yes --config "$config" --repo "$repo" --state "$state" >"$work/second" 2>&1 || code=$?
expect_equal 1 "$code" 'the exit code of a second berth'
expect_line 'berth run' "$work/second"
expect_line "$berth_pid" "$work/second"

# Two moves are wanted; it is told to stop in the first.
sandbox fault slow node1 60mbit
push <<<'vms: {web-1: {host: node1}, web-2: {host: node1}}'
first_is_under_way() {
    is_migrating node2 web-1 || is_migrating node3 web-2
}
wait_until 60 first_is_under_way
kill -TERM "$berth_pid"
end_berth 0
sandbox fault heal node1
expect_equal 1 "$(on node1 list --name | sed '/^$/d' | wc -l)" 'VMs that have moved'
expect_witness web-1 web-2
expect_record_clean

apply
expect_on node1 running web-1 web-2
expect_witness web-1 web-2
expect_equal "$(git -C "$checkout" rev-parse main)" "$(git -C "$repo" rev-parse main)" 'main'
