#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# Installed as /usr/libexec/swupdate-mark-good, called by swupdate-mark-good.service
# when boot-complete.target is reached: the slot is good, and U-Boot need not
# count its boots any more. Behind that nothing is put back any more.

set -eu

# fw_setenv writes the environment, which is flash: only when there is something
# to say.
if [ "$(fw_printenv -n upgrade_available 2>/dev/null)" = 1 ]; then
    fw_setenv bootcount 0
    fw_setenv upgrade_available 0
    # SWUpdate's own note: 1 was "installed, not confirmed".
    fw_setenv ustate 0
fi
# If the power goes before this, the next boot does it.
exec /usr/sbin/migrate-runner confirm
