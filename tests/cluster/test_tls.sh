#!/bin/bash
# tls: true. RAM and disks travel encrypted: what is in them is not seen on the link, and is seen there without it. A
# host that is not set up for it refuses, and the VM runs on where it is.
. "$(dirname "$0")/lib.sh"

# Whatever way it ends, the hosts have no certificates any more. Each node has an /etc of its own.
restore() {
    local status=$?
    for node in node1 node2; do
        sandbox exec "$node" rm -rf /etc/pki/qemu || :
    done
    return "$status"
}
trap 'if restore; then finish; else finish; fi' EXIT

address_of() {
    uri_of "$1" | sed 's#.*//##; s#/.*##'
}

certtool_quietly() {
    certtool "$@" 2>"$work/certtool" || fail "certtool: $(<"$work/certtool")"
}

# certify NODE: QEMU there can prove who it is, as a server and as a client.
certify() {
    local at=$work/$1 role
    mkdir "$at"
    printf 'cn = "%s"\nip_address = "%s"\ntls_www_server\ntls_www_client\nsigning_key\nexpiration_days = 2\n' \
        "$1" "$(address_of "$1")" >"$work/template"
    certtool_quietly --generate-privkey --ecdsa --outfile "$at/server-key.pem"
    certtool_quietly --generate-certificate --load-privkey "$at/server-key.pem" --load-ca-certificate "$work/ca-cert.pem" \
        --load-ca-privkey "$work/ca-key.pem" --template "$work/template" --outfile "$at/server-cert.pem"
    for role in key cert; do
        cp "$at/server-$role.pem" "$at/client-$role.pem"
    done
    cp "$work/ca-cert.pem" "$at"
    sandbox exec "$1" mkdir -p /etc/pki
    sandbox exec "$1" cp -r "$at" /etc/pki/qemu
}

# What the two hosts tell each other while a command runs, in $work/heard. The listener ends with its input.
in_ram='witness_disks=1'
on_disk='nobody shall read this on the way'
listen_while() {
    local hears pid
    mkfifo "$work/end"
    sandbox exec node1 python3 "$root/tests/cluster/listen" eth0 "$(address_of node1)" "$(address_of node2)" \
        "$in_ram" "$on_disk" <"$work/end" >"$work/heard" 2>&1 &
    pid=$!
    children+=("$pid")
    exec {hears}>"$work/end"
    rm "$work/end"
    wait_until 20 grep -q listening "$work/heard"
    "$@"
    exec {hears}>&-
    wait "$pid" || fail "$(<"$work/heard")"
    (($(sed -n 's/ bytes$//p' "$work/heard") > 16 * 1048576)) || fail "this is not a move: $(<"$work/heard")"
}

certtool_quietly --generate-privkey --ecdsa --outfile "$work/ca-key.pem"
printf 'cn = "berth"\nca\ncert_signing_key\nexpiration_days = 2\n' >"$work/template"
certtool_quietly --generate-self-signed --load-privkey "$work/ca-key.pem" --template "$work/template" \
    --outfile "$work/ca-cert.pem"
certify node1

vm tls-disk --host node1 --disk local-raw --state stopped
vm tls-net --host node1 --disk network
# Where the guest never reads it: it is not in its RAM.
printf '%s' "$on_disk" | dd of="$(images_of node1)/tls-disk.raw" bs=1M seek=32 conv=notrunc status=none
on node1 start tls-disk
sandbox wait tls-disk
place <<'YAML'
defaults: {migration: {tls: true}}
vms: {tls-disk: {host: node2}, tls-net: {host: node2}}
YAML

# node2 has no certificate.
apply 3
tr -s ' \n' ' ' <"$out" >"$work/text"
for name in tls-disk tls-net; do
    expect_line "$name (preflight) " "$work/text"
done
expect_line '/etc/pki/qemu/ca-cert.pem' "$work/text"
expect_on node1 running tls-disk tls-net
expect_witness tls-disk tls-net
expect_files node2
expect_status 'failures: []'
expect_record_clean

certify node2
listen_while apply
expect_on node2 running tls-disk tls-net
expect_equal "not seen $in_ram
not seen $on_disk" "$(grep seen "$work/heard")" 'what is heard'

place <<<'vms: {tls-disk: {host: node1}, tls-net: {host: node1}}'
listen_while apply
expect_on node1 running tls-disk tls-net
expect_equal "seen $in_ram
seen $on_disk" "$(grep seen "$work/heard")" 'what is heard without it'
expect_witness tls-disk tls-net
