#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# The hook of a bundle, which travels with the image: it works on devices whose
# installed image knows nothing of migrations, and can be repaired with each
# bundle. manifest.raucm names it, and which of these it wants:
#
#   install-check  before anything is written, as pre-install.sh does. Its last line
#                  on stderr is what `rauc install` shows as the reason. It stands for
#                  RAUC's own comparison of `compatible`, so it makes that, too.
#   post-install   when the slot is written and mounted, and not yet activated.
#                  For images that cannot be asked in the bundle: casync, adaptive,
#                  tar, ubifs. And for a slot that owns its data, see below.

set -u

# >>> check_image
# check_image IMAGE: has the image's own runner judge the image's migrations
# against this device's record, and changes nothing. IMAGE is a file or a
# partition with a file system, or a directory with the image's tree. Only for
# an image whose signature was checked: a program of it is run.
#
# The status is that of `migrate-runner check`; the last line on stderr is the
# reason, for people.
check_image() {
    image_tree=$1
    if [ ! -d "$1" ]; then
        image_tree=$(mktemp -d) || return 1
        image_options=ro
        [ -b "$1" ] || image_options=ro,loop
        if ! mount -o "$image_options" "$1" "$image_tree"; then
            rmdir "$image_tree"
            echo "migrations: refused: $1 cannot be mounted to look at its migrations" >&2
            return 1
        fi
    fi
    image_status=0
    if [ -x "$image_tree/usr/sbin/migrate-runner" ]; then
        # MIGRATION_ROOT: where the device's data is, if not below /.
        image_plan=$("$image_tree/usr/sbin/migrate-runner" check --image "$image_tree" --root "${MIGRATION_ROOT:-/}" 2>&1) ||
            image_status=$?
    else
        # It would not see that the data was migrated.
        image_plan= image_status=127
    fi
    if [ "$image_tree" != "$1" ]; then
        umount -d "$image_tree" && rmdir "$image_tree"
    fi
    if [ "$image_status" -eq 0 ]; then
        # What it would do is no error, and some updaters log stderr as one.
        [ -z "$image_plan" ] || echo "$image_plan"
        echo "migrations: this device may have the image"
        return 0
    fi
    [ -z "$image_plan" ] || echo "$image_plan" >&2
    # What the runner said: the error, then what to do.
    image_reason=$(echo "$image_plan" | sed -n 's/^migrate-runner: error: //p; s/^migrate-runner: hint: /; /p' | tr -d '\n')
    case $image_status in
    2) echo "migrations: refused: the image's runner does not know \`check --image\`: $image_reason" ;;
    3) echo "migrations: refused: a migration has no attempts left: $image_reason" ;;
    4) echo "migrations: refused: the data is newer than the image allows: $image_reason" ;;
    5) echo "migrations: refused: this device is too old for the image: $image_reason" ;;
    6) echo "migrations: refused: the image's migrations are not as they were built: $image_reason" ;;
    7) echo "migrations: refused: the record of this device cannot be used: $image_reason" ;;
    8) echo "migrations: not now: another migrate-runner is at work: $image_reason" ;;
    127) echo "migrations: refused: the image has no migrate-runner" ;;
    *) echo "migrations: refused: the check ended with exit $image_status: $image_reason" ;;
    esac >&2
    return "$image_status"
}
# <<< check_image

# The name of the image in the bundle; meta-rauc: RAUC_SLOT_rootfs[rename].
image=rootfs.ext4

# yes: the slot owns its data, so a copy of the data goes into the new slot and is
# migrated there; the slot is not activated unless all of it took effect. WRONG
# where the slots share their data: the old slot is running on it, and would have
# to live with the new data after a fallback.
slot_owns_data=no

# What belongs to the slot: the data, and the record of what was done to it.
# Both or none.
owned="/var/lib/thermo /var/lib/migration"

install_check() {
    if [ "$RAUC_MF_COMPATIBLE" != "$RAUC_SYSTEM_COMPATIBLE" ]; then
        echo "compatible is $RAUC_MF_COMPATIBLE, and this system is $RAUC_SYSTEM_COMPATIBLE" >&2
        exit 10
    fi
    # The hook is called where the bundle is mounted. RAUC takes 10 and above for
    # a refusal, below for a broken hook.
    check_image "${0%/*}/$image" || exit $((10 + $?))
}

post_install() {
    slot=$RAUC_SLOT_MOUNT_POINT
    check_image "$slot" || exit
    [ $slot_owns_data = yes ] || exit 0
    # The image brings a state of its own at most for devices that are new.
    for path in $owned; do
        if [ -e "$path" ]; then
            rm -rf "${slot:?}$path"
            mkdir -p "$slot${path%/*}" && cp -a "$path" "$slot$path" || exit 1
        fi
    done
    # Scripts are run in the slot's tree and expect the file systems of a device.
    trap 'umount "$slot/proc" "$slot/dev"' EXIT
    mount -t proc proc "$slot/proc" && mount -o bind /dev "$slot/dev" || exit 1
    "$slot/usr/sbin/migrate-runner" run --root "$slot"
    status=$?
    # 0 is also the exit when a migration said "not now" (75): then the first boot
    # of the slot goes on with it.
    [ $status -eq 0 ] || echo "migrations: refused: the slot's data could not be migrated (exit $status)" >&2
    exit $status
}

case $1 in
install-check) install_check ;;
slot-post-install) post_install ;;
*) exit 1 ;;
esac
