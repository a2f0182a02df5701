# shellcheck shell=bash disable=SC2034,SC2154 # the variables of examples/sandbox
# Part of examples/sandbox: the guests and their disks.

console=/var/log/libvirt/console

need_vm_name() {
    [[ ${1:-} =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || usage_error "which VM? (letters, digits, '.', '_', '-')"
}

# Writes a disk's image: FILE FORMAT VM DEV SIZE PAYLOAD (MiB).
# The layout is explained in guest.c.
make_image() {
    local file=$1 format=$2 vm=$3 dev=$4 size=$5 payload=$6 raw=$1.new
    truncate -s "${size}M" "$raw"
    dd if=/dev/urandom of="$raw" bs=1M seek=4 count="$payload" conv=notrunc status=none
    {
        printf 'berth-witness 1\nvm %s\ndisk %s\n' "$vm" "$dev"
        printf 'payload %d %s\n' "$payload" "$(tail -c +$((4 * 1048576 + 1)) "$raw" | head -c $((payload * 1048576)) | sha256sum | cut -d' ' -f1)"
    } | dd of="$raw" conv=notrunc status=none
    printf '%08d %08d\n' 0 99999999 | dd of="$raw" bs=4096 seek=1 conv=notrunc status=none
    if [[ $format == raw ]]; then
        mv "$raw" "$file"
    else
        qemu-img convert -f raw -O "$format" "$raw" "$file"
        rm -f "$raw"
    fi
}

# Makes a network disk and its server; prints the server's port.
serve_image() {
    local image=$1 port
    exec 6>>"$dir/storage/ports"
    flock 6
    port=$(awk '$1 > max { max = $1 } END { print (max ? max : 10808) + 1 }' "$dir/storage/ports")
    printf '%s %s\n' "$port" "$image" >>"$dir/storage/ports"
    exec 6>&-
    start_nbd "$image" "$port" >&2
    printf '%s' "$port"
}

# The server is the only one that opens the file: all clients see the same data.
start_nbd() {
    run_in storage qemu-nbd --fork --persistent --shared=0 --pid-file="/run/$1.pid" --export-name="$1" \
        --bind="$(address storage)" --port="$2" --format=raw "$dir/storage/$1.raw"
}

disk_xml() {
    local vm=$1 node=$2 kind=$3 dev=$4 size=$5 payload=$6 file port format
    case $kind in
    local-*)
        file=$vm.${kind#local-}
        [[ $dev == vda ]] || file=$vm-$dev.${kind#local-}
        make_image "$dir/$node/lib/images/$file" "${kind#local-}" "$vm" "$dev" "$size" "$payload"
        printf "<disk type='file' device='disk'><driver name='qemu' type='%s' cache='none'/>" "${kind#local-}"
        printf "<source file='/var/lib/libvirt/images/%s'/>" "$file"
        ;;
    network | network-qcow2)
        format=${kind#network}
        format=${format#-}
        make_image "$dir/storage/$vm-$dev.raw" "${format:-raw}" "$vm" "$dev" "$size" "$payload"
        # What is served has one length, so there is room for snapshots from the start.
        [[ -z $format ]] || truncate -s $((size * 4 + 512))M "$dir/storage/$vm-$dev.raw"
        port=$(serve_image "$vm-$dev")
        printf "<disk type='network' device='disk'><driver name='qemu' type='%s' cache='none'/>" "${format:-raw}"
        printf "<source protocol='nbd' name='%s-%s'><host name='%s' port='%d'/><reconnect delay='60'/></source>" "$vm" "$dev" "$(address storage)" "$port"
        ;;
    esac
    printf "<target dev='%s' bus='virtio'/></disk>\n" "$dev"
}

# Its RAM is 8 KiB larger than libvirt thinks. QEMU before 9.0 loses writes of an emulated guest to RAM whose length is a
# multiple of 256 KiB, when it migrates in more than two rounds: as it collects the dirty pages 64 at a time, it forgets to
# have the next writes to them reported (its commit 03bfc2188f, "physmem: Fix migration dirty bitmap coherency with TCG
# memory access"). The guest then finds some of its memory as it was a while ago, and mostly stands still for ever. For
# any other length the pages are looked at one by one, and that is done right.
domain_xml() {
    local vm=$1 memory=$2 disks=$3 count=$4 rewrite=$5 dirty=$6 ram=$(($2 * 1024 + 8))K
    cat <<END
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>$vm</name>
  <memory unit='MiB'>$memory</memory>
  <vcpu>1</vcpu>
  <cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model></cpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>/var/lib/libvirt/boot/vmlinuz</kernel>
    <initrd>/var/lib/libvirt/boot/witness.img</initrd>
    <cmdline>console=ttyS0 quiet loglevel=1 nowatchdog no_timer_check panic=-1 witness_disks=$count${rewrite:+ witness_rewrite=$rewrite}${dirty:+ witness_dirty=$dirty}</cmdline>
  </os>
  <features><acpi/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
  <devices>
    <emulator>$(command -v qemu-system-x86_64)</emulator>
$disks
    <serial type='file'><source path='$console/$vm.log' append='on'/></serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-object'/>
    <qemu:arg value='memory-backend-ram,id=ram,size=$ram'/>
    <qemu:arg value='-machine'/>
    <qemu:arg value='memory-backend=ram'/>
    <qemu:arg value='-m'/>
    <qemu:arg value='size=$ram'/>
  </qemu:commandline>
</domain>
END
}

# A whole number of MiB from an option.
need_mib() {
    [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] || usage_error "$1 takes a whole number of MiB"
}

sandbox_vm() {
    local vm=${1:-} node='' kinds=local-qcow2 memory='' state=running autostart='' size=64 payload=4 rewrite='' dirty=''
    local kind disks='' count=0 dev letters=abcdefgh
    need_vm_name "$vm"
    shift
    while (($# > 0)); do
        case $1 in
        --host) node=${2:-} ;;
        --disk) kinds=${2:-} ;;
        --state) state=${2:-} ;;
        --memory | --size | --payload | --rewrite | --dirty)
            need_mib "$1" "${2:-}"
            printf -v "${1#--}" '%s' "$2"
            ;;
        --autostart) autostart=1 && shift && continue ;;
        *) usage_error "vm: unknown option '$1'" ;;
        esac
        shift 2 || usage_error "vm: a value is missing"
    done
    need_node "$node"
    memory=${memory:-$((96 + ${rewrite:-${dirty:-0}}))}
    ((memory >= 80 + ${rewrite:-${dirty:-0}})) || usage_error "this guest does not boot with less than $((80 + ${rewrite:-${dirty:-0}})) MiB"
    kinds=${kinds//mixed/local-qcow2,network}
    [[ ,$kinds =~ ^(,(local-qcow2|local-raw|network|network-qcow2)){1,8}$ ]] || usage_error "no such disks: $kinds"
    [[ $state == running || $state == paused || $state == stopped ]] || usage_error "no state '$state'"
    ((size >= payload + 4)) || usage_error "the payload does not fit on the disk"
    [[ -z $(where_lines "$vm") ]] || die "there is a VM '$vm' already"
    remove_vm "$vm" # what may be left of one of that name
    for kind in ${kinds//,/ }; do
        dev=vd${letters:count++:1}
        disks+=$(disk_xml "$vm" "$node" "$kind" "$dev" "$size" "$payload")$'\n'
    done
    domain_xml "$vm" "$memory" "$disks" "$count" "$rewrite" "$dirty" >"$dir/$vm.xml"
    {
        node_virsh "$node" pool-refresh images
        node_virsh "$node" define "$dir/$vm.xml"
        [[ -z $autostart ]] || node_virsh "$node" autostart "$vm"
        [[ $state == stopped ]] || node_virsh "$node" start "$vm"
        if [[ $state == paused ]]; then
            wait_for_ticks "$vm" 1 60
            node_virsh "$node" suspend "$vm"
        fi
    } >/dev/null
    rm -f "$dir/$vm.xml"
}

# "NODE STATE (REASON)" for each node that has the VM.
where_lines() {
    local node answer
    for node in $(nodes); do
        if answer=$(virsh_timeout=3 node_virsh "$node" domstate "$1" --reason 2>&1); then
            printf '%s %s\n' "$node" "$answer"
        elif [[ $answer != *"failed to get domain"* ]]; then
            where_without_libvirt "$node" "$1"
        fi
    done
}

# The same, from what a libvirt that does not answer left in its files.
where_without_libvirt() {
    local node=$1 vm=$2 state
    if signal_in "$node" 0 "/run/libvirt/qemu/$vm.pid" qemu; then
        state=$(run_in "$node" sed -n "s/^<domstatus state='\([^']*\)' reason='\([^']*\)'.*/\1 (\2/p" "/run/libvirt/qemu/$vm.xml")
        printf '%s %s; its libvirt does not answer)\n' "$node" "${state:-unknown (unknown}"
    elif [[ -f $dir/$node/etc/qemu/$vm.xml ]]; then
        printf '%s shut off (its libvirt does not answer)\n' "$node"
    fi
}

sandbox_where() {
    need_up
    need_vm_name "${1:-}"
    where_lines "$1"
}

wait_for_ticks() {
    local vm=$1 last target deadline=$((SECONDS + $3))
    read -r last _ < <(read_consoles "$vm")
    target=$((last + $2))
    until read -r last _ < <(read_consoles "$vm") && ((last >= target)); do
        ((SECONDS < deadline)) || die "$vm has not counted on in $3 s"
        sleep 0.1
    done
}

sandbox_wait() {
    local vms=() ticks=1 timeout=60 vm
    need_up
    while (($# > 0)); do
        case $1 in
        --ticks) ticks=${2:?number is missing} && shift 2 ;;
        --timeout) timeout=${2:?seconds are missing} && shift 2 ;;
        *) need_vm_name "$1" && vms+=("$1") && shift ;;
        esac
    done
    for vm in "${vms[@]}"; do
        wait_for_ticks "$vm" "$ticks" "$timeout"
    done
}

# Removes a VM, its disks and what it printed.
remove_vm() {
    local vm=$1 node image
    for node in $(nodes); do
        if node_virsh "$node" dominfo "$vm" >/dev/null 2>&1; then
            node_virsh "$node" destroy "$vm" >/dev/null 2>&1 || :
            node_virsh "$node" undefine "$vm" --managed-save --snapshots-metadata --checkpoints-metadata \
                --nvram >/dev/null 2>&1 || :
        fi
        rm -f "$dir/$node/lib/images/$vm".{qcow2,raw} "$dir/$node/lib/images/$vm"-vd[b-h].{qcow2,raw} \
            "$dir/$node/log/console/$vm.log"
        node_virsh "$node" pool-refresh images >/dev/null 2>&1 || :
    done
    for image in "$dir/storage/$vm"-vd[a-h].raw; do
        [[ -e $image ]] || continue
        signal_in storage KILL "/run/$(basename "$image" .raw).pid" qemu-nbd || :
        rm -f "$image"
    done
    [[ -z $(where_lines "$vm") ]] || die "$vm cannot be removed from all hosts: $(where_lines "$vm")"
}

sandbox_rm() {
    local vm
    need_up
    (($# > 0)) || usage_error "which VM?"
    for vm in "$@"; do
        need_vm_name "$vm"
        remove_vm "$vm"
    done
}
