#!/bin/bash
# A host that is lost while it is asked whether it takes a VM has not refused it: the connection is what is told. Once
# it is back, the VM moves.
. "$(dirname "$0")/lib.sh"

# Whatever way it ends, the hosts are as before.
restore() {
    local status=$?
    for node in node1 node2; do
        sandbox exec "$node" rm -rf /run/only || :
    done
    return "$status"
}
trap 'if restore; then finish; else finish; fi' EXIT

# libvirt asks the QEMU of a VM's definition what it can do. This one ends the libvirt of node2 instead.
for node in node1 node2; do
    sandbox exec "$node" mkdir -p /run/only
    sandbox exec "$node" ln -sf "$(command -v qemu-system-x86_64)" /run/only/qemu
done
cat >"$work/qemu" <<'END'
#!/bin/sh
kill -s KILL "$(cat /run/libvirtd.pid)"
END
chmod 755 "$work/qemu"
sandbox exec node2 ln -sf "$work/qemu" /run/only/qemu

vm web-1 --host node1 --state stopped --disk network
on node1 dumpxml web-1 --inactive | sed 's#<emulator>.*</emulator>#<emulator>/run/only/qemu</emulator>#' >"$work/vm.xml"
on node1 define "$work/vm.xml" >/dev/null
on node1 start web-1 >/dev/null
sandbox wait web-1
place <<<'vms: {web-1: {host: node2}}'

apply 3

tr -s ' \n' ' ' <"$out" >"$work/text"
expect_line 'web-1: node1 → node2, live refused: the connection to node2 was lost' "$work/text"
expect_line 'web-1 (connection) ' "$work/text"
expect_on node1 running web-1
expect_status 'code: connection'
expect_status 'failures: []'
expect_record_clean

sandbox exec node2 ln -sf "$(command -v qemu-system-x86_64)" /run/only/qemu
sandbox up >/dev/null
apply
expect_on node2 running web-1
expect_witness web-1
