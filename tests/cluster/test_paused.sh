#!/bin/bash
# A paused VM is moved, and stays paused; what it had in memory is there when it is resumed.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1 --payload 24 --state paused
vm web-2 --host node1 --disk network --state paused
place <<'YAML'
vms:
  web-1: {host: node2}
  web-2: {host: node3}
YAML

apply

expect_on node2 paused web-1
expect_on node3 paused web-2
expect_files node1
expect_files node2 web-1.qcow2

# What travelled is told, the disk with it: both have the same RAM.
bytes_of() {
    status | awk -v vm="$1" '$1 == "vm:" { name = $2 } $1 == "bytes:" && name == vm { print $2 }'
}
(($(bytes_of web-1) > $(bytes_of web-2) + 20 * 1048576)) || fail "bytes: web-1 $(bytes_of web-1), web-2 $(bytes_of web-2)"

on node2 resume web-1
on node3 resume web-2
expect_on node2 running web-1
expect_witness web-1 web-2
expect_equal 1 "$(sandbox witness web-1 | sed -n 's/.* \([0-9]*\) boots*.*/\1/p')" 'boots of web-1'
