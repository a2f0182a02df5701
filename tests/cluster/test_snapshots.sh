#!/bin/bash
# Snapshots go where the VM goes, and can be reverted to there: those on the network with a running VM, those of a
# stopped VM in its files. What a copy would leave behind is left where it is, unless the VM's entry gives it up.
. "$(dirname "$0")/lib.sh"

vm snap-net --host node1 --disk network-qcow2 --autostart
vm snap-off --host node1 --state stopped --autostart
vm snap-down --host node1
vm snap-kept --host node1
vm snap-lost --host node1
vm snap-refuse --host node1 --disk network-qcow2
vm snap-outside --host node1
sandbox wait snap-net snap-down snap-kept snap-lost snap-refuse snap-outside
snapshot() {
    on node1 snapshot-create-as "$1" "$2" "${@:3}" >/dev/null || fail "no snapshot $2 of $1"
}
for name in snap-net snap-off snap-down snap-lost; do
    snapshot "$name" first
    snapshot "$name" second
    snapshot "$name" third
    # The second has the third beside it, not on it, and is the current one.
    on node1 snapshot-dumpxml "$name" third | sed '/<parent>/,/<\/parent>/s/second/first/' >"$work/third.xml"
    on node1 snapshot-delete "$name" third --metadata >/dev/null
    on node1 snapshot-create "$name" "$work/third.xml" --redefine >/dev/null
    on node1 snapshot-current "$name" second >/dev/null
done
snapshot snap-kept only
snapshot snap-refuse only
snapshot snap-outside only --disk-only
# all_of NODE VM: everything that libvirt says of its snapshots.
all_of() {
    local name
    on "$1" snapshot-list "$2" --tree
    on "$1" snapshot-current "$2" --name
    for name in $(on "$1" snapshot-list "$2" --name); do
        on "$1" snapshot-dumpxml "$2" "$name" --security-info
    done
}
for name in snap-net snap-off snap-down; do
    all_of node1 "$name" >"$work/$name"
done
place <<'YAML'
vms:
  snap-net: {host: node2}
  snap-off: {host: node2}
  snap-down: {host: node2, migration: {mode: stopped}}
  snap-kept: {host: node2}
  snap-lost: {host: node2, migration: {snapshots: delete}}
  snap-refuse: {host: node2, migration: {snapshots: refuse}}
  snap-outside: {host: node2}
YAML

run_berth 3 plan
tr -s ' \n' ' ' <"$out" >"$work/text"
expect_line 'snap-lost loses its 3 snapshots, as its entry allows (snapshots: delete): node1 to node2' "$work/text"
expect_line 'snap-kept has 1 snapshot on local storage' "$work/text"
expect_line 'snap-refuse has 1 snapshot (migration.snapshots: refuse)' "$work/text"
run_berth 0 inventory
expect_line '{code: preflight, reason: it has 1 external snapshot}' "$out"

apply 3

expect_on node1 running snap-kept snap-refuse snap-outside
expect_equal only "$(on node1 snapshot-list snap-kept --name | sed '/^$/d')" 'snapshots of snap-kept'
expect_on node2 running snap-net snap-down snap-lost
expect_on node2 'shut off' snap-off
expect_equal enable "$(info node2 snap-net Autostart)" 'autostart of snap-net'
expect_equal enable "$(info node2 snap-off Autostart)" 'autostart of snap-off'
for name in snap-net snap-off snap-down; do
    expect_equal "$(<"$work/$name")" "$(all_of node2 "$name")" "snapshots of $name"
done
expect_equal '' "$(on node2 snapshot-list snap-lost --name)" 'snapshots of snap-lost'
expect_witness snap-net snap-down snap-lost snap-off
expect_files node2 snap-off.qcow2 snap-down.qcow2 snap-lost.qcow2
expect_record_clean

# They are no mere names: the guests go back to them.
for name in snap-net snap-down; do
    on node2 snapshot-revert "$name" first >/dev/null || fail "$name cannot go back to its first snapshot"
    expect_equal running "$(on node2 domstate "$name" | sed '/^$/d')" "$name"
done
on node2 snapshot-revert snap-off third >/dev/null || fail "snap-off cannot go back to its third snapshot"
on node2 snapshot-delete snap-net third >/dev/null || fail "a snapshot of snap-net cannot be deleted"

# And back again.
place <<'YAML'
vms:
  snap-net: {host: node1}
  snap-off: {host: node1}
YAML
apply
expect_on node1 running snap-net
expect_on node1 'shut off' snap-off
expect_equal 'first second' "$(on node1 snapshot-list snap-net --name | xargs)" 'snapshots of snap-net'
expect_equal first "$(on node1 snapshot-current snap-net --name)" 'current snapshot of snap-net'
expect_equal third "$(on node1 snapshot-current snap-off --name)" 'current snapshot of snap-off'
