# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

require datalog.inc

# bitbake takes datalog-2.0/daily-files.migration, the text that was released
# with 2.0 and fails on some devices.
SRC_URI += " \
    file://drop-root.migration \
    file://daily-files.migration \
    file://daily-index.migration \
    "
