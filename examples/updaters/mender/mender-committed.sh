#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# Installed as /usr/libexec/mender-committed: exits 0 unless the booted image
# may still be rolled back.

[ "$(fw_printenv -n upgrade_available)" != 1 ]
