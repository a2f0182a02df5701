#!/bin/bash
# max_downtime and bandwidth are QEMU's from the start of a migration, for RAM and for disks, and timeout ends it: the VM
# stays where it was, and the next attempt starts from nothing.
. "$(dirname "$0")/lib.sh"

# parameter NAME: as the QEMU of web-1 on node1 has it.
parameter() {
    on node1 qemu-monitor-command web-1 --hmp 'info migrate_parameters' | tr -d '\r' | sed -n "s/^$1: //p"
}
disk_speed() {
    on node1 qemu-monitor-command web-1 '{"execute": "query-block-jobs"}' | sed -n 's/.*"speed":\([0-9]*\).*/\1/p'
}
is_copying_disk() {
    [[ $(disk_speed) == [1-9]* ]]
}

vm web-1 --host node1
place <<<'vms: {web-1: {host: node2, migration: {max_downtime: 700ms, bandwidth: 2MiB/s, timeout: 9s}}}'
start_berth apply --yes
wait_until 60 is_copying_disk
expect_equal $((2 << 20)) "$(disk_speed)" 'bytes a second of the disk'
expect_equal '700 ms' "$(parameter downtime-limit)" 'max_downtime'
expect_equal 700 "$(on node1 migrate-getmaxdowntime web-1)" 'max_downtime'
has_speed() {
    [[ $(parameter max-bandwidth) == "$((2 << 20)) bytes/second" ]]
}
wait_until 10 has_speed
end_berth 4
expect_on node1 running web-1
expect_files node2
expect_record_clean
expect_status 'code: failed'
expect_status 'not over within its timeout of 9s, '
expect_witness web-1
