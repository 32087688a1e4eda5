# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The meta-migration authors
"""testimage: the image's migrations have taken effect on the device.

    IMAGE_CLASSES += "testimage migration-image"
    TEST_SUITES:append = " migration"
"""

import json

from oeqa.core.decorator.depends import OETestDepends
from oeqa.runtime.case import OERuntimeTestCase
from oeqa.runtime.decorator.package import OEHasPackage


class MigrationTest(OERuntimeTestCase):

    def succeed(self, command):
        status, output = self.target.run(command)
        self.assertEqual(status, 0, msg="%s: exit %d\n%s" % (command, status, output))
        return output

    @OEHasPackage(["migrate-runner"])
    @OETestDepends(["ssh.SSHTest.test_ssh"])
    def test_bundle_is_complete(self):
        """All of the image's migrations count as applied."""
        status = json.loads(self.succeed("migrate-runner status --json"))
        bad = [m for m in status["migrations"] if m["state"] not in ("applied", "baseline")]
        self.assertEqual(status["state"], "complete", msg="%s: %s" % (status["reason"], bad))
        self.assertEqual(bad, [])

    @OETestDepends(["migration.MigrationTest.test_bundle_is_complete"])
    def test_second_run_does_nothing(self):
        """Another run writes nothing: the ledger stays as it is."""
        before = self.succeed("sha256sum /var/lib/migration/ledger")
        self.succeed("migrate-runner run")
        self.assertEqual(self.succeed("sha256sum /var/lib/migration/ledger"), before)

    @OETestDepends(["migration.MigrationTest.test_bundle_is_complete"])
    def test_state_is_persistent(self):
        """The ledger is not in memory: it would be lost with the next boot."""
        kind = self.succeed("stat -f -c %T /var/lib/migration").strip()
        self.assertNotIn(kind, ("tmpfs", "ramfs"))

    @OETestDepends(["migration.MigrationTest.test_bundle_is_complete"])
    def test_next_boot_skips_the_unit(self):
        """Under systemd a boot with nothing to do starts no process: the unit is
        wanted, and has a condition on the marker, which is there."""
        if self.target.run("test -d /run/systemd/system")[0] != 0:
            self.skipTest("no systemd")
        self.succeed("systemctl list-dependencies --plain sysinit.target | grep -qw migrate-runner.service")
        self.succeed("! systemctl is-failed --quiet migrate-runner.service")
        condition = self.succeed("sed -n 's/^ConditionPathExists=!//p' "
                                 "/usr/lib/systemd/system/migrate-runner.service.d/10-bundle.conf").strip()
        self.assertTrue(condition.startswith("/var/lib/migration/complete/"), msg=condition)
        self.succeed("test -e " + condition)
