# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Stand-in for oe-core's base-passwd, which a read-only-rootfs image drops at its end"
DESCRIPTION = "Test only. It has oe-core's name, so ROOTFS_RO_UNNEEDED removes it, and a migration."

require recipes-demo/includes/oetest.inc

inherit allarch migration

SRC_URI = "file://static-groups.migration"

do_configure[noexec] = "1"
do_compile[noexec] = "1"
do_install() {
    install -d ${D}${sysconfdir} ${D}${datadir}/base-passwd
    echo "root:x:0:0:root:/root:/bin/sh" > ${D}${sysconfdir}/passwd
    echo "root:x:0:" > ${D}${sysconfdir}/group
    echo "what the package has" > ${D}${datadir}/base-passwd/readme
}
CONFFILES:${PN} = "${sysconfdir}/passwd ${sysconfdir}/group"
