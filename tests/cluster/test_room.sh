#!/bin/bash
# The room in a pool is looked at, not what libvirt counted last: what was written beside libvirt counts before a move,
# and once somebody has made room the VM moves without another word.
. "$(dirname "$0")/lib.sh"

pool=/var/lib/libvirt/images
restore() {
    sandbox exec node2 umount -l $pool
    on node2 pool-refresh images >/dev/null
}
at_end restore
sandbox exec node2 mount -t tmpfs -o size=128m berth-room $pool
on node2 pool-refresh images >/dev/null

vm web-1 --host node1
vm db-1 --host node1 --state stopped
place <<<'vms: {web-1: {host: node1}, db-1: {host: node1}}'
start_berth run
wait_until 60 phase_is in-sync

# libvirt still counts 128 MiB there, and plans are made with them: it is before the move that they are not there.
sandbox exec node2 fallocate -l 100M $pool/filler
place <<<'vms: {web-1: {host: node2}, db-1: {host: node1}}'
wait_until 60 phase_is blocked
expect_status 'code: space'
expect_on node1 running web-1
expect_equal filler "$(sandbox exec node2 ls $pool)" 'the pool of node2'

# Now it counts 28 MiB, where there are 128.
sandbox exec node2 rm $pool/filler
berth trigger >/dev/null
wait_until 60 phase_is in-sync
expect_on node2 running web-1
kill -TERM "$berth_pid"
end_berth 0

# The same for berth apply and a VM that is off. Who only asks is told what libvirt counts.
sandbox exec node2 fallocate -l 100M $pool/filler
on node2 pool-refresh images
sandbox exec node2 rm $pool/filler
place <<<'vms: {web-1: {host: node1}, db-1: {host: node2}}'
run_berth 3 plan
expect_line 'db-1 (space)' "$out"
apply
expect_on node1 running web-1
expect_on node2 'shut off' db-1
place <<<'vms: {web-1: {host: node1}, db-1: {host: node1}}'
apply
expect_witness web-1 db-1
expect_record_clean
