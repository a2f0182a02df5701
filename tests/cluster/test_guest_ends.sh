#!/bin/bash
# The guest powers off while it is being moved: the move ends, the VM stays where it is, off, and is moved as one that
# is off by the next pass. A guest that is reset meanwhile boots on, wherever that leaves it, and loses nothing.
. "$(dirname "$0")/lib.sh"

# tell VM COMMAND: to its QEMU, as the guest would do it; libvirt's own calls wait for a migration to end.
tell() {
    on node1 qemu-monitor-command "$1" --hmp "$2"
}

# Not while a disk is copied: libvirt 9.0 can crash when a guest goes off then.
vm powers-off --host node1 --disk network --autostart
vm resets --host node1 --disk network
place <<'YAML'
vms:
  powers-off: {host: node2, migration: {bandwidth: 4MiB/s}}
  resets: {host: node1}
YAML

start_berth apply --yes
wait_until 60 is_migrating node1 powers-off
tell powers-off system_powerdown
end_berth 4
expect_on node1 'shut off' powers-off
expect_equal enable "$(info node1 powers-off Autostart)" 'autostart of powers-off'
expect_record_clean

place <<'YAML'
vms:
  powers-off: {host: node2}
  resets: {host: node2, migration: {bandwidth: 16MiB/s}}
YAML
start_berth apply --yes
wait_until 60 is_migrating node1 resets
tell resets system_reset
wait_until 120 is_over "$berth_pid"
apply
expect_on node2 'shut off' powers-off
expect_on node2 running resets
expect_equal enable "$(info node2 powers-off Autostart)" 'autostart of powers-off'
expect_status 'mode: offline'
expect_witness powers-off resets
(($(sandbox witness resets | sed -n 's/.*, \([0-9]*\) boots*.*/\1/p') > 1)) || fail 'it was not reset'
expect_record_clean
