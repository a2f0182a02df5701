#!/bin/bash
# What a target does not take is told before anything is sent: by what it says of itself, or by its first try. That is
# no failure; the VM runs on, and nothing is left on the target.
. "$(dirname "$0")/lib.sh"

# change NAME EXPRESSION: its definition, by sed; then it is started.
change() {
    on node1 dumpxml "$1" --inactive | sed "$2" >"$work/vm.xml"
    on node1 define "$work/vm.xml" >/dev/null || fail "$1 cannot be changed"
    [[ $1 == *-off ]] || on node1 start "$1" >/dev/null || fail "$1 cannot be started"
}

restore() {
    on node1 net-destroy only >/dev/null 2>&1 || :
    on node1 net-undefine only >/dev/null 2>&1 || :
    rm -f "$sandbox_dir"/node2/cache/qemu/capabilities/*.xml
    sandbox fault kill node2
}
at_end restore

# What only node1 has: each node has a /run of its own.
sandbox exec node1 mkdir -p /run/only
sandbox exec node1 ln -sf "$(command -v qemu-system-x86_64)" /run/only/qemu
cat >"$work/network.xml" <<'XML'
<network><name>only</name><forward mode='bridge'/><bridge name='lan'/></network>
XML
on node1 net-define "$work/network.xml" >/dev/null
on node1 net-start only >/dev/null

vm try --host node1 --state stopped
vm machine --host node1 --state stopped --disk network
vm machine-off --host node1 --state stopped
vm net-off --host node1 --state stopped
vm cpu --host node1 --disk network
vm block --host node1
change try "s#<source path='[^']*' append='on'/>#<source path='/run/only/log'/>#"
for name in machine machine-off; do
    change "$name" 's#<emulator>.*</emulator>#<emulator>/run/only/qemu</emulator>#'
done
change net-off "s#</devices>#<interface type='network'><source network='only'/></interface></devices>#"

# All hosts have this machine's memory; what runs on it is missing from what is free.
vm large --host node1 --state stopped
total=$(on node1 nodeinfo | sed -n 's/^Memory size: *\([0-9]*\) KiB/\1/p')
on node1 dumpxml large --inactive | sed -E "s/(emory unit='KiB'>)[0-9]+/\1$((total - 300 * 1024))/" >"$work/vm.xml"
on node1 define "$work/vm.xml" >/dev/null
on node1 start large --paused >/dev/null

# A target whose CPU has less: so says what its libvirt has noted of its QEMU.
on node2 domcapabilities --virttype qemu >/dev/null
sed -i '/<hostCPU /,/<\/hostCPU>/s/\(name=.lahf-lm. type=.boolean. value=\).true./\1'"'false'/" \
    "$sandbox_dir"/node2/cache/qemu/capabilities/*.xml
sandbox fault kill node2
sandbox up >/dev/null

new_repo 1TiB
place <<'YAML'
vms:
  try: {host: node3}
  machine: {host: node2}
  machine-off: {host: node2}
  net-off: {host: node2}
  cpu: {host: node2}
  block: {host: node2}
  large: {host: node3}
YAML
on node1 blockcopy block vda /var/lib/libvirt/images/copy.qcow2 --format qcow2 --bandwidth 1 --transient-job >/dev/null

apply 3

tr -s ' \n' ' ' <"$out" >"$work/text"
expect_line 'try: node1 → node3, live refused: ' "$work/text"
expect_line '/run/only/log' "$work/text"
expect_line 'try (preflight)' "$work/text"
expect_line 'machine (preflight) node2 does not take its machine type pc-' "$work/text"
expect_line 'machine-off (preflight) node2 does not take its machine type pc-' "$work/text"
expect_line 'net-off (preflight) network only is not active on node2' "$work/text"
expect_line 'cpu (preflight) node2 does not take its CPU: ' "$work/text"
expect_line 'lahf_lm' "$work/text"
expect_line 'block (preflight) a job is running on its disk vda, ' "$work/text"
grep -qE 'large \(preflight\) node3 has [0-9.]+ .iB of memory really free, it needs [0-9.]+ .iB' "$work/text" ||
    fail "large is not refused for its memory: $(<"$work/text")"
expect_status 'failures: []'
expect_on node1 paused large
expect_on node1 running try machine cpu block
expect_on node1 'shut off' machine-off net-off
expect_witness machine cpu
expect_files node2
expect_files node3
expect_record_clean
