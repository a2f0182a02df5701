# shellcheck shell=bash disable=SC2034,SC2154 # the variables of examples/sandbox
# Part of examples/sandbox: one node's namespaces, processes and configuration.

netns() {
    printf 'berth.%s.%s' "$name" "$1"
}

netnses() {
    ip netns list 2>/dev/null | awk -v prefix="berth.$name." 'index($1, prefix) == 1 { print $1 }'
}

# When a process was started, so that it is not taken for a later one of the same number.
start_time() {
    local fields
    read -r -a fields < <(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 1
    [[ ${fields[0]} != [ZX] ]] && printf '%s' "${fields[19]}"
}

# Prints the process that holds the node's namespaces, if it is still that one.
holder() {
    local pid start
    read -r pid start 2>/dev/null <"$dir/$1/holder" || return 1
    [[ $(start_time "$pid") == "${start:?}" ]] || return 1
    printf '%s' "$pid"
}

# Runs a command inside a node.
run_in() {
    local pid node=$1
    shift
    pid=$(holder "$node") || return 1
    nsenter --target "$pid" --mount --uts --net --pid="/proc/$pid/ns/pid_for_children" -- "$@" 9>&-
}

# Starts the process that holds a node's namespaces. The lock (descriptor 9)
# stays open until it is inside the network namespace, where `down` finds it.
start_holder() {
    local node=$1 pid
    rm -f "$dir/$node/holds"
    setsid nsenter --net="/run/netns/$(netns "$node")" -- sh -c 'exec 9>&-; exec "$@"' sh \
        unshare --mount --propagation private --uts --pid --fork --kill-child --mount-proc \
        sh "$here/sandbox.d/node-init.sh" "$dir/$node" "$node" >"$dir/$node/init.log" 2>&1 </dev/null &
    pid=$!
    disown
    printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$dir/$node/holder"
}

wait_for_holder() {
    local tries
    for ((tries = 0; tries < 200; tries++)); do
        [[ ! -e $dir/$1/holds ]] || return 0
        holder "$1" >/dev/null || break
        sleep 0.05
    done
    die "$1 did not start: $(<"$dir/$1/init.log")"
}

# A network namespace with a link to the switch.
add_netns() {
    local node=$1 ns switch
    ns=$(netns "$node")
    switch=$(netns switch)
    ip netns add "$ns"
    ip -n "$switch" link add "$node" type veth peer name eth0 netns "$ns"
    ip -n "$switch" link set "$node" master lan up
    ip -n "$ns" link set lo up
    ip -n "$ns" address add "$(address "$node")/24" dev eth0
    ip -n "$ns" link set eth0 up
}

# A number from the sandbox's name and the words given, as a UUID.
stable_uuid() {
    printf '%s ' "berth sandbox" "$name" "$@" | sha256sum |
        sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-4\3-8\4-\5/'
}

write_node() {
    local node=$1 at=$dir/$1
    mkdir -p "$at"/{etc/storage/autostart,lib/images,lib/boot,log/console,cache}
    cat >"$at/etc/libvirtd.conf" <<END
listen_tls = 0
listen_tcp = 1
listen_addr = "$(address "$node")"
auth_tcp = "none"
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_group = "root"
host_uuid = "$(stable_uuid "$node")"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
END
    cat >"$at/etc/qemu.conf" <<END
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
remember_owner = 0
stdio_handler = "file"
migration_host = "$(address "$node")"
END
    cat >"$at/etc/storage/images.xml" <<END
<pool type='dir'>
  <name>images</name>
  <uuid>$(stable_uuid "$node" images)</uuid>
  <target><path>/var/lib/libvirt/images</path></target>
</pool>
END
    ln -s ../images.xml "$at/etc/storage/autostart/images.xml"
}

start_libvirtd() {
    run_in "$1" rm -f /run/libvirtd.pid
    run_in "$1" libvirtd --daemon --listen --pid-file /run/libvirtd.pid >>"$dir/$1/init.log" 2>&1 ||
        die "libvirtd on $1 does not start: $(tail -n 3 "$dir/$1/init.log" "$dir/$1/log/libvirtd.log" 2>/dev/null)"
}

wait_for_libvirtd() {
    local tries
    for ((tries = 0; tries < 60; tries++)); do
        tcp_virsh "$1" pool-info images >/dev/null 2>&1 && return
        signal_in "$1" 0 /run/libvirtd.pid libvirtd || break
        sleep 0.2
    done
    die "libvirtd on $1 does not answer: $(tail -n 3 "$dir/$1/log/libvirtd.log" 2>/dev/null)"
}

# Sends a signal to a node's process, whose number there is in a file there.
signal_in() {
    local node=$1 signal=$2 file=$3 what=$4
    # shellcheck disable=SC2016
    run_in "$node" sh -c 'pid=$(cat "$2" 2>/dev/null) && grep -q "^$3" "/proc/$pid/comm" 2>/dev/null &&
        kill -s "$1" "$pid"' sh "$signal" "$file" "$what"
}

# Kills all that runs in a network namespace, so all of a node.
kill_netns() {
    local tries pids
    for ((tries = 0; tries < 200; tries++)); do
        pids=$(ip netns pids "$1" 2>/dev/null) || return 0
        [[ -n $pids ]] || return 0
        # shellcheck disable=SC2086 # one word a process
        kill -KILL $pids 2>/dev/null || :
        sleep 0.05
    done
    die "some processes in $1 cannot be killed: $pids"
}
