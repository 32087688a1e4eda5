#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# setup.sh [SERIES…]: gets bitbake and openembedded-core at the commits that
# `pins` names (default: scarthgap wrynose master) into OE_CACHE.
#
#   OE_CACHE      the directory ($XDG_CACHE_HOME/meta-migration/oe; for root
#                 /var/cache/meta-migration/oe, since others must read it)
#   OE_CORE_URL   where openembedded-core comes from (upstream), any git URL
#   BITBAKE_URL   where bitbake comes from (upstream)
#
# Needs git and a network, or URLs of a mirror (file:///…). What is already
# there at the right commit stays.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
core_url=${OE_CORE_URL:-https://git.openembedded.org/openembedded-core}
bitbake_url=${BITBAKE_URL:-https://git.openembedded.org/bitbake}
if [ "$(id -u)" = 0 ]; then
    cache=${OE_CACHE:-/var/cache/meta-migration/oe}
else
    cache=${OE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/meta-migration/oe}
fi

# checkout URL BRANCH COMMIT DIRECTORY
checkout() {
    if [ "$(git -C "$4" rev-parse HEAD 2>/dev/null)" = "$3" ]; then
        echo "setup: $4 is there"
        return
    fi
    echo "setup: $4: $1 $3"
    rm -rf "$4.new"
    git init -q "$4.new"
    # Servers that do not serve a commit by its name serve it in its branch.
    git -C "$4.new" fetch -q --depth 1 "$1" "$3" 2>/dev/null || git -C "$4.new" fetch -q "$1" "$2"
    git -C "$4.new" checkout -q "$3"
    rm -rf "$4"
    mv "$4.new" "$4"
}

mkdir -p "$cache"
for series in "${@:-scarthgap wrynose master}"; do
    for s in $series; do
        line=$(grep "^$s[[:space:]]" "$here/pins") || { echo "setup: error: no series \"$s\" in $here/pins" >&2; exit 1; }
        # shellcheck disable=SC2086
        set -- $line
        checkout "$core_url" "$1" "$2" "$cache/core-$1"
        checkout "$bitbake_url" "$3" "$4" "$cache/bitbake-$1"
    done
done
