# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Test recipe: a library, whose package debian.bbclass names after the soname"

require recipes-demo/includes/oetest.inc

inherit migration

MIGRATIONS = "abi"
# The package has another name in the feed, and provides this one.
MIGRATION_PACKAGES[abi] = "libdemo"
migration_up:abi() {
    true
}

do_configure[noexec] = "1"
do_compile() {
    ${BUILD_CC} -shared -nostdlib -Wl,-soname,libdemo.so.1 -Wl,--hash-style=both -o ${B}/libdemo.so.1 -x c /dev/null
}
do_install() {
    install -D -m 0755 ${B}/libdemo.so.1 ${D}${libdir}/libdemo.so.1
}
