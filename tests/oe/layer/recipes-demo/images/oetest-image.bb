# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Test image: two of three recipes with migrations"
require oetest-image.inc

inherit migration-image

MIGRATION_RELEASE ?= "1.0"
OETEST_INSTALL ?= "accounts board"
PACKAGE_INSTALL = "busybox-standin ${OETEST_INSTALL}"
IMAGE_FSTYPES = "tar"
IMAGE_FEATURES ?= ""
