# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

require datalog.inc

# datalog/daily-files.migration revises the text that 2.0 shipped.
SRC_URI += " \
    file://drop-root.migration \
    file://daily-files.migration \
    file://daily-index.migration \
    "
