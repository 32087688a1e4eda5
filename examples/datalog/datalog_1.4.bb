# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

require datalog.inc

SRC_URI += "file://drop-root.migration"
