# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# Puts update.sh before the initramfs's own update, and keeps the product's data
# and the record of what was done to it when rwfs is cleaned: both, or the
# migrations would run again on data that they have changed, or never on data
# that they have not.

FILESEXTRAPATHS:prepend := "${THISDIR}/files:"
SRC_URI += "file://update.sh"

do_install:append() {
    install -d ${D}${libexecdir}
    mv ${D}/update ${D}${libexecdir}/obmc-update
    install -m 0755 ${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}/update.sh ${D}/update
    for path in /var/lib/thermo /var/lib/migration; do
        echo $path >> ${D}/whitelist
    done
}
FILES:${PN} += "${libexecdir}/obmc-update"
