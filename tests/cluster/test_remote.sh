#!/bin/bash
# The repository is reached by a URL: fetched and pushed by git. The status branch is pushed there, and so is what could
# not be pushed while the repository was away.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1
vm web-2 --host node1 --disk network
place <<<'vms: {web-1: {host: node1}, web-2: {host: node1}}'
git clone -q --bare "$repo" "$work/server/placement.git"
touch "$work/server/placement.git/git-daemon-export-ok"
git -C "$work/server/placement.git" config daemon.receivepack true
port=$((20000 + RANDOM % 20000))
start_server() {
    git daemon --reuseaddr --listen=127.0.0.1 --port="$port" --base-path="$work/server" "$work/server" >"$work/daemon" 2>&1 &
    server=$!
    children+=("$server")
    wait_until 20 git ls-remote "git://127.0.0.1:$port/placement.git"
}
start_server
checkout=$repo
push() {
    repo=$checkout
    place
    git -C "$repo" push -q "$work/server/placement.git" main
    repo=git://127.0.0.1:$port/placement.git
}
on_server() {
    git -C "$work/server/placement.git" "$@"
}

push <<<'vms: {web-1: {host: node2}, web-2: {host: node1}}'
apply
expect_on node2 running web-1
expect_equal 'phase: in-sync' "$(on_server show berth/status:status.yaml | grep ^phase)"
[[ $(on_server log --format=%s berth/status) == *'web-1: node1 → node2, live'* ]] || fail "$(on_server log berth/status)"
on_server fsck --strict >"$work/fsck" 2>&1 || fail "$(cat "$work/fsck")"
commits=$(on_server rev-list --count berth/status)
apply
expect_equal "$commits" "$(on_server rev-list --count berth/status)" 'commits on berth/status'

# What somebody else has pushed to the status branch in between is kept.
git clone -q -b berth/status "$work/server/placement.git" "$work/other"
git -C "$work/other" -c user.name=Other -c user.email=other@example.net commit -q --allow-empty -m 'By another hand'
git -C "$work/other" push -q origin berth/status
push <<<'vms: {web-1: {host: node2}, web-2: {host: node3}}'
apply
expect_on node3 running web-2
[[ $(on_server log --format=%s berth/status) == *'By another hand'* ]] || fail 'a commit of another hand is gone'
expect_equal 'phase: in-sync' "$(on_server show berth/status:status.yaml | grep ^phase)"

# Without the repository nothing is begun.
kill "$server"
wait_until 10 is_over "$server"
apply 5
expect_witness web-1 web-2
