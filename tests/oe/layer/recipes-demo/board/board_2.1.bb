# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Test recipe: migrations in function form; it sets PACKAGES itself, behind inherit"

require recipes-demo/includes/oetest.inc

inherit migration

PACKAGES = "${PN}"

MIGRATIONS = "layout v1.2"
MIGRATION_DESCRIPTION[layout] = "Lay out the board's data"
MIGRATION_PATHS[layout] = "/etc/demo-layout"
MIGRATION_ON_FAILURE[layout] = "continue"
MIGRATION_TIMEOUT[layout] = "30"
migration_up:layout() {
    # ${sysconfdir} is bitbake's, ${MIGRATION_ID} is the shell's
    mkdir -p "${MIGRATION_STATE}"
	echo "layout by ${MIGRATION_ID}" >${sysconfdir}/demo-layout
}

MIGRATION_AFTER[v1.2] = "layout-is-no-recipe \
    board:layout"
migration_up:v1.2() {
    echo v1.2 >>/etc/demo-layout
}

do_configure[noexec] = "1"
do_compile[noexec] = "1"
do_install() {
    install -d ${D}${datadir}/board
    echo "${PV}" > ${D}${datadir}/board/version
}
FILES:${PN} = "${datadir}/board"
