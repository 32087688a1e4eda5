# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Stand-in for oe-core's image of that name, which the cases for oe-selftest build"
require recipes-demo/images/oetest-image.inc

IMAGE_INSTALL = "busybox-standin"
IMAGE_FSTYPES = "tar"
IMAGE_FEATURES ?= ""
