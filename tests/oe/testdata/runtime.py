# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
"""Runs the layer's cases for testimage by oe-core's own oeqa, on an image's
root that is unpacked here: what testimage does by ssh is done by chroot.

usage: runtime.py CORE BITBAKE LAYER ROOT"""

import logging
import subprocess
import sys

core, bitbake, layer, root = sys.argv[1:]
sys.dont_write_bytecode = True
sys.path[:0] = [core + "/meta/lib", bitbake + "/lib", layer + "/lib"]

# As in a task of bitbake, which has the layer's library loaded by addpylib.
import meta_migration.image  # noqa: E402,F401
from oeqa.core.target import OETarget  # noqa: E402
from oeqa.runtime.context import OERuntimeTestContext  # noqa: E402


class Chroot(OETarget):
    ip = server_ip = "127.0.0.1"

    def start(self, **_):
        pass

    def stop(self):
        pass

    def copyTo(self, localSrc, remoteDst):
        raise NotImplementedError

    copyFrom = copyDirTo = copyTo

    def run(self, cmd, timeout=None, **_):
        done = subprocess.run(["chroot", root, "/bin/sh", "-c", cmd], timeout=timeout, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        return done.returncode, done.stdout.rstrip()


logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
logger = logging.getLogger("runtime")
# The server that a chroot does not need.
packages = {"migrate-runner", "dropbear"}
context = OERuntimeTestContext({"MLPREFIX": ""}, logger, Chroot(logger), packages, "/nonexistent")
context.loadTests([core + "/meta/lib/oeqa/runtime/cases", layer + "/lib/oeqa/runtime/cases"], modules=["migration", "ssh", "ping"])
result = context.runTests()
result.logDetails()
sys.exit(not result.wasSuccessful())
