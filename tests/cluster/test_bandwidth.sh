#!/bin/bash
# bandwidth and connections are what QEMU is told, for RAM and disk, before anything is sent; and while it is, the copy
# takes no more room than what has arrived.
. "$(dirname "$0")/lib.sh"

# ask NODE VM COMMAND: what its QEMU answers.
ask() {
    on "$1" qemu-monitor-command "$2" "{\"execute\": \"$3\"}"
}
# is_told COMMAND JQ: of a migration that is under way.
is_told() {
    ask node1 "$1" "$2" | jq -e "$3" >"$work/told"
}

vm narrow --host node1 --disk local-raw --size 96 --payload 8
vm wide --host node1 --disk network
place <<'YAML'
vms:
  narrow: {host: node2, migration: {bandwidth: 16MiB/s}}
  wide: {host: node3, migration: {bandwidth: 16MiB/s, connections: 3}}
YAML

start_berth apply --yes
wait_until 60 is_told narrow query-block-jobs '.return[] | select(.type == "mirror") | .speed == 16 * 1048576'
(($(du -k "$(images_of node2)/narrow.raw" | cut -f1) < 64 * 1024)) || fail 'the copy is fat from the start'
wait_until 60 is_told narrow query-migrate '.return.status == "active"'
is_told narrow query-migrate-parameters '.return["max-bandwidth"] == 16 * 1048576' || fail "RAM is not bounded"
wait_until 60 is_told wide query-migrate '.return.status == "active"'
is_told wide query-migrate-parameters '.return["max-bandwidth"] == 16 * 1048576 and .return["multifd-channels"] == 3' ||
    fail "it has not three connections: $(ask node1 wide query-migrate-parameters)"
is_told wide query-migrate-capabilities '.return[] | select(.capability == "multifd") | .state' || fail 'they are not used'
end_berth 0
expect_on node2 running narrow
expect_on node3 running wide
expect_witness narrow wide
