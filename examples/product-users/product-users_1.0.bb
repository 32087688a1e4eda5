# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

SUMMARY = "Accounts of the product's services"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

# New devices get the accounts when the image is built, by useradd.bbclass.
# Devices in the field keep the /etc/passwd that they have: for them there is
# the migration.
inherit useradd migration

# Nothing is compiled.
INHIBIT_DEFAULT_DEPS = "1"

SRC_URI += "file://service-accounts.migration"

# On scarthgap: ${WORKDIR}.
S = "${UNPACKDIR}"

USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system telemetry"
USERADD_PARAM:${PN} = "--system --gid telemetry --home-dir /var/lib/datalog datalog; --system --groups telemetry webui"

ALLOW_EMPTY:${PN} = "1"
