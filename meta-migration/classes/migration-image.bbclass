# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The meta-migration authors
#
# inherit migration-image: the image gets a bundle and runs it
#
# Smallest use, in an image recipe:
#
#   inherit migration-image
#
# or for all images, in a distro configuration or local.conf:
#
#   IMAGE_CLASSES += "migration-image"
#
# The image then installs migrate-runner. When its set of packages is final,
# mkmigrations collects the migrations of all installed recipes from the
# image's own package feed, puts them into their one order, and checks them:
# a cycle, a missing command, a changed released script fail do_rootfs with
# mkmigrations' message. The bundle goes into the rootfs (/etc/migration.d,
# /usr/lib/migration) and its manifest beside the image. An image without any
# migration gets an empty bundle: without one a device could not tell that a
# newer image had run on it.
#
# Keep the manifest of each release, and name it in the next one:
#
#   MIGRATION_PREVIOUS = "${THISDIR}/files/product-1.4.migration-manifest"
#
# It says which migrations are released, and with which text, so that the build
# can refuse to change, lose or reorder them.
#
#
# Variables. All are weak defaults.
#
#   MIGRATION_RELEASE (DISTRO_VERSION)
#       The image's release. Releases are ordered by the UAPI version format:
#       1.9 < 1.10~rc1 < 1.10. One that holds a git hash is an error.
#   MIGRATION_PREVIOUS
#       Manifests of earlier releases, absolute paths; several for branches.
#   MIGRATION_DROP
#       IDs of released migrations that are given up: gone from the image
#       without a successor. Devices that have not applied them never will.
#   MIGRATION_MIN_FROM
#       Devices older than this release refuse the image. Migrations of releases
#       up to it are retired, that is, left out, but for those with Fresh: run.
#       Needs MIGRATION_FRESH_UNLESS.
#   MIGRATION_FRESH_UNLESS
#       Paths. A device without a ledger on which none of them exists is fresh:
#       its migrations are recorded as done (baseline) instead of run, but for
#       those with Fresh: run. Empty (default): each device counts as used. It warns of a path that the image
#       itself holds, unless its fstab or a unit mounts something over it.
#   MIGRATION_ON_DOWNGRADE (tolerate)
#       refuse: an image older than the data stops before it touches them.
#   MIGRATION_KEEP (none)
#       good: what a migration changed is kept until the new image is confirmed
#       as good, and put back when the device falls back to the old one.
#   MIGRATION_ON_CORRUPT (refuse)
#       rerun: a damaged ledger counts as a lost one.
#   MIGRATION_FAILURE_STATE (degraded)
#       What the boot does where migrations failed or were refused: degraded,
#       emergency, reboot.
#   MIGRATION_TIMEOUT, MIGRATION_ATTEMPTS
#       For migrations that do not say it themselves: seconds, number of times.
#   MIGRATION_LINT (1)
#       0: the commands that the scripts call are not looked for in the rootfs.
#   MIGRATION_IMAGE
#       1: the image gets a bundle; 0: it gets nothing of this class. Default: 1,
#       but 0 for an initramfs (INITRAMFS_IMAGE, or all of IMAGE_FSTYPES are
#       cpio) and for a baremetal-image where the class comes by IMAGE_CLASSES.
#       With BUILD_IMAGES_FROM_FEEDS it must be 0: what is in feeds of another
#       build is not there to be read.
#   MIGRATION_MANIFEST_NAME, MIGRATION_MANIFEST_LINK
#       Names of the deployed manifest: the release's own, and the link that
#       points to that of the last build.
#
#
# What counts as installed is the list before *and* after a read-only-rootfs
# drops packages (base-passwd, shadow, …): their data stays on the device, so
# their migrations stay in the bundle. The commands that scripts call are looked
# for in the final rootfs.
#
# Contexts of the functions: both run in do_rootfs, under fakeroot,
# migration_image_installed by ROOTFS_POSTPROCESS_COMMAND, before packages are
# removed, migration_image_bundle by ROOTFS_POSTUNINSTALL_COMMAND, after that
# and while the package database is still there. Nothing runs for an SDK.
#
# It warns where the device would forget its ledger: /var/lib is on a tmpfs, or
# the root is read-only and volatile-binds or read-only-rootfs-hook.sh mounts
# memory over /var/lib. It is silent where a unit or a line of fstab mounts
# something else on /var, /var/lib or /var/lib/migration, and that mount is not
# hidden in turn: what fstab mounts on /var/lib/migration must be noauto for
# sysvinit, and say x-systemd.after= the unit of volatile-binds for systemd.

