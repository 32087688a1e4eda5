# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# bash completion for migrate-runner, made from its --help by `make man`.

_migrate_runner() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words
    COMPREPLY=()
    case $before in
    --root|--image)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    esac
    case $word in
    -*) words="--root --image --json --allow-volatile --help" ;;
    *)
        case " ${COMP_WORDS[*]:1:COMP_CWORD-1} " in
        *" "@(require|retry|forget)" "*)
            words=$(sed -n 's/^Migration: //p' /etc/migration.d/manifest 2>/dev/null)
            # Bash takes a colon for the end of a word; only what is behind it
            # is replaced.
            local IFS=$'\n'
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
            return
            ;;
        esac
        words="run check status require baseline retry forget confirm version"
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _migrate_runner migrate-runner
