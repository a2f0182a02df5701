#!/bin/bash
# What binds a VM to its host is told in the inventory, for running and stopped ones, whatever the target.
. "$(dirname "$0")/lib.sh"

# tied NAME OS DEVICES: a stopped VM.
tied() {
    vms+=("$1")
    cat >"$work/vm.xml" <<XML
<domain type='qemu'>
  <name>$1</name><maxMemory slots='4' unit='MiB'>1024</maxMemory><memory unit='MiB'>128</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>$2</os>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <features><acpi/></features>
  <cpu mode='custom'><model>qemu64</model><numa><cell id='0' cpus='0' memory='128' unit='MiB'/></numa></cpu>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>$3</devices>
</domain>
XML
    on node1 define "$work/vm.xml" >/dev/null || fail "$1 cannot be defined"
}

tied tied-nvdimm '' "<memory model='nvdimm'><source><path>/var/lib/libvirt/nvdimm</path></source>
    <target><size unit='MiB'>128</size><node>0</node></target></memory>"
tied tied-shmem '' "<shmem name='s'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>"
tied tied-vhost '' "<interface type='vhostuser'><source type='unix' path='/run/vhost.sock' mode='client'/>
    <model type='virtio'/></interface>"
tied tied-vhostblk '' "<disk type='vhostuser' device='disk'><driver name='qemu' type='raw'/>
    <source type='unix' path='/run/vhostblk.sock'/><target dev='vda' bus='virtio'/></disk>"
tied tied-nvme '' "<disk type='nvme' device='disk'><driver name='qemu' type='raw'/>
    <source type='pci' managed='yes' namespace='1'><address domain='0' bus='1' slot='0' function='0'/></source>
    <target dev='vda' bus='virtio'/></disk>"
tied tied-lun '' "<disk type='block' device='lun'><driver name='qemu' type='raw'/><source dev='/dev/sda'/>
    <target dev='sda' bus='scsi'/></disk>"
on node1 vol-create-as images tied.raw 1M --format raw
file="<disk type='file' device='disk'><driver name='qemu' type='raw'/><target dev='vda' bus='virtio'/>
    <source file='/var/lib/libvirt/images/tied.raw'>"
tied tied-slice '' "$file<slices><slice type='storage' offset='0' size='512'/></slices></source></disk>"
tied tied-luks '' "$file<encryption format='luks'><secret type='passphrase' usage='x'/></encryption></source></disk>"
tied tied-tpm '' "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
tied tied-device '' "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0x5678'/></source></hostdev>"
tied tied-vf '' "<interface type='hostdev'><mac address='52:54:00:00:00:01'/>
    <source><address type='pci' domain='0' bus='1' slot='0' function='1'/></source></interface>"
tied tied-fs '' "<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv'/><target dir='srv'/></filesystem>"
tied tied-file '' "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/srv/no-pool.raw'/>
    <target dev='vda' bus='virtio'/></disk>"
tied tied-block '' "<disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='/dev/loop7'/>
    <target dev='vda' bus='virtio'/></disk>"
tied tied-uefi "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>" ''

# A read-only medium is neither copied nor deleted: it must be there.
head -c 65536 /dev/zero >"$(images_of node1)/tied.iso"
on node1 pool-refresh images
tied tied-medium '' "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>
    <source file='/var/lib/libvirt/images/tied.iso'/><target dev='sda' bus='sata'/><readonly/></disk>"
place <<<"vms: {$(printf '%s: {host: node2}, ' "${vms[@]}")}"

apply 3

# expect_refused NAME REASON
tr -s ' \n' ' ' <"$out" >"$work/text"
expect_refused() {
    grep -qE " $1 \((preflight|storage)\) " "$work/text" || fail "$1 is not refused"
    expect_line "$2" "$work/text"
}
expect_refused tied-nvdimm 'it uses memory in a file or device of its host'
expect_refused tied-shmem 'it uses memory shared outside of it (shmem)'
expect_refused tied-vhost 'it uses a vhost-user interface'
expect_refused tied-vhostblk "disk vda is of libvirt's type vhostuser"
expect_refused tied-nvme "disk vda is of libvirt's type nvme"
expect_refused tied-lun 'disk sda is a LUN of its host, passed through'
expect_refused tied-slice 'disk vda is a slice of /var/lib/libvirt/images/tied.raw'
expect_refused tied-luks 'disk vda is encrypted'
expect_refused tied-tpm 'libvirt would not carry its TPM state over'
expect_refused tied-uefi 'libvirt would not carry its UEFI variables over'
expect_refused tied-device 'it uses a device of its host'
expect_refused tied-vf 'it uses a device of its host'
expect_refused tied-fs 'it uses a file system of its host'
expect_refused tied-file 'disk vda: /srv/no-pool.raw lies in no active pool and is not declared as shared'
expect_refused tied-block 'disk vda: /dev/loop7 lies in no active pool and is not declared as shared'
expect_refused tied-medium 'its medium /var/lib/libvirt/images/tied.iso is in no pool of node2'

run_berth 0 inventory
expect_line 'live_only: TPM state' "$out"
expect_line 'live_only: UEFI variables' "$out"

cp "$(images_of node1)/tied.iso" "$(images_of node2)"
on node2 pool-refresh images
before=$(stat -c '%s %y %i' "$(images_of node2)/tied.iso")
apply 3
expect_on node2 'shut off' tied-medium
expect_files node1 tied.iso tied.raw
expect_equal "$before" "$(stat -c '%s %y %i' "$(images_of node2)/tied.iso")" 'the medium'
