#!/bin/bash
# A paused VM whose disk is not copied moves once. QEMU 7.2 would end if it were moved again before its guest has run, so
# it stays where it is until then, and the plan says why.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1 --disk network --state paused
vm web-2 --host node1 --state paused
place <<<'vms: {web-1: {host: node2}, web-2: {host: node2}}'
apply
place <<<'vms: {web-1: {host: node3}, web-2: {host: node3}}'

apply 3

expect_on node2 paused web-1
expect_on node3 paused web-2
expect_status 'code: preflight'
expect_status 'it is paused and has not run since'

on node2 resume web-1
sandbox wait web-1 --ticks 5
on node2 suspend web-1
apply
expect_on node3 paused web-1
on node3 resume web-1
on node3 resume web-2
expect_witness web-1 web-2
