#!/bin/bash
# Somebody else works on the VMs while a plan is carried out: what is undefined, renamed, started, paused or made anew
# meanwhile is not moved as if it were still as planned, and nothing of it is lost. The others move.
. "$(dirname "$0")/lib.sh"

vm a-slow --host node1 --payload 24
vm b-paused --host node1 --disk network
vm b-started --host node1 --state stopped
vm c-grown --host node1 --state stopped --disk network
vm d-other --host node1 --state stopped --disk network
vm e-renamed --host node1 --state stopped
vm f-undefined --host node1 --state stopped
place <<'YAML'
vms:
  a-slow: {host: node2}
  b-paused: {host: node2, migration: {mode: stopped, timeout: 5s}}
  b-started: {host: node2}
  c-grown: {host: node2}
  d-other: {host: node2}
  e-renamed: {host: node2}
  f-undefined: {host: node2}
YAML
cp "$(images_of node1)/f-undefined.qcow2" "$work/before"
sandbox fault slow node2 20mbit
start_berth apply --yes
wait_until 60 is_migrating node1 a-slow

on node1 dumpxml f-undefined >"$work/undefined.xml"
on node1 undefine f-undefined >/dev/null
vms+=(e-other)
on node1 domrename e-renamed e-other
on node1 start b-started
on node1 suspend b-paused
on node1 setmaxmem c-grown 128MiB --config
on node1 dumpxml d-other | sed '/<uuid>/d' >"$work/other.xml"
on node1 undefine d-other >/dev/null
on node1 define "$work/other.xml" >/dev/null
sandbox fault heal node2
end_berth 0

# Planned anew: what libvirt has now is what is moved, under the names that the placement has.
expect_on node2 running a-slow b-started
expect_on node2 paused b-paused
on node2 resume b-paused
expect_on node2 'shut off' c-grown d-other
expect_equal '131072 KiB' "$(info node2 c-grown 'Max memory')" 'the memory of c-grown'
expect_on node1 'shut off' e-other
expect_line 'b-paused has changed: planning again' "$out"
expect_files node1 f-undefined.qcow2 e-renamed.qcow2
cmp "$work/before" "$(images_of node1)/f-undefined.qcow2" || fail 'the disk of an undefined VM was touched'
expect_record_clean

on node1 domrename e-other e-renamed
on node1 define "$work/undefined.xml" >/dev/null
apply
expect_on node2 'shut off' f-undefined e-renamed
expect_witness a-slow b-paused f-undefined e-renamed b-started c-grown d-other
