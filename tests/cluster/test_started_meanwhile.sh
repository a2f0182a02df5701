#!/bin/bash
# A stopped VM is started by somebody while its disk is being copied: it stays, and the target is cleaned.
. "$(dirname "$0")/lib.sh"

vm db-1 --host node1 --payload 24 --state stopped
place <<<'vms: {db-1: {host: node2}}'
sandbox fault slow node2 20mbit

start_berth apply --yes
is_copying() {
    (($(du -k "$(images_of node2)/db-1.qcow2" | cut -f1) > 512))
}
wait_until 60 is_copying
on node1 start db-1
sandbox fault heal node2
end_berth 4

expect_on node1 running db-1
sandbox wait db-1
expect_witness db-1
expect_files node1 db-1.qcow2
expect_files node2
expect_record_clean
