# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Test recipe: both forms, with dependencies on migrations of other recipes"

require recipes-demo/includes/oetest.inc

SRC_URI = "file://keys.migration;subdir=sub"

MIGRATIONS = "agent"
MIGRATION_REQUIRES[agent] = "accounts:split-users"
MIGRATION_BEFORE[agent] = "cloud:keys"
migration_up:agent() {
    echo agent >>/etc/demo-users
}

do_configure[noexec] = "1"
do_compile[noexec] = "1"
do_install() {
    install -d ${D}${datadir}/cloud
    echo "${PV}" > ${D}${datadir}/cloud/version
}

inherit migration
