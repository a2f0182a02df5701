#!/bin/bash
# suspended: it stands still while its memory travels, and runs on. stopped: it is shut down, moved and started.
. "$(dirname "$0")/lib.sh"

vm frozen --host node1
vm off --host node1 --autostart
vm off-net --host node1 --disk network
place <<'YAML'
defaults:
  migration: {mode: stopped}
vms:
  frozen: {host: node2, migration: {mode: suspended}}
  off: {host: node2}
  off-net: {host: node3}
YAML

apply

expect_on node2 running frozen off
expect_on node3 running off-net
expect_witness frozen off off-net
expect_files node1
expect_files node2 frozen.qcow2 off.qcow2
expect_equal enable "$(info node2 off Autostart)" 'autostart of off'
boots() {
    sandbox witness "$1" | sed -n 's/.*, \([0-9]*\) boots*.*/\1/p'
}
expect_equal 1 "$(boots frozen)" 'boots of frozen'
expect_equal 2 "$(boots off)" 'boots of off'
expect_equal 2 "$(boots off-net)" 'boots of off-net'
expect_status 'mode: suspended'
expect_status 'mode: stopped'
