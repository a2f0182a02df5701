# shellcheck shell=bash disable=SC2034,SC2154 # the variables of examples/sandbox
# Part of examples/sandbox: what can go wrong with a node, and its repair.

# Shapes a node's link in both directions.
slow_link() {
    local shape=(root tbf rate "$2" burst 256kb latency 400ms)
    tc -n "$(netns "$1")" qdisc replace dev eth0 "${shape[@]}"
    tc -n "$(netns switch)" qdisc replace dev "$1" "${shape[@]}"
}

restore_link() {
    tc -n "$(netns "$1")" qdisc delete dev eth0 root 2>/dev/null || :
    tc -n "$(netns switch)" qdisc delete dev "$1" root 2>/dev/null || :
    ip -n "$(netns switch)" link set "$1" up
}

heal() {
    local node=$1 port image
    restore_link "$node"
    if ! holder "$node" >/dev/null; then
        start_holder "$node"
        wait_for_holder "$node"
    fi
    if [[ $node == storage ]]; then
        while read -r port image; do
            [[ -e $dir/storage/$image.raw ]] || continue
            signal_in storage 0 "/run/$image.pid" qemu-nbd || start_nbd "$image" "$port"
        done < <(cat "$dir/storage/ports" 2>/dev/null)
        return
    fi
    if ! signal_in "$node" CONT /run/libvirtd.pid libvirtd; then
        start_libvirtd "$node"
    fi
    wait_for_libvirtd "$node"
}

sandbox_fault() {
    local fault=${1:-} node=${2:-} argument=${3:-}
    [[ -n $fault ]] || usage_error "which fault?"
    need_node "$node" storage
    [[ $node != storage || $fault =~ ^(slow|cut|power-off|heal)$ ]] || usage_error "storage knows no fault '$fault'"
    [[ $fault == slow || $fault == kill-vm || -z $argument ]] || usage_error "fault $fault takes no '$argument'"
    case $fault in
    slow)
        [[ -n $argument ]] || usage_error "which rate? (as tc has it: 30mbit)"
        slow_link "$node" "$argument"
        ;;
    cut) ip -n "$(netns switch)" link set "$node" down ;;
    freeze) signal_in "$node" STOP /run/libvirtd.pid libvirtd || die "no libvirtd on $node" ;;
    kill) signal_in "$node" KILL /run/libvirtd.pid libvirtd || die "no libvirtd on $node" ;;
    kill-vm)
        need_vm_name "$argument"
        signal_in "$node" KILL "/run/libvirt/qemu/$argument.pid" qemu || die "no QEMU of $argument on $node"
        ;;
    power-off) kill_netns "$(netns "$node")" ;;
    heal) heal "$node" ;;
    *) usage_error "no fault '$fault'" ;;
    esac
}
