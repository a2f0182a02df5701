#!/bin/bash
# versions. same: a VM moves to no host with another QEMU, be it newer. compatible: to a newer one, and not back.
. "$(dirname "$0")/lib.sh"

# What a node's libvirt takes its QEMU for stands in its cache; in the end it asks QEMU again.
caches=$sandbox_dir/node2/cache/qemu/capabilities
restore() {
    rm -f "$caches"/*.xml
    sandbox fault kill node2
}
at_end restore

on node2 domcapabilities --virttype qemu >/dev/null
for cache in "$caches"/*.xml; do
    version=$(sed -n 's#^  <version>\([0-9]*\)</version>#\1#p' "$cache")
    sed -i "s#^  <version>$version</version>#  <version>$((version + 1))</version>#" "$cache"
done
sandbox fault kill node2
sandbox up >/dev/null

vm same --host node1
vm newer --host node1
vm back --host node2
place <<'YAML'
vms:
  same: {host: node2}
  newer: {host: node2, migration: {versions: compatible}}
  back: {host: node1, migration: {versions: compatible}}
YAML

apply 3

tr -s ' \n' ' ' <"$out" >"$work/text"
grep -qE 'same \(version\) node1 has QEMU [0-9.]+ and libvirt [0-9.]+, node2 has .* \(migration.versions: same\)' "$work/text" ||
    fail "same: $(<"$work/text")"
grep -qE 'back \(version\) node2 has .* \(migration.versions: compatible\)' "$work/text" || fail "back: $(<"$work/text")"
expect_on node1 running same
expect_on node2 running newer back
expect_witness same newer back
expect_files node2 back.qcow2 newer.qcow2
