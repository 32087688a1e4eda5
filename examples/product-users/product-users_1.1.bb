# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

require product-users_1.0.bb

# A second migration; the first one stays, for devices that skip a release.
SRC_URI += "file://operator-group.migration"

GROUPADD_PARAM:${PN} .= "; --system operators"
