#!/bin/bash
# suspended: it stands still while its memory travels, and runs on. stopped: it is shut down, moved and started. By
# either, what is paused stays paused, and what is off stays off.
. "$(dirname "$0")/lib.sh"

vm frozen --host node1
vm off --host node1 --autostart
vm off-net --host node1 --disk network
vm frozen-paused --host node1 --state paused
vm frozen-stopped --host node1 --state stopped
vm off-paused --host node1 --disk network --state paused
vm off-stopped --host node1 --state stopped
place <<'YAML'
defaults:
  migration: {mode: stopped}
vms:
  frozen: {host: node2, migration: {mode: suspended, bandwidth: 24MiB/s}}
  off: {host: node2}
  off-net: {host: node3}
  frozen-paused: {host: node3, migration: {mode: suspended}}
  frozen-stopped: {host: node3, migration: {mode: suspended}}
  off-paused: {host: node2}
  off-stopped: {host: node2}
YAML

# Most of its memory is still to go, and it stands still already.
stands_still() {
    [[ $(on node1 domstate frozen --reason) == 'paused (migrating)'* ]] &&
        on node1 qemu-monitor-command frozen '{"execute": "query-migrate"}' |
        jq -e '.return.status == "active" and .return.ram.remaining > 32 * 1048576'
}
start_berth apply --yes
wait_until 60 stands_still
end_berth 0

expect_on node2 running frozen off
expect_on node3 running off-net
expect_on node2 paused off-paused
expect_on node3 paused frozen-paused
expect_on node2 'shut off' off-stopped
expect_on node3 'shut off' frozen-stopped
expect_witness frozen off off-net frozen-stopped off-stopped
expect_files node1
expect_files node2 frozen.qcow2 off.qcow2 off-stopped.qcow2
expect_files node3 frozen-paused.qcow2 frozen-stopped.qcow2
expect_equal enable "$(info node2 off Autostart)" 'autostart of off'
on node2 resume off-paused
on node3 resume frozen-paused
expect_witness off-paused frozen-paused
boots() {
    sandbox witness "$1" | sed -n 's/.*, \([0-9]*\) boots*.*/\1/p'
}
for name in frozen frozen-paused off-paused; do
    expect_equal 1 "$(boots "$name")" "boots of $name"
done
for name in off off-net; do
    expect_equal 2 "$(boots "$name")" "boots of $name"
done
status | awk '$1 == "vm:" { vm = $2 } $1 == "mode:" { print vm, $2 }' | tr -d '"' | sort -u >"$work/modes"
expect_equal 'frozen suspended
frozen-paused suspended
frozen-stopped offline
off stopped
off-net stopped
off-paused suspended
off-stopped offline' "$(<"$work/modes")" 'modes'
