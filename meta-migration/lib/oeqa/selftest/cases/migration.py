# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The meta-migration authors
"""oe-selftest -r migration: recipes and an image with migrations.

Needs this layer and meta-selftest in the build. The recipes are written into a
layer of the test's own, below the build directory."""

import os
import uuid

from oeqa.selftest.case import OESelftestTestCase
from oeqa.utils.commands import bitbake, get_bb_var, get_bb_vars, runCmd

RECIPE = """
SUMMARY = "Recipe with a migration"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"
INHIBIT_DEFAULT_DEPS = "1"
inherit allarch migration
MIGRATIONS = "first"
MIGRATION_DESCRIPTION[first] = "Makes a file"
MIGRATION_PATHS[first] = "/etc/selftest-migration"
migration_up:first() {
    echo first >/etc/selftest-migration
}
do_configure[noexec] = "1"
do_compile[noexec] = "1"
do_install() {
    install -d ${D}${datadir}/selftest-migration
    echo > ${D}${datadir}/selftest-migration/x
}
FILES:${PN} = "${datadir}/selftest-migration"
"""

TEXT = """#!/bin/sh
### BEGIN MIGRATION INFO
# Description: Makes a file
# Paths: /etc/selftest-migration
### END MIGRATION INFO
    echo first >/etc/selftest-migration
"""


class Migration(OESelftestTestCase):

    def setUpLocal(self):
        super().setUpLocal()
        self.layer = os.path.join(self.builddir, "selftest-migration-layer")
        self.track_for_cleanup(self.layer)
        # scarthgap's bitbake does not expand it in a layer's configuration.
        series = get_bb_var("LAYERSERIES_CORENAMES")
        self.write("conf/layer.conf", """
BBFILES += "${LAYERDIR}/*.bb"
BBFILE_COLLECTIONS += "selftest-migration"
BBFILE_PATTERN_selftest-migration = "^${LAYERDIR}/"
LAYERSERIES_COMPAT_selftest-migration = "%s"
""" % series)
        self.write("selftest-migration_1.0.bb", RECIPE)
        runCmd("bitbake-layers add-layer %s" % self.layer)
        self.add_command_to_tearDown("bitbake-layers remove-layer %s" % self.layer)

    def write(self, name, text):
        path = os.path.join(self.layer, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def test_package_holds_the_script(self):
        """The function form becomes the documented text, in the -migration package."""
        bitbake("selftest-migration -c package")
        split = get_bb_vars(["PKGDEST"], "selftest-migration")["PKGDEST"]
        path = os.path.join(split, "selftest-migration-migration/usr/share/migration/selftest-migration/first")
        with open(path) as f:
            self.assertEqual(f.read(), TEXT)

    def test_bad_field_fails_the_recipe(self):
        """The message names recipe, variable, value and cure."""
        self.write("selftest-migration_1.0.bb", RECIPE + 'MIGRATION_TIMEOUT[first] = "1h"\n')
        result = bitbake("selftest-migration -c migration", ignore_status=True)
        self.assertNotEqual(result.status, 0)
        self.assertIn('selftest-migration: MIGRATION_TIMEOUT[first] = "1h": bad number "1h"', result.output)

    def test_name_that_is_not_listed(self):
        self.write("selftest-migration_1.0.bb", RECIPE + 'MIGRATION_AFTER[frist] = "base-passwd"\n')
        result = bitbake("selftest-migration -c migration", ignore_status=True)
        self.assertNotEqual(result.status, 0)
        self.assertIn('"frist" is not in MIGRATIONS = "first"', result.output)

    def test_changed_flag_does_not_install_again(self):
        """A flag is a matter of do_migration and what follows it."""
        # A recipe of this run alone: nothing of it may come from sstate.
        recipe = RECIPE + "do_install:append() {\n    : %s\n}\n" % uuid.uuid4()
        self.write("selftest-migration_1.0.bb", recipe)
        bitbake("selftest-migration -c package")
        self.write("selftest-migration_1.0.bb", recipe + 'MIGRATION_FRESH[first] = "run"\n')
        result = bitbake("selftest-migration -c package")
        self.assertIn("selftest-migration-1.0-r0: task do_migration: Started", result.output)
        self.assertNotIn("selftest-migration-1.0-r0: task do_install: Started", result.output)

    def test_image_has_the_bundle(self):
        """An image gets the scripts in their order, and deploys its manifest."""
        image = "core-image-minimal"
        self.write_config("""
IMAGE_CLASSES += "migration-image"
IMAGE_INSTALL:append:pn-%s = " selftest-migration"
MIGRATION_RELEASE:pn-%s = "1.0"
""" % (image, image))
        bitbake("%s -c rootfs" % image)
        variables = get_bb_vars(["IMAGE_ROOTFS", "IMGDEPLOYDIR", "MIGRATION_MANIFEST_LINK"], image)
        bundle = os.path.join(variables["IMAGE_ROOTFS"], "etc/migration.d")
        scripts = [n for n in os.listdir(bundle) if n.endswith("-selftest-migration:first")]
        self.assertEqual(len(scripts), 1, msg=os.listdir(bundle))
        with open(os.path.join(bundle, scripts[0])) as f:
            self.assertEqual(f.read(), TEXT)
        with open(os.path.join(bundle, "manifest")) as f:
            manifest = f.read()
        with open(os.path.join(variables["IMGDEPLOYDIR"], variables["MIGRATION_MANIFEST_LINK"])) as f:
            self.assertEqual(f.read(), manifest)
