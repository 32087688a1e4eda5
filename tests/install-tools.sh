#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# usage: tests/install-tools.sh [COMMAND...]
#
# Installs the Debian packages of those commands that are missing: as root, or by
# sudo where that asks no password. Without arguments all that a test uses, but
# those with a "+": only make targets of their own use them. Where it
# may not, or the package cannot be had, it says which commands are missing and
# exits 0: the tests that need them are skipped, with that reason.

set -eu

# COMMAND PACKAGE, what it is for
table='
ar          binutils        makes ipk packages
dpkg-deb    dpkg            makes deb packages
rpmbuild    rpm             makes rpm packages
zstd        zstd            packs ipk packages
xz          xz-utils        packs ipk packages
bzip2       bzip2           packs rpm packages
busybox     busybox-static  is the device in tests
dash        dash            is a shell that scripts are tested with
setfattr    attr            tests extended attributes
unshare     util-linux      gives tests their own mounts
strace      strace          counts the flushes of the ledger
shellcheck  shellcheck      checks shell scripts
git         git             lists the files of the repository
mke2fs      e2fsprogs       makes disks for the sweep over power cuts, and for attacks
mkfs.xfs    xfsprogs        makes file systems that saves are tried on
mkfs.btrfs  btrfs-progs     does, too
setfacl     acl             tests access lists
setcap      libcap2-bin     tests file capabilities
mksquashfs  squashfs-tools  makes images that machines boot, and read-only ones for attacks
qemu-arm-static qemu-user-static runs the runner of other processors
+cpio       cpio            lists the content of rpms, in benchmarks
qemu-system-x86_64 qemu-system-x86 is the machine of that sweep, and boots images
mmdebstrap  mmdebstrap      makes root file systems of images
'

# There may be sbin directories that a plain user's PATH lacks.
PATH=$PATH:/usr/sbin:/sbin

say() { printf 'install-tools: %s\n' "$*" >&2; }

package_of() {
    printf '%s' "$table" | while read -r command package _; do
        if [ "${command#+}" = "$1" ]; then echo "$package"; fi
    done
}

# missing COMMAND...: prints those that are not there.
missing() {
    for command; do
        command -v "$command" >/dev/null 2>&1 || printf '%s ' "$command"
    done
}

report() {
    for command in $(missing "$@"); do
        say "$command is missing ($(package_of "$command")): what needs it is skipped"
    done
}

if [ $# -eq 0 ]; then
    # shellcheck disable=SC2046 # one word a command
    set -- $(printf '%s' "$table" | awk 'NF && !/^\+/ { print $1 }')
fi
wanted=$(missing "$@")
[ -n "$wanted" ] || exit 0

packages=
for command in $wanted; do
    packages="$packages $(package_of "$command")"
done

as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root='sudo -n'
fi
if ! command -v apt-get >/dev/null 2>&1 || { [ -n "$as_root" ] && ! $as_root true 2>/dev/null; }; then
    report "$@"
    exit 0
fi

# apt LINE...: waits for another apt instead of ending beside it.
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2
}

say "installing$packages"
# shellcheck disable=SC2086 # one word a package
apt install --no-install-recommends -y $packages 2>/dev/null || {
    # A fresh machine has no lists of packages, an old one stale lists.
    apt update || say 'apt-get update did not succeed'
    for package in $packages; do
        apt install --no-install-recommends -y "$package" || say "$package could not be installed"
    done
}
report "$@"