MIGRATION_IMAGE ??= "${@meta_migration.image.wanted(d)}"
MIGRATION_IMAGE[doc] = "1 if the image gets a bundle of migrations. Default: 1, but 0 for an initramfs or a baremetal-image where migration-image comes by IMAGE_CLASSES."

MIGRATION_RELEASE ??= "${DISTRO_VERSION}"
MIGRATION_RELEASE[doc] = "The image's release, ordered by the UAPI version format; must not hold a git hash."
MIGRATION_PREVIOUS ??= ""
MIGRATION_PREVIOUS[doc] = "Absolute paths of the migration manifests of earlier releases."
# Their contents are in the signature of do_rootfs, not the place of the checkout.
MIGRATION_PREVIOUS[vardepvalue] = ""
MIGRATION_DROP ??= ""
MIGRATION_DROP[doc] = "IDs of released migrations that the image gives up without a successor."
MIGRATION_MIN_FROM ??= ""
MIGRATION_MIN_FROM[doc] = "Oldest release that may upgrade to this image; migrations up to it, but for Fresh: run, are retired."
MIGRATION_FRESH_UNLESS ??= ""
MIGRATION_FRESH_UNLESS[doc] = "Paths; a device without a ledger and without any of them is fresh, and runs no migrations but those with Fresh: run."
MIGRATION_ON_DOWNGRADE ??= "tolerate"
MIGRATION_ON_DOWNGRADE[doc] = "tolerate or refuse: what the image does on a device whose data is newer."
MIGRATION_KEEP ??= "none"
MIGRATION_KEEP[doc] = "none or good: whether what migrations changed is kept until the image is confirmed."
MIGRATION_ON_CORRUPT ??= "refuse"
MIGRATION_ON_CORRUPT[doc] = "refuse or rerun: what the device does with a damaged ledger."
MIGRATION_FAILURE_STATE ??= "degraded"
MIGRATION_FAILURE_STATE[doc] = "degraded, emergency or reboot: what the boot does where migrations failed or were refused."
MIGRATION_TIMEOUT ??= ""
MIGRATION_TIMEOUT[doc] = "In an image: seconds for one attempt of a migration that does not say it. In a recipe, with a migration's name as flag: its own."
MIGRATION_ATTEMPTS ??= ""
MIGRATION_ATTEMPTS[doc] = "In an image: how often a migration that does not say it may be tried. In a recipe, with a migration's name as flag: its own."
MIGRATION_LINT ??= "1"
MIGRATION_LINT[doc] = "1 if the commands that migrations call are looked for in the rootfs."

MIGRATION_MANIFEST_LINK ??= "${@d.getVar('IMAGE_LINK_NAME') or d.getVar('IMAGE_BASENAME')}.migration-manifest"
MIGRATION_MANIFEST_LINK[doc] = "Name of the link to the migration manifest of the last build, beside the image."
MIGRATION_MANIFEST_NAME ??= "${@d.getVar('IMAGE_LINK_NAME') or d.getVar('IMAGE_BASENAME')}-${MIGRATION_RELEASE}.migration-manifest"
MIGRATION_MANIFEST_NAME[doc] = "Name of the release's migration manifest, beside the image."

MIGRATION_IMAGE_WORKDIR = "${WORKDIR}/migration-image"
MIGRATION_IMAGE_WORKDIR[doc] = "Where an image's bundle of migrations is built."

PACKAGE_INSTALL:append = "${@meta_migration.image.if_enabled(d, '${MLPREFIX}migrate-runner')}"

do_rootfs[depends] += "${@meta_migration.image.if_enabled(d, 'mkmigrations-native:do_populate_sysroot')}"
do_rootfs[file-checksums] += "${@meta_migration.image.checksums(d)}"
# Series with PSEUDO_IGNORE_PATHS: pseudo watches WORKDIR but does not see what
# a Go program does there. Elsewhere the variable means nothing.
PSEUDO_IGNORE_PATHS .= ",${MIGRATION_IMAGE_WORKDIR}"

ROOTFS_POSTPROCESS_COMMAND:append = "${@meta_migration.image.if_enabled(d, 'migration_image_installed')}"
ROOTFS_POSTUNINSTALL_COMMAND:append = "${@meta_migration.image.if_enabled(d, 'migration_image_bundle')}"

python migration_image_installed() {
    meta_migration.image.write_installed(d, "before")
}

python migration_image_bundle() {
    meta_migration.image.bundle(d)
}
