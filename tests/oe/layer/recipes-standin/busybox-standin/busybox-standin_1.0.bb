# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Stand-in for the target's shell and tools: the build host's static busybox"
DESCRIPTION = "Test only. Without a static busybox on the host the package is empty but for its names, so images \
can be built but no migration can run in them."

require recipes-demo/includes/oetest.inc

def oetest_busybox(d):
    path = "/bin/busybox"
    if not os.path.exists(path):
        return ""
    with open(path, "rb") as f:
        data = f.read()
    # Of a static program no loader is named.
    return "" if b"/ld-linux" in data or b"/lib64/ld-" in data[:4096] else path
OETEST_BUSYBOX = "${@oetest_busybox(d)}"

do_configure[noexec] = "1"
do_compile[noexec] = "1"
do_install() {
    [ -n "${OETEST_BUSYBOX}" ] || exit 0
    install -D -m 0755 ${OETEST_BUSYBOX} ${D}/bin/busybox
    for name in $(${OETEST_BUSYBOX} --list); do
        [ $name = busybox ] || ln -s busybox ${D}/bin/$name
    done
}

PACKAGES = "${PN}"
ALLOW_EMPTY:${PN} = "1"
FILES:${PN} = "/bin"
RPROVIDES:${PN} = "/bin/sh /bin/bash /usr/bin/env busybox"
# It is the host's binary, stripped, and built by no cross compiler.
INHIBIT_PACKAGE_STRIP = "1"
INHIBIT_PACKAGE_DEBUG_SPLIT = "1"
INSANE_SKIP:${PN} = "already-stripped ldflags arch usrmerge file-rdeps textrel"
