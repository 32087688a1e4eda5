# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

# In the package feed, but in no image: its migration is in no bundle.
SUMMARY = "Programs for tests in the field"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

inherit allarch migration

SRC_URI += "file://clear-results.migration"

# On scarthgap: ${WORKDIR}.
S = "${UNPACKDIR}"

ALLOW_EMPTY:${PN} = "1"
