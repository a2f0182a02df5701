# shellcheck shell=bash disable=SC2034,SC2154 # the variables of examples/sandbox
# Part of examples/sandbox: the commands for the sandbox as a whole.

# Removes whatever there is of the sandbox; finds it by name, needs no record.
clean() {
    local ns tries
    for ns in $(netnses); do
        kill_netns "$ns"
        ip netns delete "$ns"
    done
    # The link goes with the switch's namespace, a moment later.
    for ((tries = 0; tries < 100; tries++)); do
        [[ -e /sys/class/net/$link ]] || break
        ip link delete "$link" 2>/dev/null || :
        sleep 0.05
    done
    if [[ -f $dir/sandbox ]]; then
        rm -rf "$dir"
    elif [[ -d $dir ]]; then
        rmdir "$dir" || die "$dir is not a sandbox's folder"
    fi
    # The folder that `ip netns` mounts on itself; busy if anybody uses it.
    if [[ -d /run/netns && -z $(ls /run/netns) ]]; then
        umount /run/netns 2>/dev/null || :
        rmdir /run/netns 2>/dev/null || :
    fi
}

# Puts the root end of the switch's link on a subnet that nothing here uses.
choose_subnet() {
    local first i subnet
    first=$((16#${link#bs-} % 512))
    exec 7<"$cache"
    flock 7
    for ((i = 0; i < 512; i++)); do
        subnet=198.$((18 + (first + i) % 512 / 256)).$(((first + i) % 256))
        if [[ -z $(ip -4 route show table all root "$subnet.0/24") &&
            -z $(ip -4 route show table all match "$subnet.0/24" | sed '/^default/d') ]]; then
            printf '%s\n' "$subnet" >"$dir/subnet"
            ip address add "$subnet.254/24" dev "$link"
            ip link set "$link" up
            exec 7>&-
            return
        fi
    done
    die "all of 198.18.0.0/15 is in use"
}

start_network() {
    local switch node
    switch=$(netns switch)
    ip netns add "$switch"
    ip -n "$switch" link set lo up
    ip -n "$switch" link add lan type bridge
    ip -n "$switch" link set lan up
    ip link add "$link" type veth peer name root netns "$switch"
    ip -n "$switch" link set root master lan up
    choose_subnet
    printf '127.0.0.1 localhost\n' >"$dir/etc-hosts"
    for node in storage $(nodes); do
        mkdir -p "$dir/$node"
        printf '%s %s\n' "$(address "$node")" "$node" >>"$dir/etc-hosts"
        add_netns "$node"
    done
}

# libvirtd wants the user that libvirt-daemon-system makes, and uses root.
write_users() {
    cat /etc/passwd >"$dir/etc-passwd"
    cat /etc/group >"$dir/etc-group"
    grep -q '^libvirt-qemu:' /etc/passwd ||
        printf 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin\n' >>"$dir/etc-passwd"
    grep -q '^libvirt-qemu:' /etc/group || printf 'libvirt-qemu:x:64055:\n' >>"$dir/etc-group"
}

sandbox_up() {
    local hosts='' node pids=() pid
    while (($# > 0)); do
        case $1 in
        --hosts) hosts=${2:-} && shift 2 ;;
        *) usage_error "up: unknown option '$1'" ;;
        esac
    done
    [[ ${hosts:-3} =~ ^[1-9][0-9]?$ ]] || usage_error "--hosts takes a number from 1 to 99"
    build_guest
    take_lock
    if [[ -f $dir/ready && -n $hosts && $(<"$dir/hosts") != "$hosts" ]]; then
        die "sandbox '$name' is up with $(<"$dir/hosts") hosts; take it down first"
    elif [[ -f $dir/ready && -e /run/netns/$(netns switch) ]]; then
        # It is up: its guests are kept, what is broken is repaired.
        for node in storage $(nodes); do
            heal "$node"
        done
        sandbox_status
        return
    fi
    clean
    trap 'status=$?; [[ -f $dir/ready ]] || { clean; rm -f "$lock_file"; }; exit $status' EXIT
    trap 'exit 130' INT TERM HUP
    mkdir -p "${dir%/*}"
    mkdir -m 700 "$dir"
    printf '%s\n' "$name" >"$dir/sandbox"
    printf '%s\n' "${hosts:-3}" >"$dir/hosts"
    # Where a libvirt was never set up, the folders to mount on are missing.
    mkdir -p /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt "$dir/boot"
    cp "$guest_kernel" "$dir/boot/vmlinuz"
    cp "$guest_initrd" "$dir/boot/witness.img"
    start_network
    write_users
    for node in $(nodes); do
        write_node "$node"
    done
    for node in storage $(nodes); do
        start_holder "$node"
    done
    for node in storage $(nodes); do
        wait_for_holder "$node"
    done
    for node in $(nodes); do
        { start_libvirtd "$node" && wait_for_libvirtd "$node"; } &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid"
    done
    : >"$dir/ready"
    sandbox_status
}

sandbox_down() {
    (($# == 0)) || usage_error "down takes no '$1'"
    take_lock
    clean
    rm -f "$lock_file"
    printf "sandbox '%s' is down\n" "$name"
}

sandbox_status() {
    local node guests
    need_up
    printf "sandbox '%s' in %s\n" "$name" "$dir"
    for node in $(nodes); do
        if guests=$(tcp_virsh "$node" list --all 2>/dev/null); then
            guests=$(awk 'NF { sub(/^ *[^ ]+ +/, ""); n = $1; $1 = ""; sub(/^ /, ""); printf "%s%s (%s)", s, n, $0; s = ", " }' <<<"$guests")
            printf '%-8s %s  %s\n' "$node" "$(uri "$node")" "${guests:-no guests}"
        else
            printf '%-8s %s  does not answer\n' "$node" "$(uri "$node")"
        fi
    done
}

sandbox_env() {
    local node key
    need_up
    printf 'SANDBOX_NAME=%q\nSANDBOX_DIR=%q\n' "$name" "$dir"
    printf 'SANDBOX_NODES="%s"\n' "$(nodes | paste -sd ' ')"
    printf 'SANDBOX_ADDRESS=%s\nSTORAGE_ADDRESS=%s\n' "$(address root)" "$(address storage)"
    for node in $(nodes); do
        key=${node^^}
        printf '%s_URI=%s\n%s_ADDRESS=%s\n' "$key" "$(uri "$node")" "$key" "$(address "$node")"
        printf '%s_IMAGES=%q\n' "$key" "$dir/$node/lib/images"
    done
}

sandbox_hosts_yaml() {
    local node limit=4GiB
    [[ ${1:-} != --limit ]] || { limit=${2:?size is missing} && shift 2; }
    (($# == 0)) || usage_error "hosts-yaml: unknown option '$1'"
    need_up
    printf 'hosts:\n'
    for node in $(nodes); do
        printf '  %s:\n    uri: %s\n' "$node" "$(uri "$node")"
        printf '    migration_address: %s\n    memory: {reserve: 0B, limit: %s}\n' "$(address "$node")" "$limit"
    done
}

sandbox_virsh() {
    need_node "${1:-}"
    exec virsh -c "$(uri "$1")" "${@:2}"
}

sandbox_exec() {
    need_node "${1:-}" storage
    holder "$1" >/dev/null || die "$1 is powered off"
    (($# > 1)) || usage_error "exec $1: what?"
    run_in "$@"
}
