# shellcheck shell=bash disable=SC2154 # berth, sandbox, sandbox_dir come from tests/cluster/run
# What the cluster tests share. A test is a file test_*.sh that sources this; tests/cluster/run starts it.
#
#     . "$(dirname "$0")/lib.sh"
#     vm web-1 --host node1
#     place <<<'vms: {web-1: {host: node2}}'
#     apply
#     expect_on node2 running web-1
#
# The first expectation that does not hold ends the test. Whatever way it ends, the hosts are healed and its VMs are
# removed. No test waits for a time to pass: it waits for something to become true, for a while at most.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C.UTF-8

work=$(mktemp -d "${TMPDIR:-/tmp}/berth-test.XXXXXX")
repo=$work/repo
state=$work/state
config=$work/berth.yaml
out=$work/out
err=$work/err
vms=()
booting=()
children=()
undoings=()

finish() {
    local status=$? child undo node
    trap - EXIT
    for child in "${children[@]}"; do
        kill -KILL "$child" 2>/dev/null || :
    done
    if ((status != 0)); then
        printf -- '--- what berth printed last\n'
        cat "$out" "$err" 2>/dev/null || :
    fi
    for undo in "${undoings[@]}"; do
        "$undo" || status=1
    done
    sandbox up >/dev/null || status=1
    ((${#vms[@]} == 0)) || sandbox rm "${vms[@]}" || status=1
    rm -f "$sandbox_dir"/node*/lib/images/*
    # What libvirt still takes for there would be in the way of the next test.
    for node in "$sandbox_dir"/node*; do
        on "${node##*/}" pool-refresh images >/dev/null || status=1
    done
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# at_end FUNCTION: called whatever way the test ends, when berth has ended and its guests are still there.
at_end() {
    undoings+=("$1")
}

# Says what is wrong, and where in the test.
fail() {
    local frame=0
    while [[ ${BASH_SOURCE[frame]} == *lib.sh && $frame -lt $((${#BASH_SOURCE[@]} - 1)) ]]; do
        frame=$((frame + 1))
    done
    printf '%s:%s: %s\n' "$(basename "${BASH_SOURCE[frame]}")" "${BASH_LINENO[frame - 1]}" "$*"
    exit 1
}

sandbox() {
    "$root/examples/sandbox" --name "$sandbox_name" "$@"
}

# virsh on a node, quiet and with a bound.
on() {
    timeout 20 virsh -q -c "$(uri_of "$1")" "${@:2}"
}

# info NODE VM FIELD: what `virsh dominfo` has there.
info() {
    on "$1" dominfo "$2" | sed -n "s/^$3: *//p"
}

uri_of() {
    local key=${1^^}_URI
    printf '%s' "${!key}"
}

images_of() {
    printf '%s' "$sandbox_dir/$1/lib/images"
}

# vm NAME OPTION...: a witness; by the time of the first placement it counts, if it runs.
vm() {
    vms+=("$1")
    sandbox vm "$@"
    [[ " $* " =~ \ --state\ (stopped|paused)\  ]] || booting+=("$1")
}

# Waits until a command succeeds, for at most SECONDS.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || fail "this did not come true: $*"
        sleep 0.1
    done
}

# Is a migration of the VM under way on its source, with data already on its way?
is_migrating() {
    [[ $(on "$1" domjobinfo "$2") =~ (Data|File)\ processed:\ +[1-9] ]]
}

# --- the placement repository ---------------------------------------------------------------------------------------

# A repository with the sandbox's hosts; a limit of their memory can be given.
# shellcheck disable=SC2120 # the limit is optional
new_repo() {
    git init -q -b main "$repo"
    git -C "$repo" config user.name Operator
    git -C "$repo" config user.email operator@example.net
    sandbox hosts-yaml --limit "${1:-4GiB}" >"$repo/hosts.yaml"
    git -C "$repo" add hosts.yaml
    git -C "$repo" commit -qm 'The hosts'
}

# Commits standard input as the placement.
place() {
    [[ -d $repo ]] || new_repo
    ((${#booting[@]} == 0)) || sandbox wait "${booting[@]}"
    booting=()
    cat >"$repo/placement.yaml"
    git -C "$repo" add placement.yaml
    git -C "$repo" commit -qm "${1:-A placement}"
}

# How often berth has written to the status branch; none yet is 0.
status_commits() {
    git -C "$repo" rev-list --count berth/status 2>/dev/null || printf '0\n'
}

# A file of the status branch; status.yaml unless another is named.
status() {
    git -C "$repo" show "berth/status:${1:-status.yaml}"
}

# phase_is PHASE: does the status say so of the newest commit?
phase_is() {
    status >"$work/status" && grep -q "^phase: $1" "$work/status" &&
        grep -q "^desired: $(git -C "$repo" rev-parse main)" "$work/status"
}

# --- berth ----------------------------------------------------------------------------------------------------------

# The deadline for an answer is short: what does not answer here, never will. A test tries as often as it likes.
default_config() {
    printf 'deadline: 4s\ncontroller: test\nlimits: {failures: none}\n' >"$config"
}

berth() {
    [[ -e $config ]] || default_config
    "$berth_binary" "$@" --config "$config" --repo "$repo" --state "$state"
}

# run_berth CODE VERB ARGUMENT...: it must end with that exit code; $out and $err have what it printed.
run_berth() {
    local code=0 wanted=$1
    shift
    berth "$@" >"$out" 2>"$err" </dev/null || code=$?
    ((code == wanted)) || fail "berth $1 ended with $code, not $wanted"
}

# apply [CODE]: one pass.
apply() {
    run_berth "${1:-0}" apply --yes
}

# Starts berth in the background; its number is in $berth_pid, what it prints in $out and $err.
start_berth() {
    [[ -e $config ]] || default_config
    "$berth_binary" "$@" --config "$config" --repo "$repo" --state "$state" >"$out" 2>"$err" </dev/null &
    berth_pid=$!
    children+=("$berth_pid")
}

# end_berth CODE: waits for its end.
end_berth() {
    local code=0
    wait_until 120 is_over "$berth_pid"
    wait "$berth_pid" || code=$?
    ((code == $1)) || fail "berth ended with $code, not $1"
}

# Waits until a text is in what berth prints.
wait_for_output() {
    wait_until 60 grep -qF -- "$1" "$out"
}

is_over() {
    [[ ! -e /proc/$1 || $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) == Z ]]
}

# --- expectations ---------------------------------------------------------------------------------------------------

# expect_on NODE STATE VM...: there, in that state, persistent, and nowhere else.
expect_on() {
    local node=$1 wanted=$2 name seen
    shift 2
    for name in "$@"; do
        seen=$(sandbox where "$name" | sed 's/ (.*//')
        [[ $seen == "$node $wanted" ]] || fail "$name: wanted on $node $wanted, is on ${seen:-no host}"
        expect_equal yes "$(info "$node" "$name" Persistent)" "$name is persistent on $node"
    done
}

# expect_witness VM...: those that run count on, and none has lost anything.
expect_witness() {
    local name
    for name in "$@"; do
        if [[ $(sandbox where "$name") == *' running '* ]]; then
            sandbox wait "$name" --ticks 2
        fi
    done
    sandbox witness "$@" >"$work/witness" || fail "$(grep WRONG "$work/witness")"
}

# expect_line TEXT FILE: one of its lines has the text.
expect_line() {
    grep -qF -- "$1" "$2" || fail "'$1' is not in $(basename "$2"):
$(cat "$2")"
}

expect_equal() {
    [[ $1 == "$2" ]] || fail "${3:-}
wanted: $1
got:    $2"
}

# expect_status TEXT [FILE]: the status branch says so.
expect_status() {
    status "${2:-status.yaml}" >"$work/status"
    expect_line "$1" "$work/status"
}

# expect_files NODE NAME...: exactly these disk files are there, as the folder and as libvirt's pool has it.
expect_files() {
    local node=$1 wanted
    shift
    wanted=$(printf '%s\n' "$@" | sed '/^$/d' | sort)
    expect_equal "$wanted" "$(ls "$(images_of "$node")")" "the images of $node"
    expect_equal "$wanted" "$(on "$node" vol-list images | awk 'NF { print $1 }' | sort)" "the pool of $node"
}

# Nothing of a move is open in berth's record.
expect_record_clean() {
    local left
    left=$(find "$state" -path '*/moves/*' -type f)
    [[ -z $left ]] || fail "the record has open moves: $(cat $left)"
}
