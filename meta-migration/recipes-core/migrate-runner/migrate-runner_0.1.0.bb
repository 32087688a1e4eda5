# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Runs an image's migrations at boot"
DESCRIPTION = "Brings the data on a device (users, /etc, /var) to what a new image expects: \
each migration in the image's bundle is run once, in its order, before the services start. \
One static program, and the units or init scripts that run it."
SECTION = "base"

require recipes-devtools/includes/migration-go.inc

MIGRATION_SOURCE_PARTS += "target/migrate-runner"
GO_INSTALL = "${GO_IMPORT}/target/migrate-runner"

# Its size is boot time: nothing of its own is inlined, only of Go's runtime.
GOBUILDFLAGS:append = " -gcflags=meta-migration/...=-l"

# early: for images that mount /var in the initramfs; the unit then runs before
# systemd-sysusers. Without it /var is a mount unit and the unit runs after
# local-fs.target.
PACKAGECONFIG ??= ""
PACKAGECONFIG[early] = ""

MIGRATION_DIST[doc] = "Directory of the sources with units, init script and initramfs module."
MIGRATION_DIST = "${S}/src/${GO_IMPORT}/target/migrate-runner/dist"
MIGRATION_UNIT[doc] = "The unit that is installed as migrate-runner.service; PACKAGECONFIG chooses it."
MIGRATION_UNIT = "${@bb.utils.contains('PACKAGECONFIG', 'early', 'migrate-runner-early.service', 'migrate-runner.service', d)}"
# A vendor's unit is enabled in /usr: a link in /etc could be hidden by an overlay.
MIGRATION_UNITDIR[doc] = "Where units go: below /usr, where no overlay over /etc hides them."
MIGRATION_UNITDIR = "${nonarch_libdir}/systemd/system"

do_install() {
    install -D -m 0755 ${B}/${GO_BUILD_BINDIR}/migrate-runner ${D}${sbindir}/migrate-runner
    # The mount point of persistent storage, where the root is read-only.
    install -d -m 0755 ${D}${localstatedir}/lib/migration
    install -D -m 0755 ${MIGRATION_DIST}/may-reboot ${D}${nonarch_libdir}/migration/may-reboot

    install -D -m 0644 ${MIGRATION_DIST}/${MIGRATION_UNIT} ${D}${MIGRATION_UNITDIR}/migrate-runner.service
    for unit in migration@.service migration-confirm.service migration-reboot.service migration-offline.service; do
        install -m 0644 ${MIGRATION_DIST}/$unit ${D}${MIGRATION_UNITDIR}/$unit
    done
    install -d ${D}${MIGRATION_UNITDIR}/sysinit.target.wants ${D}${MIGRATION_UNITDIR}/boot-complete.target.requires \
        ${D}${MIGRATION_UNITDIR}/multi-user.target.wants ${D}${MIGRATION_UNITDIR}/system-update.target.wants
    ln -s ../migrate-runner.service ${D}${MIGRATION_UNITDIR}/sysinit.target.wants/
    ln -s ../migrate-runner.service ${D}${MIGRATION_UNITDIR}/boot-complete.target.requires/
    ln -s ../migration-confirm.service ${D}${MIGRATION_UNITDIR}/multi-user.target.wants/
    ln -s ../migration-offline.service ${D}${MIGRATION_UNITDIR}/system-update.target.wants/

    # Behind mountall, read-only-rootfs-hook, bootmisc (36) and
    # populate-volatile (37), before hostname (39) and all of rc2 to rc5.
    install -D -m 0755 ${MIGRATION_DIST}/migrate-runner.init ${D}${sysconfdir}/init.d/migrate-runner
    install -d ${D}${sysconfdir}/rcS.d
    ln -s ../init.d/migrate-runner ${D}${sysconfdir}/rcS.d/S38migrate-runner
}

PACKAGES =+ "${PN}-systemd ${PN}-sysvinit"
SUMMARY:${PN}-systemd = "Units that run an image's migrations at boot"
SUMMARY:${PN}-sysvinit = "Init script that runs an image's migrations at boot (sysvinit, busybox init)"
FILES:${PN}-systemd = "${MIGRATION_UNITDIR}"
FILES:${PN}-sysvinit = "${sysconfdir}/init.d ${sysconfdir}/rcS.d"
FILES:${PN} += "${nonarch_libdir}/migration ${localstatedir}/lib/migration"

# Both, where a distro has both: the units mean nothing to another init, and
# systemd makes no unit of an rcS script whose name it has one for.
RDEPENDS:${PN} = "${@bb.utils.contains('DISTRO_FEATURES', 'systemd', '${PN}-systemd', '', d)} \
    ${@bb.utils.contains('DISTRO_FEATURES', 'systemd', '', '${PN}-sysvinit', d)} \
    ${@bb.utils.contains('DISTRO_FEATURES', 'systemd sysvinit', '${PN}-sysvinit', '', d)}"

