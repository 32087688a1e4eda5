# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Collects, orders and checks the migrations of an image"
DESCRIPTION = "Reads the migrations in an image's packages, puts them into one order, checks them, \
and writes the bundle that migrate-runner runs on the device."
SECTION = "devel"

require recipes-devtools/includes/migration-go.inc
require mkmigrations-go-mods.inc
require mkmigrations-licenses.inc
MIGRATION_GO_MODS[doc] = "The Go modules that mkmigrations is built of, as gomod:// with their checksums."
MIGRATION_GO_LICENSES[doc] = "The licences of these modules."
LICENSE = "${@meta_migration.gomod.license(d)}"

MIGRATION_SOURCE_PARTS += "tools/mkmigrations"
GO_INSTALL = "${GO_IMPORT}/tools/mkmigrations"

SRC_URI += "${@meta_migration.gomod.uris(d)}"

# Where the gomod fetcher puts the modules; scarthgap has another place for
# them and no such fetcher.
export GOMODCACHE = "${S}/pkg/mod"
do_unpack[postfuncs] += "mkmigrations_unpack_modules"
python mkmigrations_unpack_modules() {
    meta_migration.gomod.unpack(d)
}

# go takes the licence files out of the modules' archives. Newer series say so
# themselves.
addtask do_compile before do_populate_lic

do_install() {
    install -D -m 0755 ${B}/${GO_BUILD_BINDIR}/mkmigrations ${D}${bindir}/mkmigrations
}

BBCLASSEXTEND = "native nativesdk"
