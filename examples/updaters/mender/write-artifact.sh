#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# usage: write-artifact.sh IMAGE RELEASE ARTIFACT [MENDER-ARTIFACT-OPTION...]
#
# Packs an image with the state scripts beside this file. In a Yocto build
# meta-mender does that: inherit mender-state-scripts in a recipe that
# installs them into ${MENDER_STATE_SCRIPTS_DIR}, and MENDER_ARTIFACT_EXTRA_ARGS has
# the options.
#
# Options that are worth to be known:
#
#   -k KEY                             signs: the check runs a program of the image
#   --depends rootfs-image.version:R   once for each release that may upgrade: for an
#                                      image with Min-From, Mender itself then refuses
#                                      older devices, before the download

set -eu

[ $# -ge 3 ] || {
    sed -n 's/^# usage:/usage:/p' "$0" >&2
    exit 2
}
here=$(cd "$(dirname "$0")" && pwd)
image=$1 release=$2 artifact=$3
shift 3
for script in "$here"/Artifact*; do
    case $script in
    # Only where the slot owns its data.
    *_slot-data) [ "${SLOT_OWNS_DATA:-no}" = yes ] || continue ;;
    esac
    set -- --script "$script" "$@"
done
exec mender-artifact write rootfs-image --file "$image" --artifact-name "thermo-$release" \
    --software-version "$release" --device-type thermo --output-path "$artifact" --compression none "$@"
