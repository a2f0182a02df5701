#!/bin/sh
# The first process of a node of examples/sandbox, in namespaces of its own:
# node-init.sh FOLDER NAME. Makes the machine look like the node, then waits.
set -eu
at=$1

mount -t sysfs sysfs /sys
# A /run of its own hides the machine's libvirt, D-Bus and other namespaces.
umount -l /run/netns 2>/dev/null || :
mount -t tmpfs -o mode=755,size=256m tmpfs /run
mkdir -p /run/libvirt /run/lock /run/etc
hostname "$2"
# A copy of /etc as a whole: a mount on one of its files is gone when the file is replaced, as installing does.
cp -a /etc/. /run/etc
for file in hosts passwd group; do
    [ ! -e "/etc/$file" ] || cp "$at/../etc-$file" "/run/etc/$file"
done
mount --bind /run/etc /etc
if [ -d "$at/lib" ]; then
    mount --bind "$at/etc" /etc/libvirt
    mount --rbind "$at/lib" /var/lib/libvirt
    mount --bind "$at/log" /var/log/libvirt
    mount --bind "$at/cache" /var/cache/libvirt
    mount --bind "$at/../boot" /var/lib/libvirt/boot
fi
: >"$at/holds"
# Whatever is orphaned in here is reaped by the kernel, as SIGCHLD is ignored.
exec env --ignore-signal=CHLD sleep infinity
