# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Test image that inherits image alone: for IMAGE_CLASSES, and initramfs images"
require oetest-image.inc

PACKAGE_INSTALL = "busybox-standin accounts"
IMAGE_FSTYPES = "tar"
IMAGE_FEATURES ?= ""
MIGRATION_RELEASE = "1.0"
