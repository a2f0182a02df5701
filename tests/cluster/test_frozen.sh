#!/bin/bash
# A host whose daemon takes connections and never answers costs no more threads and sockets the longer it lasts, and is
# known again once it answers.
. "$(dirname "$0")/lib.sh"

passes() {
    (($(grep -c event=pass "$out") >= $1))
}

# What berth holds; fewer threads than before is fine.
count() {
    find "/proc/$berth_pid/$1" -mindepth 1 -maxdepth 1 | wc -l
}

# known yes|no: does the status say that node3 is connected?
known() {
    local word=no
    status inventory/node3.yaml | grep -q 'connection: ok' && word=yes
    [[ $word == "$1" ]]
}

printf 'deadline: 1s\ncontroller: test\nresync: 1s\n' >"$config"
place <<<'vms: {}'
start_berth run
wait_until 20 known yes
sandbox fault freeze node3
wait_until 60 known no
before=$(grep -c event=pass "$out")
wait_until 60 passes $((before + 3))
threads=$(count task)
sockets=$(count fd)

wait_until 60 passes $((before + 10))

(($(count task) <= threads + 1)) || fail "$threads threads have become $(count task)"
(($(count fd) <= sockets + 2)) || fail "$sockets descriptors have become $(count fd)"
sandbox fault heal node3
wait_until 60 known yes
