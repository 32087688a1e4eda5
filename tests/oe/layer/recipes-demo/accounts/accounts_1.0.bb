# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Test recipe: a migration in file form, in an allarch recipe"

require recipes-demo/includes/oetest.inc

inherit allarch migration

SRC_URI = "file://split-users.migration"

do_configure[noexec] = "1"
do_compile[noexec] = "1"
do_install() {
    install -d ${D}${datadir}/accounts
    echo "${PV}" > ${D}${datadir}/accounts/version
}
