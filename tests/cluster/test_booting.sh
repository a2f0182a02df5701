#!/bin/bash
# A guest that is asked to shut down for its move while it boots does not hear that: it is asked again.
. "$(dirname "$0")/lib.sh"

vm web-1 --host node1 --disk network
place <<<'vms: {web-1: {host: node2, migration: {mode: stopped, timeout: 60s}}}'
on node1 reset web-1

apply

expect_on node2 running web-1
expect_witness web-1
