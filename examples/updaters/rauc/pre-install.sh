#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# Installed as /usr/lib/rauc/pre-install.sh, the pre-install handler of system.conf.
# RAUC calls it when the bundle's signature was checked and the bundle is
# mounted, before it writes to a slot. Any exit but 0 ends the installation;
# nothing was written then. What it prints is in the journal of rauc.service.
#
# For images that a kernel can mount from the bundle: ext4, squashfs, erofs. A
# bundle of casync, adaptive, tar or ubifs images has none, so it is refused
# here: leave this handler out, and let hook.sh ask when the slot is written.

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

# RAUC numbers the slots, and says what goes into each.
asked=no
for number in $RAUC_TARGET_SLOTS; do
    eval "class=\${RAUC_SLOT_CLASS_$number-} image=\${RAUC_IMAGE_NAME_$number-}"
    # shellcheck disable=SC2154 # set by eval
    if [ "$class" = rootfs ] && [ -n "$image" ]; then
        check_image "$RAUC_UPDATE_SOURCE/${image##*/}" || exit
        asked=yes
    fi
done
if [ $asked = no ]; then
    echo "migrations: refused: the bundle has no image for a slot of the class rootfs" >&2
    exit 1
fi
