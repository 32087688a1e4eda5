# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "initramfs support for running an image's migrations before switch_root"
DESCRIPTION = "A module of oe-core's initramfs-framework. It runs the runner of the root that the initramfs \
has mounted; the initramfs itself holds none. Not part of migrate-runner's recipe, so that only who uses it \
builds the framework."
SECTION = "base"

MIGRATION_SOURCE_PARTS = "target/migrate-runner/dist"
require recipes-devtools/includes/migration-source.inc

inherit allarch

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    # Behind 90-rootfs and a product's own mounts, before 99-finish.
    install -D -m 0755 ${S}/target/migrate-runner/dist/migration.initramfs ${D}/init.d/95-migration
}

FILES:${PN} = "/init.d"
RDEPENDS:${PN} = "initramfs-framework-base"
