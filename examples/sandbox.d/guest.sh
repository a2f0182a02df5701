# shellcheck shell=bash disable=SC2034,SC2154 # the variables of examples/sandbox
# Part of examples/sandbox: the guest's kernel and initrd.

cache=${BERTH_SANDBOX_CACHE:-/var/cache/berth-sandbox}

# The kernel's modules, in this order: nothing resolves dependencies in the guest.
modules=(
    virtio/virtio_ring
    virtio/virtio
    virtio/virtio_pci_legacy_dev
    virtio/virtio_pci_modern_dev
    virtio/virtio_pci
    block/virtio_blk
    acpi/button
    input/evdev
)

# Debian's cloud kernel, taken out of its package: nothing of it is installed.
fetch_kernel() {
    local package module work=$cache/kernel.new

    apt-cache show linux-image-cloud-amd64 >/dev/null 2>&1 || apt-get update -qq
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
    [[ -n $package ]] || die "no package linux-image-cloud-amd64 to take the guest's kernel from"
    printf 'fetching %s (the kernel of the guests)\n' "$package"
    rm -rf "$work"
    mkdir -p "$work/modules"
    (cd "$work" && apt-get download -qq "$package" 2>"$work/log") || die "cannot download $package: $(<"$work/log")"
    dpkg-deb --fsys-tarfile "$work"/*.deb | tar -x -C "$work" --wildcards './boot/vmlinuz-*' \
        './lib/modules/*/kernel/drivers/virtio/*' './lib/modules/*/kernel/drivers/block/virtio_blk.ko' \
        './lib/modules/*/kernel/drivers/acpi/button.ko' './lib/modules/*/kernel/drivers/input/evdev.ko'
    mv "$work"/boot/vmlinuz-* "$work/vmlinuz"
    for module in "${modules[@]}"; do
        mv "$work"/lib/modules/*/kernel/drivers/"$module.ko" "$work/modules/"
    done
    rm -rf "${work:?}"/boot "${work:?}"/lib "$work"/*.deb "$work/log"
    rm -rf "$cache/kernel"
    mv "$work" "$cache/kernel"
}

# Puts the paths of the guest's kernel and initrd into `guest_kernel`, `guest_initrd`.
build_guest() {
    local work source=$here/sandbox.d/guest.c
    mkdir -p "$cache"
    exec 8<"$cache"
    flock 8
    "$here/packages" sandbox 9>&-
    [[ -f $cache/kernel/vmlinuz ]] || fetch_kernel
    guest_kernel=$cache/kernel/vmlinuz
    guest_initrd=$cache/initrd-$(cat "$source" "$here/sandbox.d/guest.sh" | sha256sum | cut -c1-12)
    if [[ ! -f $guest_initrd ]]; then
        work=$(mktemp -d "$cache/initrd.XXXXXX")
        mkdir "$work/root" "$work/root/dev"
        cp -r "$cache/kernel/modules" "$work/root/"
        printf '%s.ko\n' "${modules[@]##*/}" >"$work/root/modules/order"
        gcc -std=gnu17 -O2 -static -s -o "$work/root/init" "$source"
        (cd "$work/root" && find . | cpio -o -H newc --quiet) >"$work/initrd"
        mv "$work/initrd" "$guest_initrd"
        rm -rf "$work"
    fi
    exec 8>&-
}
