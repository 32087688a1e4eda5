# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

require webui.inc

SRC_URI += "file://listen-address.migration"
