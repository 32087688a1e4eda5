# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Stand-in for oe-core's native tools: wrappers round those of the build host"
DESCRIPTION = "Test only. Tasks that depend on dpkg-native, rpm-native, pseudo-native and so on run on a \
machine that can neither download nor compile them. What passes with it has passed with the host's \
versions of these tools."

require recipes-demo/includes/oetest.inc
PATCHDEPENDENCY = ""

inherit native

PROVIDES += "${OETEST_STANDIN_FOR} virtual/fakeroot-native virtual/update-alternatives-native"

SRC_URI = " \
    file://apt.conf.sample.in \
    file://dnf \
    file://dpkg \
    file://dwarfsrcfiles \
    file://opkg-build \
    file://opkg-make-index \
    file://rpmbuild \
"

# Programs that are used as they are.
OETEST_HOST_TOOLS = "apt-cache apt-ftparchive apt-get createrepo_c dpkg-deb dpkg-query dpkg-split file ldconfig \
    mergerepo_c modifyrepo_c opkg patch rpm rpm2archive rpm2cpio rpmkeys start-stop-daemon"

def oetest_host_tools(d):
    import shutil
    path = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"
    found = (shutil.which(t, path=path) for t in d.getVar("OETEST_HOST_TOOLS").split())
    return " ".join(sorted(p for p in found if p))

# By value in the signature: a tool that is installed later is picked up.
OETEST_FOUND = "${@oetest_host_tools(d)}"
OETEST_FOUND[vardepvalue] = "${OETEST_FOUND}"

OETEST_CROSS = "x86_64-oe-linux"

do_configure[noexec] = "1"
do_compile[noexec] = "1"
INHIBIT_SYSROOT_STRIP = "1"

# wrap NAME COMMAND: a program NAME that becomes COMMAND. A link would not do:
# some of them look at the name or the place by which they were called.
wrap() {
    install -d $(dirname $1)
    printf '#!/bin/sh\n%s\nexec %s "$@"\n' "$3" "$2" > $1
    chmod 0755 $1
}

do_install() {
    for tool in ${OETEST_FOUND}; do
        wrap ${D}${bindir}/$(basename $tool) $tool
    done
    wrap ${D}${libdir}/rpm/rpmdeps /usr/lib/rpm/rpmdeps
    for tool in dnf dpkg dwarfsrcfiles opkg-build opkg-make-index rpmbuild; do
        install -m 0755 ${UNPACKDIR}/$tool ${D}${bindir}/
    done
    install -d ${D}${sysconfdir}/apt
    sed 's,@BINDIR@,${STAGING_BINDIR_NATIVE},' ${UNPACKDIR}/apt.conf.sample.in > ${D}${sysconfdir}/apt/apt.conf.sample

    # go-native, and go as a cross compiler: go.bbclass says for what by GOARCH.
    install -d ${D}${libdir}
    ln -s ${OETEST_GOROOT} ${D}${libdir}/go
    wrap ${D}${bindir}/go ${OETEST_GOROOT}/bin/go
    cross=${D}${bindir}/${OETEST_CROSS}/${OETEST_CROSS}
    wrap $cross-go ${OETEST_GOROOT}/bin/go "export GOROOT=${OETEST_GOROOT}; unset GOTOOLDIR"
    for tool in nm objcopy objdump readelf strip; do
        wrap $cross-$tool /usr/bin/$tool
    done
}
