#!/bin/bash
# berth is killed, or the target's libvirt dies, while a VM's snapshots are nowhere but in berth's record. They come
# back where the VM is.
. "$(dirname "$0")/lib.sh"

vm snap-net --host node1 --disk network-qcow2
vm snap-lost --host node1 --payload 24
sandbox wait snap-net snap-lost
for name in snap-net snap-lost; do
    on node1 snapshot-create-as "$name" first >/dev/null
    on node1 snapshot-create-as "$name" second >/dev/null
done
place <<'YAML'
vms:
  snap-net: {host: node2}
  snap-lost: {host: node2, migration: {snapshots: delete}}
YAML

expect_snapshots() {
    expect_equal "$3" "$(on "$1" snapshot-list "$2" --name | xargs)" "snapshots of $2 on $1"
    [[ -z $3 ]] || expect_equal second "$(on "$1" snapshot-current "$2" --name)" "current snapshot of $2"
}

# The target dies: undone, by the same run. For what the entry gives up, too: the move has not been made.
sandbox fault slow node2 10mbit
start_berth apply --yes
wait_until 60 is_migrating node1 snap-lost
expect_snapshots node1 snap-lost ''
sandbox fault kill node2
end_berth 4
sandbox up >/dev/null
apply_once() { # what is open is settled, and nothing is moved
    place <<<'{settings: {hold: true}, vms: {snap-net: {host: node2}, snap-lost: {host: node2, migration: {snapshots: delete}}}}'
    apply 3
}
apply_once
expect_snapshots node1 snap-net 'first second'
expect_snapshots node1 snap-lost 'first second'

# berth is killed: undone by the next run, which moves it.
place <<<'vms: {snap-net: {host: node2}}'
sandbox fault slow node2 10mbit
start_berth apply --yes
wait_until 60 is_migrating node1 snap-net
expect_snapshots node1 snap-net ''
kill -KILL "$berth_pid"
wait "$berth_pid" || :
grep -qF '<name>second</name>' "$state"/*/moves/* || fail 'the record does not have them'
expect_equal 600 "$(stat -c %a "$state"/*/moves/*)" 'mode of the record'
sandbox up >/dev/null
apply_once
expect_on node1 running snap-net
expect_snapshots node1 snap-net 'first second'
expect_record_clean
place <<<'vms: {snap-net: {host: node2}}'
apply
expect_on node2 running snap-net
expect_snapshots node2 snap-net 'first second'
expect_on node1 running snap-lost
expect_witness snap-net snap-lost
expect_record_clean
