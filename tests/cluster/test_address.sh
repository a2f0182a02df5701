#!/bin/bash
# migration_address: RAM and disks travel there, and only there the target listens for them.
. "$(dirname "$0")/lib.sh"

# The nodes have an address more each, on a network of its own.
for node in node1 node2; do
    sandbox exec $node ip address add "10.66.0.${node#node}/24" dev eth0
done
restore() {
    local node
    for node in node1 node2; do
        sandbox exec $node ip address delete "10.66.0.${node#node}/24" dev eth0
    done
}
at_end restore

# streams STATE-OPTION: the addresses on node2 of what QEMU has open there for migrations, RAM and disks each.
streams() {
    sandbox exec node2 ss -Htn "$1" | awk '{ print $4 }' | grep -E ':49[0-9]{3}$' | sort
}
both_streams() {
    streams -o >"$work/streams" && (($(wc -l <"$work/streams") >= 2))
}

vm web-1 --host node1 --payload 24
new_repo
sed -i "/node2:/,/memory:/s/migration_address: .*/migration_address: 10.66.0.2/" "$repo/hosts.yaml"
git -C "$repo" commit -qam 'Where RAM and disks travel'
place <<<'vms: {web-1: {host: node2}}'
sandbox fault slow node2 20mbit

start_berth apply --yes
wait_until 60 is_migrating node1 web-1
wait_until 60 both_streams
streams -l >"$work/listens"
sandbox fault heal node2
end_berth 0

expect_equal '10.66.0.2' "$(sed 's/:.*//' "$work/streams" | sort -u)" 'where RAM and disks arrived'
expect_equal '10.66.0.2' "$(sed 's/:.*//' "$work/listens" | sort -u)" 'where the target listened'
expect_on node2 running web-1
expect_witness web-1
