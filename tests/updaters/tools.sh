#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# usage: tests/updaters/tools.sh [DIR]
#
# Unpacks the updaters, as Debian has them, into DIR (.cache/updaters): nothing
# is installed. An installed swupdate or mender-client would be started as a
# service of this machine, and might update it. What is installed already is not
# unpacked. Where a package cannot be had, it says so and exits 0: the tests
# that need it are skipped, with that reason.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
dir=${1:-$top/.cache/updaters}
PATH=$PATH:/usr/sbin:/sbin

# COMMAND PACKAGE, what it is for
table='
rauc            rauc             is RAUC
swupdate        swupdate         is SWUpdate
mender          mender-client    is Mender
mender-artifact mender-artifact  packs what Mender installs
fw_setenv       libubootenv-tool changes the environment of U-Boot
dbus-daemon     dbus-daemon      is between rauc and its service
mksquashfs      squashfs-tools   packs images and RAUC bundles
cpio            cpio             packs what SWUpdate installs
openssl         openssl          signs
'

say() { printf 'tests/updaters/tools.sh: %s\n' "$*" >&2; }

# here COMMAND: it is installed, or unpacked.
here() {
    command -v "$1" >/dev/null 2>&1 || [ -e "$dir/usr/bin/$1" ] || [ -e "$dir/usr/sbin/$1" ]
}

# missing_packages PACKAGE...: they and those of what they depend on that are not
# installed.
missing_packages() {
    apt-get -s install --no-install-recommends "$@" 2>/dev/null |
        awk '$1 == "Inst" && $3 !~ /^\[/ { print $2 }'
}

# unpack PACKAGE...: into $dir, with what they depend on.
unpack() {
    names=$(missing_packages "$@")
    [ -n "$names" ] || return 1
    debs=$(mktemp -d)
    # shellcheck disable=SC2086 # one word a package
    (cd "$debs" && apt-get -qq download $names >/dev/null 2>&1) &&
        for deb in "$debs"/*.deb; do
            dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --no-same-owner -C "$dir" || break
        done
    status=$?
    rm -rf "$debs"
    return $status
}

# Their tests need root: a plain user need not wait for the packages.
if [ "$(id -u)" -ne 0 ] && [ $# -eq 0 ]; then
    exit 0
fi
wanted=
for command in $(printf '%s' "$table" | awk 'NF { print $1 }'); do
    here "$command" || wanted="$wanted $command"
done
[ -n "$wanted" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    say "no apt-get: missing are$wanted: their tests are skipped"
    exit 0
fi

# Packages have files below /lib and below /usr/lib: here it is one directory.
mkdir -p "$dir/usr/lib" "$dir/usr/bin" "$dir/usr/sbin"
for name in lib bin sbin; do
    [ -e "$dir/$name" ] || ln -s "usr/$name" "$dir/$name"
done
say "unpacking$wanted into $dir"
packages=
for command in $wanted; do
    packages="$packages $(printf '%s' "$table" | awk -v c="$command" '$1 == c { print $2 }')"
done
# All at once is quick; one by one tells which cannot be had. A fresh machine
# has no lists of packages.
# shellcheck disable=SC2086 # one word a package
unpack $packages || {
    [ "$(id -u)" -ne 0 ] || apt-get -qq update </dev/null >&2 || say 'apt-get update did not succeed'
    for package in $packages; do
        unpack "$package" || :
    done
}
for command in $wanted; do
    here "$command" || say "$command could not be had: what needs it is skipped"
done
