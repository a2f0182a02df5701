# shellcheck shell=bash disable=SC2034,SC2154 # the variables of examples/sandbox
# Part of examples/sandbox: the proof that a guest lost nothing.

# Reads the consoles of a VM: "LAST HOST BOOTS RETRIES", then a line for what is wrong.
read_consoles() {
    local files=("$dir"/node*/log/console/"$1.log")
    [[ -e ${files[0]} ]] || files=(/dev/null)
    awk -v list="${2:-0}" -f "$here/sandbox.d/console.awk" "${files[@]}"
}

# Prints a VM's definition on a node, as its libvirt keeps it: that answers always.
definition() {
    local node=$1 vm=$2
    if signal_in "$node" 0 "/run/libvirt/qemu/$vm.pid" qemu; then
        run_in "$node" cat "/run/libvirt/qemu/$vm.xml"
    else
        cat "$dir/$node/etc/qemu/$vm.xml"
    fi
}

# "DEV FORMAT FILE" for each disk of a definition; files as they are seen from outside.
disk_files() {
    awk -v RS='<' -v quote="'" -v images="$dir/$1/lib" -v storage="$dir/storage" '
        function value(key) {
            if (!match($0, " " key "=" quote "[^" quote "]*")) { return "" }
            return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
        }
        /^devices>/ { devices = 1 }
        /^\/devices>/ { devices = 0 }
        !devices { next }
        /^disk / && value("device") == "disk" { disk = 1; dev = format = file = "" }
        # The disk under or beside this one is not what the guest sees.
        disk && /^(mirror|backingStore)[ >]/ && !/\/>/ { inner++ }
        disk && /^\/(mirror|backingStore)>/ { inner-- }
        disk && !inner && /^driver / { format = value("type") }
        disk && !inner && /^target / { dev = value("dev") }
        disk && !inner && /^source / && file == "" {
            file = value("file")
            if (file == "") { file = storage "/" value("name") ".raw" }
            sub(/^\/var\/lib\/libvirt/, images, file)
        }
        /^\/disk>/ && disk { print dev, format, file; disk = 0 }
    '
}

# Checks a raw copy of a disk and prints its counter, then what is wrong.
check_image() {
    local raw=$1 vm=$2 dev=$3 header payload sum
    header=$(head -c 4096 "$raw" | tr -d '\0')
    if [[ $header != "berth-witness 1"$'\n'"vm $vm"$'\n'"disk $dev"$'\n'* ]]; then
        printf '0\nthis is not the disk %s of %s\n' "$dev" "$vm"
        return
    fi
    # The counter, then the slots of the ring, each a line.
    { dd if="$raw" bs=4096 skip=1 count=1 status=none && dd if="$raw" bs=1M skip=1 count=2 status=none; } |
        tr -s '\0' '\n' | awk '
            $1 + $2 != 99999999 { next }
            !counters++ { counter = $1 + 0; next }
            { slots[$1 + 0] }
            END {
                print counter + 0
                for (number = counter > 4000 ? counter - 4000 : 1; number <= counter; number++) {
                    if (!(number in slots)) { print "what was written at tick " number " is gone"; exit }
                }
            }'
    read -r _ payload sum < <(grep '^payload ' <<<"$header")
    [[ $(tail -c +$((4 * 1048576 + 1)) "$raw" | head -c $((payload * 1048576)) | sha256sum) == "$sum "* ]] ||
        printf 'its payload is damaged\n'
}

# Checks the disks of a VM on a node; prints what is wrong. $3: the last tick on the consoles.
check_disks() {
    local node=$1 vm=$2 last=$3 dev format file copy counter problems
    copy=$(mktemp "$dir/copy.XXXXXX")
    while read -r dev format file; do
        # -U: the guest has it open. Nothing is written, and nothing is held up.
        if ! problems=$(qemu-img convert -U -f "$format" -O raw "$file" "$copy" 2>&1 9>&-); then
            printf '%s: cannot be read: %s\n' "$dev" "${problems%%$'\n'*}"
            continue
        fi
        {
            read -r counter
            sed "s/^/$dev: /"
        } < <(check_image "$copy" "$vm" "$dev")
        if ((counter < last)); then
            printf '%s: has tick %d, but %d was printed\n' "$dev" "$counter" "$last"
        fi
        # What the disk has must have been printed by now, but for the one under way.
        read -r last < <(read_consoles "$vm")
        last=${last%% *}
        if ((counter > last + 1)); then
            printf '%s: has tick %d, but only %d was printed\n' "$dev" "$counter" "$last"
        fi
    done < <(definition "$node" "$vm" | disk_files "$node")
    rm -f "$copy"
}

# Prints one line about a VM, and fails if anything is wrong with it.
witness() {
    local vm=$1 places place others host state problems disks last boots retries tries
    # While it is being moved, the host that it goes to has it too, waiting.
    local waiting=' paused \((migrati(ng|on)|starting up|post-?copy)[);]'
    places=$(where_lines "$vm")
    read -r last host _ < <(read_consoles "$vm")
    place=$(grep -Ev "$waiting" <<<"$places" | head -n 1)
    place=${place:-$(grep "^$host " <<<"$places" || head -n 1 <<<"$places")}
    if [[ -z $place ]]; then
        printf '%s: WRONG: no host has it\n' "$vm"
        return 1
    fi
    others=$(grep -Fxv "$place" <<<"$places" | grep -Ev "$waiting" || :)
    for ((tries = 0; tries < 3; tries++)); do
        problems=$(read_consoles "$vm")
        read -r last host boots retries <<<"${problems%%$'\n'*}"
        problems=$(tail -n +2 <<<"$problems")
        problems+=$'\n'$(check_disks "${place%% *}" "$vm" "$last")
        problems=$(sed '/^$/d' <<<"$problems")
        [[ -n $problems && $place == *" running "* ]] || break
        sleep 0.5
    done
    state=${place#* }
    state=${state% (*}
    [[ -z $others ]] || problems+=$'\n'"it is also on ${others//$'\n'/, }"
    [[ $last != 0 || $state != running ]] || problems+=$'\n'"it runs, but has not counted"
    problems=$(sed '/^$/d' <<<"$problems")
    if [[ -n $problems ]]; then
        printf '%s: WRONG: on %s, %s; %s\n' "$vm" "${place%% *}" "$state" "$(paste -sd ';' <<<"$problems" | sed 's/;/; /g')"
        return 1
    fi
    disks=$(definition "${place%% *}" "$vm" | disk_files "${place%% *}" | wc -l)
    ((last > 0)) && state+=", ticks 1..$last complete" || state+=", no ticks yet"
    printf '%s: on %s, %s, %s verified, %s%s\n' "$vm" "${place%% *}" "$state" "$(plural "$disks" disk)" \
        "$(plural "$boots" boot)" "$( ((retries == 0)) || printf ', %s repeated' "$(plural "$retries" write)")"
}

plural() {
    printf '%d %s%s' "$1" "$2" "$( (($1 == 1)) || printf s)"
}

sandbox_witness() {
    local vm status=0
    need_up
    (($# > 0)) || usage_error "which VM?"
    for vm in "$@"; do
        need_vm_name "$vm"
        witness "$vm" || status=1
    done
    return "$status"
}

sandbox_log() {
    need_up
    need_vm_name "${1:-}"
    read_consoles "$1" 1
}
