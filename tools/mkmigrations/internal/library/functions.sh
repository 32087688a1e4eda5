# shellcheck shell=sh
# shellcheck disable=SC2016,SC2030,SC2031,SC2094
# (awk programs are quoted; verbs are subshells on purpose; reading a file twice)
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# functions.sh: verbs for migrations. A migration begins with
#
#     . "$MIGRATION_LIB"
#
# and is run by migrate-runner as root, by `sh -e`, before the services that
# use its data. Every verb keeps four promises:
#
#   again     a second call finds nothing to do and then writes nothing: no new
#             inode, no new time, so no copy in the upper layer of an overlay.
#   power     a file is written beside its place, synced and renamed. Whatever
#             instant the power goes, a file is the old or the new one, and the
#             same call made again ends where one undisturbed call ends.
#   report    one line on stdout says what was changed, silence means nothing
#             was. What went wrong is the last line on stderr, which the runner
#             shows as the reason; the status is then 1 and ends a `sh -e`.
#   meaning   a verb never changes its meaning, since scripts of old releases
#             still call it. New behaviour is a new verb or a new option.
#
# Verbs take absolute paths and never follow a symbolic link to what they change.
#
#   ensure_group NAME [GID]                 ensure_user NAME [option...]
#   add_to_group USER GROUP...              remap_ids user:OLD=NEW... -- DIR...
#   rename_user OLD NEW                     rename_group OLD NEW
#   remove_user NAME                        remove_group NAME
#   replace_file DEST [SOURCE]              set_key [--section S] FILE KEY VALUE
#   move_path OLD NEW                       remove_stale_links DIR [PREFIX...]
#   drop_override [option...] FILE DIGEST...
#   clear_whiteout [option...] FILE
#
# What it needs: a POSIX shell and awk, cat, chmod, chown, cmp, cp, cut, find,
# grep, ln, ls, mkdir, mktemp, mv, readlink, rm, rmdir, sed, sha256sum, sleep,
# sort, stat, sync, touch, tr: all in oe-core's busybox. getfattr and setfattr are used
# where they are. Names that begin with _mig_ are private to this file.
#
# Each verb is a function with a subshell as its body: its variables, traps and
# shell options end with it, and `exit` leaves the verb, not the migration.

# ---------------------------------------------------------------------------
# Common to all verbs

# _mig_begin VERB: sets up the verb's subshell. -e is off inside, since it is
# ignored anyway where the caller tests the verb (`verb || ...`): every command
# that matters is checked by hand.
_mig_begin() {
	set +efC
	IFS=' 	
'
	LC_ALL=C
	export LC_ALL
	_mig_verb=$1 _mig_temp='' _mig_stage='' _mig_locks='' _mig_dry=0 _mig_changed=0 _mig_said=''
	trap _mig_end EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# _mig_end removes what an ended verb must not leave behind. What a killed one
# leaves is removed by the next call.
_mig_end() {
	if [ -n "$_mig_temp" ]; then rm -rf "$_mig_temp"; fi
	if [ -n "$_mig_stage" ]; then rm -f "$_mig_stage"; fi
	_mig_unlock
}

# _mig_die MESSAGE...: the verb ends with status 1. One line, whatever the
# message holds, because the runner shows the last line only.
_mig_die() {
	printf '%s: %s\n' "$_mig_verb" "$(printf '%s' "$*" | tr '\n' ' ')" >&2
	exit 1
}

# _mig_say MESSAGE...: reports a change. That nobody listens (stdout closed early
# in boot) does not undo it, so it is no failure.
_mig_say() {
	printf '%s: %s\n' "$_mig_verb" "$*" 2>/dev/null || :
}

# _mig_sync PATH: the file or directory is on the disk when it returns. A
# busybox without CONFIG_FEATURE_SYNC_FANCY ignores the name (and says so on
# stderr) and syncs everything, which is slower and as good. Some file systems
# refuse to sync a directory alone.
_mig_sync() {
	sync "$1" 2>/dev/null && return
	[ -d "$1" ] || _mig_die "syncing \"$1\": input/output error or no space"
	sync
}

# _mig_parent PATH: sets _mig_dir and _mig_base.
_mig_parent() {
	_mig_dir=${1%/*} _mig_base=${1##*/}
	[ -n "$_mig_dir" ] || _mig_dir=/
}

# _mig_absolute PATH: refuses a path that is not absolute and plain.
_mig_absolute() {
	case $1 in
	/*) ;;
	*) _mig_die "\"$1\" is not an absolute path" ;;
	esac
	case $1/ in
	*/../* | */./* | *//*) _mig_die "\"$1\": write the path without \"..\", \".\", \"//\" or a \"/\" at its end" ;;
	esac
}

# _mig_absolute_dir DIR: the same for a directory, which may be / or end with one.
_mig_absolute_dir() {
	[ "$1" = / ] || _mig_absolute "${1%/}"
}

# _mig_regular FILE: refuses what a rename would destroy or not reach.
_mig_regular() {
	_mig_absolute "$1"
	if [ -L "$1" ]; then
		_mig_die "\"$1\" is a symbolic link; name the file it leads to ($(readlink "$1"))"
	fi
	if [ -e "$1" ] && [ ! -f "$1" ]; then
		_mig_die "\"$1\" is not a regular file"
	fi
}

# _mig_text FILE: refuses NUL bytes, which a power cut leaves on some file
# systems and which awk would cut off silently.
_mig_text() {
	tr -d '\000' <"$1" | cmp -s - "$1" ||
		_mig_die "\"$1\" holds NUL bytes, so it is damaged or not a text file; restore it first"
}

# _mig_mktemp DEST: makes an empty file beside DEST, removes what killed calls
# left, sets _mig_temp. mktemp, not a fixed name: nobody can prepare a link.
_mig_mktemp() {
	_mig_parent "$1"
	rm -rf "${_mig_dir%/}/.$_mig_base.mig".??????
	_mig_temp=$(mktemp "${_mig_dir%/}/.$_mig_base.mig.XXXXXX") || {
		_mig_temp=''
		_mig_die "creating a temporary file beside \"$1\""
	}
}

# _mig_shape DEST REF: _mig_mktemp, and the new file gets owner and mode of REF.
# It starts as a copy, since cp is the one tool that brings ACLs where it can.
_mig_shape() {
	_mig_mktemp "$1"
	cp -p "$2" "$_mig_temp" || _mig_die "copying owner and mode of \"$2\""
}

# _mig_xattrs REF: copies extended attributes to _mig_temp as far as there is a
# tool that can. After the content is written: a write drops security.capability.
_mig_xattrs() {
	if cp --attributes-only --preserve=all "$1" "$_mig_temp" 2>/dev/null; then
		touch "$_mig_temp"
	elif command -v getfattr >/dev/null && command -v setfattr >/dev/null; then
		getfattr -h -d -m - -e hex --absolute-names "$1" 2>/dev/null |
			while IFS='=' read -r _mig_x _mig_v; do
				case $_mig_x in
				'' | '#'*) ;;
				*) setfattr -h -n "$_mig_x" -v "$_mig_v" "$_mig_temp" 2>/dev/null ;;
				esac
			done
	fi
}

# _mig_commit DEST: _mig_temp takes DEST's place, durably.
_mig_commit() {
	_mig_sync "$_mig_temp"
	mv -f "$_mig_temp" "$1" || _mig_die "renaming the new \"$1\" into place"
	_mig_temp=''
	_mig_parent "$1"
	_mig_sync "$_mig_dir"
}

# _mig_install DEST REF SOURCE: DEST becomes SOURCE's content with the
# attributes of REF. The comparison finds what a full disk cut off.
_mig_install() {
	_mig_shape "$1" "$2"
	if ! { cat "$3" >"$_mig_temp" && cmp -s "$3" "$_mig_temp"; }; then
		_mig_die "writing the new \"$1\""
	fi
	_mig_xattrs "$2"
	_mig_commit "$1"
}

# _mig_filter FILE PROGRAM: FILE becomes what the awk program makes of it. awk
# runs twice, and the comparison finds what a full disk cut off: not every awk
# reports that.
_mig_filter() {
	_mig_shape "$1" "$1"
	awk -F: "$2" "$1" >"$_mig_temp" || _mig_die "editing \"$1\""
	awk -F: "$2" "$1" | cmp -s - "$_mig_temp" || _mig_die "writing the new \"$1\": no space"
	_mig_xattrs "$1"
	_mig_commit "$1"
}

# ---------------------------------------------------------------------------
# Users and groups
#
# Read-only images have no shadow tools, so the four files are edited here. Each
# file is replaced by one rename; a verb that changes several orders them so
# that any prefix of its steps is harmless and the next call completes it. The
# entry that makes a user or group visible (passwd, group) comes last. Lines of
# others, also malformed ones and NIS lines, stay as they are, byte for byte.
#
# Locks: shadow's tools keep each other out by FILE.lock, a hard link that holds
# a process number; so do these verbs, for the four files, and only when they
# change something. The fcntl lock of lckpwdf on /etc/.pwd.lock cannot be taken
# by a shell (flock(1) takes another kind), and there is nobody to keep out
# then: the runner works before the services, and systemd-sysusers is ordered.

# The programs that may hold FILE.lock.
_mig_holders=' chage chfn chgpasswd chpasswd chsh gpasswd groupadd groupdel groupmems groupmod grpck grpconv grpunconv newusers passwd pwck pwconv pwunconv useradd userdel usermod vigr vipw '

# _mig_locked LOCK: true while LOCK is held. A lock that a power cut left holds
# a number that some other process has by now, likely a like one so early in
# boot; so the number must be that of one of shadow's tools. Sets _mig_pid and
# _mig_who (empty: /proc is not there, as in another root, so it is not known).
_mig_locked() {
	[ -e "$1" ] || return 1
	_mig_pid=$(tr -dc '0-9' <"$1" 2>/dev/null) _mig_who=''
	if [ -z "$_mig_pid" ] || [ "$_mig_pid" = "$$" ]; then return 1; fi
	kill -0 "$_mig_pid" 2>/dev/null || return 1
	[ -r /proc/self/stat ] || return 0
	_mig_who=$(cat "/proc/$_mig_pid/comm" 2>/dev/null) || return 1
	case $_mig_holders in
	*" $_mig_who "*) return 0 ;;
	esac
	return 1
}

# _mig_unstale removes locks that nobody holds, also where there is nothing else
# to do: left lying, they would make passwd(1) wait for a stranger.
_mig_unstale() {
	for _mig_f in passwd shadow group gshadow; do
		if [ -e "/etc/$_mig_f.lock" ] && ! _mig_locked "/etc/$_mig_f.lock"; then
			rm -f "/etc/$_mig_f.lock"
		fi
	done
}

# _mig_lock takes the locks in shadow's order, and waits 15 s as shadow does.
_mig_lock() {
	for _mig_f in passwd shadow group gshadow; do
		[ -f "/etc/$_mig_f" ] || continue
		_mig_mktemp "/etc/$_mig_f.lock"
		# No newline: shadow takes such a lock for damaged, and stops.
		printf '%s' "$$" >"$_mig_temp" || _mig_die "writing the lock of /etc/$_mig_f"
		_mig_wait=0
		until ln "$_mig_temp" "/etc/$_mig_f.lock" 2>/dev/null; do
			if ! _mig_locked "/etc/$_mig_f.lock"; then
				rm -f "/etc/$_mig_f.lock"
			elif [ "$_mig_wait" -lt 15 ]; then
				sleep 1
			elif [ -z "$_mig_who" ]; then
				# Fifteen seconds is longer than any of the tools takes.
				rm -f "/etc/$_mig_f.lock"
			else
				_mig_die "/etc/$_mig_f is locked by $_mig_who (process $_mig_pid)"
			fi
			_mig_wait=$((_mig_wait + 1))
			[ "$_mig_wait" -lt 20 ] || _mig_die "creating the lock /etc/$_mig_f.lock"
		done
		_mig_locks="$_mig_locks /etc/$_mig_f.lock"
		rm -f "$_mig_temp"
		_mig_temp=''
	done
}

# _mig_unlock gives back what _mig_lock took.
_mig_unlock() {
	for _mig_f in $_mig_locks; do rm -f "$_mig_f"; done
	_mig_locks=''
}

# _mig_twice FUNCTION: runs it dry, to see without writing whether there is
# anything to do, then under the locks.
_mig_twice() {
	for _mig_f in passwd group shadow gshadow; do
		case $_mig_f in
		passwd | group) [ -f "/etc/$_mig_f" ] || _mig_die "/etc/$_mig_f does not exist" ;;
		esac
		if [ -e "/etc/$_mig_f" ]; then
			_mig_regular "/etc/$_mig_f"
			_mig_text "/etc/$_mig_f"
		fi
	done
	_mig_unstale
	_mig_dry=1
	"$1"
	[ "$_mig_changed" = 1 ] || exit 0
	_mig_lock
	_mig_dry=0 _mig_said=''
	"$1"
	_mig_say "$_mig_said"
}

# _mig_note TEXT: adds to the report.
_mig_note() {
	_mig_said=$_mig_said${_mig_said:+, }$1
}

# _mig_name KIND NAME: refuses names that would break a file or another tool.
_mig_name() {
	case ${2%\$} in
	'' | [!A-Za-z_]* | *[!A-Za-z0-9_.-]*)
		_mig_die "$1 name \"$2\" is refused: a letter or \"_\", then letters, digits, \"_\", \"-\", \".\"" ;;
	esac
	[ "${#2}" -le 32 ] || _mig_die "$1 name \"$2\" is refused: more than 32 bytes"
}

# _mig_number KIND NUMBER
_mig_number() {
	case $2 in
	'' | *[!0-9]* | 0?* | ???????????*) _mig_die "$1 \"$2\" is not a number from 0 to 4294967294" ;;
	esac
	[ "$2" -le 4294967294 ] || _mig_die "$1 \"$2\" is not a number from 0 to 4294967294"
}

# _mig_value WHAT TEXT: refuses what would end a field.
_mig_value() {
	case $2 in
	*:* | *'
'*) _mig_die "$1 \"$2\" is refused: it holds \":\" or a newline" ;;
	esac
}

# _mig_get FILE NAME: sets _mig_row to the first entry of NAME ('' if there is
# none) and _mig_1 to _mig_9 to its fields. The libc takes the first one too.
# Comparing `x "" == y ""` keeps awk from comparing numbers.
_mig_get() {
	_mig_row=''
	if [ -f "$1" ]; then
		_mig_row=$(MIG_NAME=$2 awk -F: '$1 "" == ENVIRON["MIG_NAME"] "" { print; exit }' "$1") ||
			_mig_die "reading \"$1\""
	fi
	case $1 in
	*/passwd) _mig_n=7 ;;
	*/shadow) _mig_n=9 ;;
	*) _mig_n=4 ;;
	esac
	_mig_o=$(printf '%s' "$_mig_row" | tr -dc ':')
	if [ -n "$_mig_row" ] && [ "$((${#_mig_o} + 1))" -ne "$_mig_n" ]; then
		_mig_die "the entry of \"$2\" in $1 has $((${#_mig_o} + 1)) fields instead of $_mig_n; mend it first"
	fi
	set -f
	IFS=:
	# shellcheck disable=SC2086 # the fields are wanted as words
	set -- $_mig_row
	IFS=' 	
'
	set +f
	_mig_1=${1-} _mig_2=${2-} _mig_3=${3-} _mig_4=${4-} _mig_5=${5-} _mig_6=${6-} _mig_7=${7-}
	_mig_rest=":${5-}:${6-}:${7-}:${8-}:${9-}"
}

# _mig_holder FILE NUMBER: prints who has the number in passwd or group.
_mig_holder() {
	awk -F: -v n="$2" 'NF >= 4 && $3 "" == n "" { print $1; exit }' "$1"
}

# _mig_unheld FILE NUMBER NAME: refuses a number that another one has.
_mig_unheld() {
	_mig_h=$(_mig_holder "$1" "$2")
	if [ -z "$_mig_h" ] || [ "$_mig_h" = "$3" ]; then return; fi
	if [ "$1" = /etc/passwd ]; then
		_mig_die "uid $2 for \"$3\" is held by \"$_mig_h\"; give another number, or first move it away: ensure_user $_mig_h --uid N"
	fi
	_mig_die "gid $2 for \"$3\" is held by \"$_mig_h\"; give another number, or first move it away: ensure_group $_mig_h N"
}

# _mig_free KIND: prints the highest system number that is neither a uid nor a
# gid of anybody, downwards as useradd -r and systemd-sysusers do. KIND: UID, GID.
_mig_free() {
	{
		# The range comes first in the stream, the used numbers after it.
		if [ -r /etc/login.defs ]; then
			sed -n "s/^[ 	]*SYS_$1_\(M[INAX]*\)[ 	][ 	]*\([0-9][0-9]*\).*/=\1:\2/p" /etc/login.defs
		fi
		awk -F: 'NF == 7 { print $3; print $4 }' /etc/passwd
		awk -F: 'NF == 4 { print $3 }' /etc/group
	} | awk -F: '
		BEGIN { lo = 101; hi = 999 }
		$1 == "=MIN" { lo = $2 + 0; next }
		$1 == "=MAX" { hi = $2 + 0; next }
		{ used[$1] = 1 }
		END { for (i = hi; i >= lo; i--) if (!(i in used)) { print i; exit } }'
}

# _mig_next KIND: sets _mig_number to _mig_free's answer or dies.
_mig_next() {
	_mig_num=$(_mig_free "$1")
	[ -n "$_mig_num" ] ||
		_mig_die "no system number is free (SYS_$1_MIN to SYS_$1_MAX of /etc/login.defs, else 101 to 999); give one"
}

# _mig_row_add, _mig_row_set, _mig_row_cut FILE NAME [ROW]: one entry of FILE.
# A new one goes before the NIS lines ("+", "-"), which end the local part.
_mig_row_add() {
	_mig_changed=1
	[ "$_mig_dry" = 0 ] || return 0
	MIG_ROW=$3
	export MIG_ROW
	_mig_filter "$1" '
		/^[+-]/ && !done { print ENVIRON["MIG_ROW"]; done = 1 }
		{ print }
		END { if (!done) print ENVIRON["MIG_ROW"] }'
}
_mig_row_set() {
	_mig_changed=1
	[ "$_mig_dry" = 0 ] || return 0
	MIG_NAME=$2 MIG_ROW=$3
	export MIG_NAME MIG_ROW
	_mig_filter "$1" '
		!done && $1 "" == ENVIRON["MIG_NAME"] "" { print ENVIRON["MIG_ROW"]; done = 1; next }
		{ print }'
}
_mig_row_cut() {
	_mig_get "$1" "$2"
	[ -n "$_mig_row" ] || return 0
	_mig_changed=1
	[ "$_mig_dry" = 0 ] || return 0
	MIG_NAME=$2
	export MIG_NAME
	_mig_filter "$1" '$1 "" != ENVIRON["MIG_NAME"] "" { print }'
}

# _mig_members FILE OLD NEW: in the lists of members (and of gshadow's
# administrators) OLD becomes NEW, or goes if NEW is '' or there already. Other
# lines stay as they are.
_mig_members() {
	[ -f "$1" ] || return 0
	MIG_OLD=$2 MIG_NEW=$3
	export MIG_OLD MIG_NEW
	_mig_p='
		function edit(s,   a, n, i, out, sep, hit, has) {
			n = split(s, a, ",")
			for (i = 1; i <= n; i++) if (a[i] "" == w "") has = 1
			for (i = 1; i <= n; i++) {
				if (a[i] "" == o "") { hit = 1; if (w == "" || has) continue; a[i] = w; has = 1 }
				out = out sep a[i]; sep = ","
			}
			return hit ? out : s
		}
		BEGIN { OFS = ":"; o = ENVIRON["MIG_OLD"]; w = ENVIRON["MIG_NEW"] }
		NF == 4 {
			m = edit($4); if (m != $4) { $4 = m; ch = 1 }
			if (adm) { m = edit($3); if (m != $3) { $3 = m; ch = 1 } }
		}
		{ print }'
	if [ "$1" = /etc/gshadow ]; then _mig_p="BEGIN { adm = 1 } $_mig_p"; fi
	awk -F: "$_mig_p END { exit !ch }" "$1" >/dev/null || return 0
	_mig_changed=1
	[ "$_mig_dry" = 0 ] || return 0
	_mig_filter "$1" "$_mig_p"
}

# ensure_group NAME [GID]: the group exists, with that number if one is given.
# A new number for an existing group also goes into passwd, where it is the
# primary group of users; files keep the old one (see remap_ids).
ensure_group() (
	_mig_begin ensure_group
	if [ $# -lt 1 ] || [ $# -gt 2 ]; then _mig_die 'usage: ensure_group NAME [GID]'; fi
	_mig_name group "$1"
	_name=$1 _gid=''
	if [ $# -eq 2 ]; then
		_mig_number gid "$2"
		_gid=$2
	fi
	_mig_twice _mig_ensure_group
)

_mig_ensure_group() {
	_mig_get /etc/group "$_name"
	if [ -z "$_mig_row" ]; then
		_mig_num=$_gid
		if [ -z "$_gid" ]; then _mig_next GID; fi
		_mig_unheld /etc/group "$_mig_num" "$_name"
		_mig_new_group "$_name" "$_mig_num"
	elif [ -n "$_gid" ] && [ "$_mig_3" != "$_gid" ]; then
		_mig_unheld /etc/group "$_gid" "$_name"
		_mig_note "$_name: gid $_mig_3 -> $_gid"
		# passwd first: were it second, a crash between would lose the old number.
		_mig_primary "$_mig_3" "$_gid"
		_mig_row_set /etc/group "$_name" "$_mig_1:$_mig_2:$_gid:$_mig_4"
	fi
}

# _mig_new_group NAME GID
_mig_new_group() {
	_mig_get /etc/gshadow "$1"
	if [ -f /etc/gshadow ] && [ -z "$_mig_row" ]; then _mig_row_add /etc/gshadow "$1" "$1:!::"; fi
	_mig_row_add /etc/group "$1" "$1:x:$2:"
	_mig_note "added ${3-}$1 (gid $2)"
}

# _mig_primary OLD NEW: users with the primary group OLD get NEW.
_mig_primary() {
	MIG_OLD=$1 MIG_NEW=$2
	export MIG_OLD MIG_NEW
	_mig_p='
		BEGIN { OFS = ":"; o = ENVIRON["MIG_OLD"]; w = ENVIRON["MIG_NEW"] }
		NF == 7 && $4 "" == o "" { $4 = w; ch = 1 }
		{ print }'
	awk -F: "$_mig_p END { exit !ch }" /etc/passwd >/dev/null || return 0
	_mig_changed=1
	[ "$_mig_dry" = 0 ] || return 0
	_mig_filter /etc/passwd "$_mig_p"
}

# ensure_user NAME [--uid N] [--group GROUP] [--home DIR] [--shell PATH]
# [--comment TEXT] [--locked]: the user exists, and what is given holds. Of an
# existing user the rest is left alone. A new one is locked and gets: a free
# system number, a group of its own name (made if missing), home /, no shell.
ensure_user() (
	_mig_begin ensure_user
	[ $# -ge 1 ] || _mig_die 'usage: ensure_user NAME [--uid N] [--group GROUP] [--home DIR] [--shell PATH] [--comment TEXT] [--locked]'
	_mig_name user "$1"
	_name=$1 _uid='' _group='' _home='' _shell='' _comment='' _setc=0 _locked=0
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--locked)
			_locked=1
			shift
			continue
			;;
		--uid | --group | --home | --shell | --comment) ;;
		*) _mig_die "unknown option \"$1\" (--uid, --group, --home, --shell, --comment, --locked)" ;;
		esac
		[ $# -ge 2 ] || _mig_die "option $1 needs a value"
		_mig_value "$1" "$2"
		case $1 in
		--uid)
			_mig_number uid "$2"
			_uid=$2
			;;
		--group)
			[ -n "$2" ] || _mig_die 'option --group needs a value'
			_group=$2
			;;
		--home)
			_mig_absolute_dir "$2"
			_home=$2
			;;
		--shell)
			_mig_absolute "$2"
			_shell=$2
			;;
		--comment) _comment=$2 _setc=1 ;;
		esac
		shift 2
	done
	_mig_twice _mig_ensure_user
)

_mig_ensure_user() {
	_gid=''
	if [ -n "$_group" ]; then _mig_gid "$_group"; fi
	_mig_get /etc/passwd "$_name"
	if [ -z "$_mig_row" ]; then
		_mig_new_user
	else
		_mig_old_user
	fi
}

# _mig_gid GROUP: sets _gid to the number of a group given by name or number.
_mig_gid() {
	_gid=''
	case $1 in
	*[!0-9]*)
		_mig_get /etc/group "$1"
		_gid=$_mig_3
		;;
	*) if [ -n "$(_mig_holder /etc/group "$1")" ]; then _gid=$1; fi ;;
	esac
	[ -n "$_gid" ] || _mig_die "group \"$1\" does not exist; call ensure_group first"
}

_mig_new_user() {
	_mig_get /etc/group "$_name"
	_own=$_mig_3 _num=$_uid
	if [ -z "$_num" ] && [ -n "$_own" ] && [ -z "$(_mig_holder /etc/passwd "$_own")" ]; then
		# Also the way back to the same number after a crash between the files.
		_num=$_own
	elif [ -z "$_num" ]; then
		_mig_next UID
		_num=$_mig_num
	fi
	_mig_unheld /etc/passwd "$_num" "$_name"
	_mig_note "added $_name (uid $_num)"
	if [ -z "$_gid" ]; then
		_gid=$_own
		if [ -z "$_gid" ]; then
			_gid=$_num
			if [ -n "$(_mig_holder /etc/group "$_gid")" ]; then
				_mig_next GID
				_gid=$_mig_num
			fi
			_mig_new_group "$_name" "$_gid" 'group '
		fi
	fi
	_password='!*'
	if [ -f /etc/shadow ]; then
		_password=x
		_mig_get /etc/shadow "$_name"
		if [ -z "$_mig_row" ]; then
			_mig_row_add /etc/shadow "$_name" "$_name:!*:::::::"
		elif [ "$_mig_row" != "$_name:!*:::::::" ]; then
			# Left by a user of that name: the password is not for the new one.
			_mig_row_set /etc/shadow "$_name" "$_name:!*:::::::"
		fi
	fi
	_mig_nologin=/bin/false
	for _mig_f in /usr/sbin/nologin /sbin/nologin; do
		if [ -x "$_mig_f" ]; then _mig_nologin=$_mig_f; fi
	done
	_mig_row_add /etc/passwd "$_name" "$_name:$_password:$_num:$_gid:$_comment:${_home:-/}:${_shell:-$_mig_nologin}"
}

# _mig_is WHAT OLD WANTED: sets _mig_now to WANTED, and notes a difference; an
# empty WANTED means that OLD stays.
_mig_is() {
	_mig_now=${3:-$2}
	if [ "$_mig_now" != "$2" ]; then _mig_note "$_name: $1 $2 -> $_mig_now"; fi
}

_mig_old_user() {
	_row=$_mig_row _pw=$_mig_2
	if [ -n "$_uid" ] && [ "$_uid" != "$_mig_3" ]; then _mig_unheld /etc/passwd "$_uid" "$_name"; fi
	_mig_is uid "$_mig_3" "$_uid"
	_new=$_mig_now
	_mig_is gid "$_mig_4" "$_gid"
	_new=$_new:$_mig_now
	if [ "$_setc" = 1 ] && [ "$_comment" != "$_mig_5" ]; then
		_mig_note "$_name: comment \"$_mig_5\" -> \"$_comment\""
		_new=$_new:$_comment
	else
		_new=$_new:$_mig_5
	fi
	_mig_is home "$_mig_6" "$_home"
	_new=$_new:$_mig_now
	_mig_is shell "$_mig_7" "$_shell"
	_new=$_new:$_mig_now
	if [ "$_locked" = 1 ]; then _mig_lock_password; fi
	if [ "$_name:$_pw:$_new" != "$_row" ]; then _mig_row_set /etc/passwd "$_name" "$_name:$_pw:$_new"; fi
}

# _mig_lock_password: no password opens the account; the old one stays behind a
# "!" as with usermod -L. Sets _pw, the field for passwd.
_mig_lock_password() {
	case $_pw in
	'!'* | '*'*) return ;;
	x) ;;
	*)
		_pw="!$_pw"
		_mig_note "$_name: locked"
		return
		;;
	esac
	[ -f /etc/shadow ] || return 0
	_mig_get /etc/shadow "$_name"
	if [ -z "$_mig_row" ]; then
		_mig_row_add /etc/shadow "$_name" "$_name:!*:::::::"
		_mig_note "$_name: locked"
		return
	fi
	case $_mig_2 in
	'!'* | '*'*) ;;
	*)
		_mig_row_set /etc/shadow "$_name" "$_name:!$_mig_2:$_mig_3:$_mig_4$_mig_rest"
		_mig_note "$_name: locked"
		;;
	esac
}

# add_to_group USER GROUP...: the user is a member of each group. Its primary
# group counts.
add_to_group() (
	_mig_begin add_to_group
	[ $# -ge 2 ] || _mig_die 'usage: add_to_group USER GROUP...'
	for _name in "$@"; do _mig_name 'user or group' "$_name"; done
	_user=$1
	shift
	_groups=$*
	_mig_twice _mig_add_to_group
)

_mig_add_to_group() {
	_mig_get /etc/passwd "$_user"
	[ -n "$_mig_row" ] || _mig_die "user \"$_user\" does not exist; call ensure_user first"
	_gid=$_mig_4
	for _name in $_groups; do
		_mig_get /etc/group "$_name"
		[ -n "$_mig_row" ] || _mig_die "group \"$_name\" does not exist; call ensure_group first"
		if [ "$_mig_3" = "$_gid" ]; then continue; fi
		_said=$_mig_changed _mig_changed=0
		_mig_join /etc/gshadow
		_mig_join /etc/group
		if [ "$_mig_changed" = 1 ]; then _mig_note "added $_user to $_name"; else _mig_changed=$_said; fi
	done
}

# _mig_join FILE: adds _user to the members of _name, where it is not one.
_mig_join() {
	_mig_get "$1" "$_name"
	if [ -z "$_mig_row" ]; then return; fi
	case ,$_mig_4, in
	*",$_user,"*) return ;;
	esac
	_mig_row_set "$1" "$_name" "$_mig_1:$_mig_2:$_mig_3:$_mig_4${_mig_4:+,}$_user"
}

# rename_user OLD NEW, rename_group OLD NEW: what was OLD is NEW, with its
# number, password and memberships. Nothing to do where OLD does not exist.
rename_user() (
	_mig_begin rename_user
	[ $# -eq 2 ] || _mig_die 'usage: rename_user OLD NEW'
	_mig_name user "$1"
	_mig_name user "$2"
	_old=$1 _new=$2
	_mig_twice _mig_rename_user
)

_mig_rename_user() {
	_mig_may_rename /etc/passwd || return 0
	_mig_rename_row /etc/shadow
	_mig_members /etc/gshadow "$_old" "$_new"
	_mig_members /etc/group "$_old" "$_new"
	_mig_rename_row /etc/passwd
	_mig_note "$_old is now $_new"
}

# _mig_may_rename FILE: FILE, which is renamed in last, still has _old. Without
# it a membership that still names _old is not somebody's right to _new.
_mig_may_rename() {
	_mig_get "$1" "$_new"
	_row=$_mig_row
	_mig_get "$1" "$_old"
	[ -n "$_mig_row" ] || return 1
	[ -z "$_row" ] || _mig_die "\"$_old\" cannot become \"$_new\": $1 has both; remove one first"
}

# _mig_rename_row FILE: a row of _new beside that of _old is left over from one
# that was removed.
_mig_rename_row() {
	_mig_get "$1" "$_old"
	_row=$_mig_row
	[ -n "$_row" ] || return 0
	_mig_row_cut "$1" "$_new"
	_mig_row_set "$1" "$_old" "$_new:${_row#*:}"
}

rename_group() (
	_mig_begin rename_group
	[ $# -eq 2 ] || _mig_die 'usage: rename_group OLD NEW'
	_mig_name group "$1"
	_mig_name group "$2"
	_old=$1 _new=$2
	_mig_twice _mig_rename_group
)

_mig_rename_group() {
	_mig_may_rename /etc/group || return 0
	_mig_rename_row /etc/gshadow
	_mig_rename_row /etc/group
	_mig_note "$_old is now $_new"
}

# remove_user NAME: no such user, nor member of a group. Its own group and its
# files stay.
remove_user() (
	_mig_begin remove_user
	[ $# -eq 1 ] || _mig_die 'usage: remove_user NAME'
	_mig_name user "$1"
	[ "$1" != root ] || _mig_die 'root is not removed'
	_name=$1
	_mig_twice _mig_remove_user
)

_mig_remove_user() {
	_mig_row_cut /etc/passwd "$_name"
	_mig_members /etc/group "$_name" ''
	_mig_members /etc/gshadow "$_name" ''
	_mig_row_cut /etc/shadow "$_name"
	_mig_note "removed $_name"
}

# remove_group NAME: no such group. Refused while it is a user's primary group.
remove_group() (
	_mig_begin remove_group
	[ $# -eq 1 ] || _mig_die 'usage: remove_group NAME'
	_mig_name group "$1"
	[ "$1" != root ] || _mig_die 'root is not removed'
	_name=$1
	_mig_twice _mig_remove_group
)

_mig_remove_group() {
	_mig_get /etc/group "$_name"
	if [ -n "$_mig_row" ]; then
		_mig_h=$(awk -F: -v n="$_mig_3" 'NF == 7 && $4 "" == n "" { print $1; exit }' /etc/passwd)
		[ -z "$_mig_h" ] ||
			_mig_die "\"$_name\" is the primary group of \"$_mig_h\"; first: ensure_user $_mig_h --group OTHER"
	fi
	_mig_row_cut /etc/group "$_name"
	_mig_row_cut /etc/gshadow "$_name"
	_mig_note "removed $_name"
}

# ---------------------------------------------------------------------------
# Numbers of files
#
# remap_ids [--from DIR] [--cross-mounts] [user:OLD=NEW|group:OLD=NEW]... -- DIR...
# OLD and NEW are numbers or names; a name stands for the number it has now.
# --from adds every user and group whose number in DIR/passwd, DIR/group is
# another than now. In the trees, all that OLD owns is then owned by NEW.
#
# A pair whose numbers both occur among old and new ones (two users swap) cannot
# be told from the files: 200 may be one not yet changed or one just changed. So
# these go by two phases. Phase 1 takes each OLD to an interim number of its own,
# which nobody has, and is repeated until no OLD is left; the mark "moved" is
# made durable; phase 2 takes the interim numbers to NEW. In each phase the
# numbers to leave and the ones to reach have none in common, so what is changed
# is never found again, whenever it was interrupted. chown takes setuid and
# setgid bits from programs, also from root: their modes are recorded before the
# first chown and put back after the last.
#
# The record is DIR/.remap_ids.KEY, not MIGRATION_STATE: that is emptied when
# Paths are put back, which need not hold the tree; here the record always is as
# old as the tree. Its files: plan (made last: without it nothing was changed),
# setid/MODE-DEVICE-INODE (links to the programs), moved, done. It is removed at
# the end, except after two phases, where "done" keeps a further call from
# swapping back.

remap_ids() (
	_mig_begin remap_ids
	_cross=0 _map=''
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		case $1 in
		--cross-mounts) _cross=1 ;;
		--from)
			[ $# -ge 2 ] || _mig_die 'option --from needs a directory'
			_mig_map_from "$2"
			shift
			;;
		user:*=* | group:*=*) _mig_map_pair "$1" ;;
		*) _mig_die "\"$1\" is neither an option nor user:OLD=NEW nor group:OLD=NEW (directories come after --)" ;;
		esac
		shift
	done
	[ $# -ge 2 ] || _mig_die 'usage: remap_ids [--from DIR] [--cross-mounts] [user:OLD=NEW|group:OLD=NEW]... -- DIR...'
	shift
	_mig_map_check
	_mig_trees "$@"
	[ -n "$_map" ] || exit 0
	_mig_can_find
	for _dir in "$@"; do
		if [ -d "$_dir" ]; then _mig_remap; fi
	done
)

# _mig_id KIND WORD: sets _mig_num to the number of a name, or to the number.
_mig_id() {
	case $2 in
	'' | *[!0-9]*)
		_mig_name "$1" "$2"
		if [ "$1" = user ]; then _mig_get /etc/passwd "$2"; else _mig_get /etc/group "$2"; fi
		[ -n "$_mig_row" ] || _mig_die "$1 \"$2\" does not exist; call ensure_$1 first or give the number"
		_mig_num=$_mig_3
		;;
	*)
		_mig_number "$1" "$2"
		_mig_num=$2
		;;
	esac
}

# _mig_map_pair KIND:OLD=NEW: adds a line "KIND OLD NEW" to _map.
_mig_map_pair() {
	_kind=${1%%:*} _pair=${1#*:}
	_mig_id "$_kind" "${_pair%%=*}"
	_from=$_mig_num
	_mig_id "$_kind" "${_pair#*=}"
	_map="$_map$_kind $_from $_mig_num
"
}

# _mig_map_from DIR: adds what moved between the files in DIR and those in /etc.
_mig_map_from() {
	_mig_absolute "$1"
	for _f in passwd group; do
		[ -f "$1/$_f" ] || _mig_die "\"$1/$_f\" does not exist"
		_kind=user
		if [ $_f = group ]; then _kind=group; fi
		_more=$(awk -F: -v kind="$_kind" '
			NF < 4 || $3 !~ /^[0-9]+$/ || $1 ~ /^[+-]/ { next }
			FNR == NR { if (!($1 in now)) now[$1] = $3; next }
			!($1 in old) { old[$1] = $3; if (($1 in now) && now[$1] != $3) print kind, $3, now[$1] }
			' "/etc/$_f" "$1/$_f") || _mig_die "reading \"$1/$_f\""
		_map="$_map${_more}${_more:+
}"
	done
}

# _mig_map_check: one number cannot become two; sorts _map and drops what stays.
_mig_map_check() {
	_twice=$(printf '%s' "$_map" | sort -u | awk '{ k = $1 " " $2; if (k in to) { print $1, $2, "as", to[k], "and as", $3; exit } to[k] = $3 }')
	[ -z "$_twice" ] || _mig_die "two new numbers are given for $_twice"
	_map=$(printf '%s' "$_map" | sort -u | awk '$2 != $3')
}

# _mig_trees DIR...: refuses what cannot be a tree, before anything is changed.
# A tree inside another would be gone through twice: swapped and swapped back.
_mig_trees() {
	for _dir in "$@"; do
		_mig_absolute_dir "$_dir"
		if [ -L "$_dir" ]; then
			_mig_die "\"$_dir\" is a symbolic link; name the directory it leads to ($(readlink "$_dir"))"
		fi
		if [ -e "$_dir" ] && [ ! -d "$_dir" ]; then
			_mig_die "\"$_dir\" is not a directory; for one file use chown"
		fi
		_in=0
		for _other in "$@"; do
			case ${_dir%/}/ in
			"${_other%/}"/*) _in=$((_in + 1)) ;;
			esac
		done
		[ "$_in" -eq 1 ] || _mig_die "\"$_dir\" is given twice or lies in another tree that is given"
	done
}

# _mig_remap: one tree, _dir.
_mig_remap() {
	_top=${_dir%/}/ _device=$(stat -c %d "$_dir") || _mig_die "reading \"$_dir\""
	for _rec in "$_top".remap_ids.*; do
		[ -d "$_rec" ] || continue
		if [ ! -f "$_rec/plan" ]; then
			rm -rf "$_rec"
		elif [ ! -f "$_rec/done" ]; then
			_mig_remap_run
			_mig_say "completed in $_dir what was interrupted ($(_mig_words "$_plan"))"
		elif [ -e "$_rec/setid" ]; then
			rm -rf "$_rec/setid"
		fi
	done
	_key=$(printf '%s' "$_map" | sha256sum | cut -c 1-16) || _mig_die 'sha256sum is missing'
	_rec=$_top.remap_ids.$_key
	[ ! -f "$_rec/done" ] || return 0
	_plan=$(printf '%s\n' "$_map" | _mig_overlap)
	_olds=$(printf '%s\n' "$_map" | awk '{ print $1, $2 }')
	_many=$(_mig_count "$_olds") || exit 1
	case $_plan in
	*'?'*) ;;
	# After two phases the files cannot tell that it was done, so even where
	# there is nothing to change the mark is needed; else it is not.
	*) [ "$_many" -gt 0 ] || return 0 ;;
	esac
	_mig_remap_record
	_mig_remap_run
	if [ "$_many" -gt 0 ]; then _mig_say "changed $_many files in $_dir ($(_mig_words "$_plan"))"; fi
}

# _mig_words PLAN: the plan for people.
_mig_words() {
	printf '%s\n' "$1" | awk '{ printf "%s%s %s -> %s", sep, $1, $2, $4; sep = ", " }'
}

# _mig_overlap turns the map on stdin into a plan, lines "KIND OLD INTERIM NEW".
# INTERIM is "?" where one is needed, else "-".
_mig_overlap() {
	awk '
		{ kind[NR] = $1; old[NR] = $2; new[NR] = $3; isold[$1, $2] = 1; isnew[$1, $3] = 1 }
		END {
			for (i = 1; i <= NR; i++) {
				two = ((kind[i], new[i]) in isold) || ((kind[i], old[i]) in isnew)
				print kind[i], old[i], two ? "?" : "-", new[i]
			}
		}'
}

# _mig_find EXPRESSION: find in _dir without the records and, unless asked for,
# without other file systems. In EXPRESSION `-exec ... +` must not stand inside
# parentheses, since busybox's find would never run what it gathered there; what
# it runs must not fail, or busybox drops what else it gathered.
_mig_find() {
	if [ "$_cross" = 1 ]; then
		find "$_dir" -name '.remap_ids.*' -prune -o "$@"
	else
		find "$_dir" -xdev -name '.remap_ids.*' -prune -o "$@"
	fi
}

# _mig_can_find: a find without `-exec ... +` would look like an empty tree.
_mig_can_find() {
	[ "$(find / -prune ! -type d -o -type d -exec sh -c 'echo $#' sh {} + 2>/dev/null)" = 1 ] ||
		_mig_die 'find(1) here has no -exec with "+" (CONFIG_FEATURE_FIND_EXEC_PLUS of busybox)'
}

# _mig_count "KIND NUMBER" LINES: prints how many files have one of the numbers.
# A directory that another file system is mounted on belongs to that one, but
# some finds report it under -xdev: so the device of directories is compared.
_mig_count() {
	_lines=$1
	set --
	for _word in $_lines; do
		case $_word in
		user | group) set -- "$@" -o "-$_word" ;;
		*) set -- "$@" "$_word" ;;
		esac
	done
	shift
	_check=$_device
	if [ "$_cross" = 1 ]; then _check='.*'; fi
	_mig_find -type d \( "$@" \) -exec sh -c 'stat -c %d "$@" | grep -cx "$0" || :' "$_check" {} + -o \
		! -type d \( "$@" \) -exec sh -c 'echo $#' sh {} + | awk '{ n += $1 } END { print n + 0 }'
}

# _mig_chown "KIND FROM TO" LINES: one walk through the tree for the users and
# one for the groups. chown gets many names at once. Errors show in what is left.
_mig_chown() {
	_lines=$1 _olds=$(printf '%s\n' "$1" | awk '{ print $1, $2 }')
	_script='
		dev=$0 to=$1
		shift
		if [ -z "$dev" ] || ! stat -c %d "$@" | grep -qvx "$dev"; then
			chown -h "$to" "$@"
		else
			for d; do
				if [ "$(stat -c %d "$d")" = "$dev" ]; then chown -h "$to" "$d"; fi
			done
		fi
		:'
	_check=$_device
	if [ "$_cross" = 1 ]; then _check=''; fi
	for _kind in user group; do
		_what=from
		set --
		for _word in $(printf '%s\n' "$_lines" | awk -v kind="$_kind" '$1 == kind { print $2, $3 }'); do
			if [ $_what = from ]; then
				_from=$_word _what=to
				continue
			fi
			if [ $_kind = group ]; then _word=:$_word; fi
			set -- "$@" -o "-$_kind" "$_from" -type d -exec sh -c "$_script" "$_check" "$_word" {} + \
				-o "-$_kind" "$_from" ! -type d -exec sh -c 'to=$0; chown -h "$to" "$@"; :' "$_word" {} +
			_what=from
		done
		if [ $# -eq 0 ]; then continue; fi
		shift
		_mig_find "$@"
	done
	_left=$(_mig_count "$_olds") || exit 1
	[ "$_left" -eq 0 ] || _mig_die "$_left files in \"$_dir\" could not be given their new owner"
}

# _mig_remap_record makes the record; the plan is the last file in it.
_mig_remap_record() {
	rm -rf "$_rec"
	if ! { mkdir "$_rec" && chmod 700 "$_rec" && mkdir "$_rec/setid"; }; then
		_mig_die "creating \"$_rec\""
	fi
	_mig_interim
	if [ "$_many" -gt 0 ]; then _mig_setid; fi
	printf '%s\n' "cross $_cross" "$_plan" >"$_rec/plan.new" || _mig_die "writing \"$_rec/plan\""
	sync
	mv "$_rec/plan.new" "$_rec/plan" || _mig_die "writing \"$_rec/plan\""
	sync
}

# _mig_interim puts numbers for the "?" into _plan: nobody's, and of no file in
# the tree. At most 65533, since JFFS2 keeps 16 bits; from there down to 65520 no
# program hands any out, below lie systemd's dynamic users.
_mig_interim() {
	_high=65533
	while :; do
		_try=$(printf '%s\n' "$_plan" | awk -F: -v top="$_high" '
			FILENAME != "-" { used[$3] = 1; next }
			{
				n = split($0, f, " ")
				if (f[3] == "?") { while (top in used) top--; f[3] = top-- }
				print f[1], f[2], f[3], f[4]
			}' /etc/passwd /etc/group -)
		_olds=$(printf '%s\n' "$_try" | awk '$3 != "-" { print $1, $3 }')
		if [ -z "$_olds" ]; then break; fi
		_clash=$(_mig_count "$_olds") || exit 1
		if [ "$_clash" -eq 0 ]; then break; fi
		_high=$((_high - 100))
		[ "$_high" -gt 61184 ] || _mig_die "no unused numbers from 61184 to 65533 in \"$_dir\""
	done
	_plan=$_try
}

# _mig_setid records the modes of programs that chown takes bits from. A link
# holds any name, and chmod follows it. Of a file with more names one is enough.
_mig_setid() {
	set --
	for _word in $(printf '%s\n' "$_map" | awk '{ print $1, $2 }'); do
		case $_word in
		user | group) set -- "$@" -o "-$_word" ;;
		*) set -- "$@" "$_word" ;;
		esac
	done
	shift
	_mig_find -type f \( -perm -4000 -o -perm -2000 \) \( "$@" \) -exec sh -c '
		for f; do
			n=$(stat -c %a-%d-%i "$f") && { [ -L "$0/setid/$n" ] || ln -s "$f" "$0/setid/$n"; } ||
				printf "%s" "$f" >"$0/failed"
		done
		:' "$_rec" {} + || _mig_die "looking for setuid programs in \"$_dir\""
	[ ! -e "$_rec/failed" ] || _mig_die "recording the mode of \"$(cat "$_rec/failed")\""
}

# _mig_remap_run does what the plan in _rec says, from wherever it stopped. sync
# is the whole one: chown works on files anywhere in the tree.
_mig_remap_run() {
	_wish=$_cross
	_cross=$(sed -n 's/^cross //p' "$_rec/plan")
	_plan=$(sed 1d "$_rec/plan")
	_two=$(printf '%s\n' "$_plan" | awk '$3 != "-" { print $1, $2, $3 }')
	if [ -n "$_two" ] && [ ! -f "$_rec/moved" ]; then
		_mig_chown "$_two"
		sync
		: >"$_rec/moved" || _mig_die "writing \"$_rec/moved\""
		sync
	fi
	_mig_chown "$(printf '%s\n' "$_plan" | awk '{ print $1, $3 == "-" ? $2 : $3, $4 }')"
	for _link in "$_rec"/setid/*; do
		[ -e "$_link" ] || continue
		_mode=${_link##*/}
		chmod "${_mode%%-*}" "$_link" || _mig_die "giving $(readlink "$_link") its mode ${_mode%%-*} back"
	done
	sync
	if [ -n "$_two" ]; then
		: >"$_rec/done" || _mig_die "writing \"$_rec/done\""
		_mig_sync "$_rec"
		rm -rf "$_rec/setid"
	else
		# The plan first: without it the rest means nothing.
		rm -f "$_rec/plan"
		rm -rf "$_rec"
	fi
	_cross=$_wish
}

# ---------------------------------------------------------------------------
# Files

# replace_file DEST [SOURCE]: DEST has the content of SOURCE, or of stdin, and
# keeps owner, mode and, as far as there are tools, extended attributes. A new
# one is root's, 0644. Nothing on stdin is refused: the runner gives /dev/null,
# so it means that the here-document was forgotten.
replace_file() (
	_mig_begin replace_file
	if [ $# -lt 1 ] || [ $# -gt 2 ]; then _mig_die 'usage: replace_file DEST [SOURCE]'; fi
	_mig_regular "$1"
	_mig_parent "$1"
	[ -d "$_mig_dir" ] || _mig_die "directory \"$_mig_dir\" does not exist"
	if [ $# -eq 2 ]; then
		if [ ! -f "$2" ] && [ "$2" != /dev/null ]; then _mig_die "source \"$2\" is not a file"; fi
		_source=$2
	else
		_mig_stdin
	fi
	if [ ! -e "$1" ]; then
		_mig_mktemp "$1"
		if ! { cat "$_source" >"$_mig_temp" && cmp -s "$_source" "$_mig_temp" && chmod 644 "$_mig_temp"; }; then
			_mig_die "writing the new \"$1\""
		fi
		_mig_commit "$1"
		_mig_say "created $1"
	elif ! cmp -s "$_source" "$1"; then
		_mig_install "$1" "$1" "$_source"
		_mig_say "replaced $1"
	fi
)

# _mig_stdin keeps stdin in a file, _source, not beside DEST: where nothing is
# to do, nothing there may change, not even the time of the directory.
_mig_stdin() {
	_stage=${MIGRATION_STATE:-${TMPDIR:-/tmp}}
	rm -f "$_stage/.stdin.mig".??????
	_mig_stage=$(mktemp "$_stage/.stdin.mig.XXXXXX") || _mig_die "creating a temporary file in \"$_stage\""
	_source=$_mig_stage
	cat >"$_source" || _mig_die "writing to \"$_stage\""
	[ -s "$_source" ] ||
		_mig_die 'nothing on stdin; give the content by a here-document, or a source file (/dev/null for none)'
}

# set_key [--section NAME] FILE KEY VALUE: in a file of KEY=VALUE lines KEY has
# VALUE. docs/functions.md defines what counts as an assignment and as a section.
set_key() (
	_mig_begin set_key
	MIG_SECTION='' MIG_HAS=0
	if [ "${1-}" = --section ] && [ $# -ge 2 ]; then
		MIG_SECTION=$2 MIG_HAS=1
		shift 2
	fi
	[ $# -eq 3 ] || _mig_die 'usage: set_key [--section NAME] FILE KEY VALUE'
	_mig_key "$@"
	_mig_regular "$1"
	[ -e "$1" ] || _mig_die "\"$1\" does not exist; test for it, or create it with replace_file"
	_mig_text "$1"
	MIG_KEY=$2 MIG_VALUE=$3
	export MIG_SECTION MIG_HAS MIG_KEY MIG_VALUE
	_changes=$(awk "$_mig_set_key"' END { edit(0) }' "$1") || _mig_die "reading \"$1\""
	[ -n "$_changes" ] || exit 0
	_mig_filter "$1" "$_mig_set_key"' END { edit(1) }'
	_mig_say "$1: $_changes"
)

# _mig_key FILE KEY VALUE: refuses what would not be read back as it was given.
_mig_key() {
	case $2 in
	'' | *=* | [\#\;[\ \	]* | *[\ \	] | *'
'*) _mig_die "key \"$2\" is refused: empty, or with \"=\" or a newline, or it begins or ends like a comment, section or blank" ;;
	esac
	case $3 in
	*'
'*) _mig_die "the value of \"$2\" is refused: it holds a newline" ;;
	esac
	case $MIG_SECTION in
	*]* | *'
'*) _mig_die "section \"$MIG_SECTION\" is refused: it holds \"]\" or a newline" ;;
	esac
}

# The awk program of set_key. edit(0) prints what would change, edit(1) the file.
_mig_set_key='
	function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t\r]+$/, "", s); return s }
	function header(s) { return s ~ /^[ \t]*\[[^]]*\][ \t\r]*$/ }
	function key(s,   i) {
		i = index(s, "=")
		if (!i || s ~ /^[ \t]*[#;[]/) return ""
		return trim(substr(s, 1, i - 1))
	}
	# The line with the new value: all up to the value, and a CR at the end, stay.
	function assign(s,   i, head, cr) {
		i = index(s, "=")
		head = substr(s, 1, i); s = substr(s, i + 1)
		cr = s ~ /\r$/ ? "\r" : ""
		match(s, /^[ \t]*/)
		return head substr(s, 1, RLENGTH) ENVIRON["MIG_VALUE"] cr
	}
	{ line[NR] = $0 }
	function edit(show,   i, in_, at, seen, hits, t, cr, new, changed, first) {
		has = ENVIRON["MIG_HAS"]; name = ENVIRON["MIG_SECTION"]; want = ENVIRON["MIG_KEY"]
		in_ = !has
		for (i = 1; i <= NR; i++) {
			if (header(line[i])) {
				if (!first) first = i
				t = trim(line[i]); t = substr(t, 2, length(t) - 2)
				in_ = has && t "" == name ""
				if (in_) { seen = 1; at = i }
			} else if (in_ && key(line[i]) != "") {
				at = i
				if (key(line[i]) "" == want "") {
					hits++
					new = assign(line[i])
					if (new "" != line[i] "") { line[i] = new; changed = 1 }
				}
			}
		}
		if (!hits) {
			if (!has && !at) at = first ? first - 1 : NR
			cr = NR && line[NR] ~ /\r$/ ? "\r" : ""
			new = want "=" ENVIRON["MIG_VALUE"] cr
			if (has && !seen) { at = NR; new = "[" name "]" cr "\n" new }
		}
		if (!show) {
			if (!hits) print "added " want "=" ENVIRON["MIG_VALUE"]
			else if (changed) print "set " want "=" ENVIRON["MIG_VALUE"]
			return
		}
		if (!hits && at == 0) print new
		for (i = 1; i <= NR; i++) { print line[i]; if (!hits && i == at) print new }
	}'

# move_path OLD NEW: what was at OLD is at NEW, also on another file system. At
# every instant OLD or NEW is whole. Both there is an error, except: NEW is an
# empty directory, OLD leads to NEW by a link, or a killed call left both.
move_path() (
	_mig_begin move_path
	[ $# -eq 2 ] || _mig_die 'usage: move_path OLD NEW'
	_mig_absolute "$1"
	_mig_absolute "$2"
	case $2/ in
	"$1"/*) _mig_die "\"$2\" is or lies in \"$1\"" ;;
	esac
	_old=$1 _new=$2 _mark=$2/.move_path
	if [ ! -e "$_old" ] && [ ! -L "$_old" ]; then
		_mig_unmark
		exit 0
	fi
	if [ -r /proc/self/mounts ] && [ -d "$_old" ]; then
		_inner=$(MIG_OLD=$_old awk 'index($2, ENVIRON["MIG_OLD"] "/") == 1 || $2 == ENVIRON["MIG_OLD"] { print $2; exit }' /proc/self/mounts)
		[ -z "$_inner" ] || _mig_die "a file system is mounted at \"$_inner\"; it is not moved to \"$_new\""
	fi
	if [ -e "$_new" ] || [ -L "$_new" ]; then _mig_both; fi
	_mig_parent "$_new"
	mkdir -p "$_mig_dir" || _mig_die "creating \"$_mig_dir\""
	if _mig_renames; then
		mv "$_old" "$_new" || _mig_die "renaming \"$_old\" to \"$_new\""
		_mig_parent "$_new"
		_mig_sync "$_mig_dir"
		_mig_say "renamed $_old to $_new"
	else
		_mig_copy
		_mig_drop
		_mig_say "copied $_old to $_new and removed it"
	fi
)

# _mig_both: OLD and NEW exist. Returns where the move may go on, ends the verb
# where it is done already.
_mig_both() {
	if [ -L "$_old" ] && [ "$(readlink -f "$_old")" = "$(readlink -f "$_new")" ]; then exit 0; fi
	if [ -L "$_new" ] || [ -L "$_old" ]; then
		if [ "$(readlink "$_old")" = "$(readlink "$_new")" ]; then _mig_finish; fi
	elif [ -d "$_old" ] && [ -f "$_mark" ]; then
		if [ "$(cat "$_mark")" = "$_old" ]; then _mig_finish; fi
	elif [ -d "$_old" ] && [ -d "$_new" ]; then
		# An image often has the new directory already, empty.
		rmdir "$_new" 2>/dev/null && return
	elif [ -f "$_old" ] && [ -f "$_new" ]; then
		if cmp -s "$_old" "$_new"; then _mig_finish; fi
	fi
	_mig_die "\"$_old\" and \"$_new\" both exist; decide which one counts and remove the other"
}

# _mig_finish: a killed call had copied all.
_mig_finish() {
	_mig_drop
	_mig_say "copied $_old to $_new and removed it"
	exit 0
}

# _mig_renames: true if one rename can do it. Asked with a hard link, since mv
# would fall back to a copy that a power cut leaves half, and since two bind
# mounts of one file system cannot be told by their device. Directories in an
# overlay cannot be renamed either, unless they are in the upper layer alone.
_mig_renames() {
	if [ -d "$_old" ] && [ ! -L "$_old" ] && _mig_on_overlay "$_old"; then return 1; fi
	_mig_parent "$_new"
	_probe=${_mig_dir%/}/.$_mig_base.mig.probe0
	rm -rf "${_mig_dir%/}/.$_mig_base.mig".??????
	_mig_mktemp "$_old"
	_can=1
	if ln "$_mig_temp" "$_probe" 2>/dev/null; then _can=0; fi
	rm -f "$_probe" "$_mig_temp"
	_mig_temp=''
	return $_can
}

# _mig_copy: NEW appears whole, by a rename. A directory carries a mark that
# says whose copy it is, until OLD is gone.
_mig_copy() {
	_mig_mktemp "$_new"
	rm -f "$_mig_temp"
	cp -a "$_old" "$_mig_temp" || _mig_die "copying \"$_old\" to \"$_new\""
	if [ -d "$_mig_temp" ] && [ ! -L "$_mig_temp" ]; then
		printf '%s\n' "$_old" >"$_mig_temp/.move_path" || _mig_die "writing \"$_mark\""
	fi
	sync
	mv "$_mig_temp" "$_new" || _mig_die "renaming the copy to \"$_new\""
	_mig_temp=''
	_mig_parent "$_new"
	_mig_sync "$_mig_dir"
}

# _mig_drop removes OLD, then the mark in NEW.
_mig_drop() {
	rm -rf "$_old" || _mig_die "removing \"$_old\", which is copied to \"$_new\""
	_mig_parent "$_old"
	_mig_sync "$_mig_dir"
	_mig_unmark
}

# _mig_unmark removes the mark in NEW.
_mig_unmark() {
	if [ -f "$_mark" ] && [ ! -L "$_new" ]; then rm -f "$_mark"; fi
}

# remove_stale_links DIR [PREFIX...]: below DIR no symbolic link leads to what
# does not exist; with PREFIX only those whose target begins with one are
# removed. What /dev, /proc, /sys and /run will hold later is never judged.
remove_stale_links() (
	_mig_begin remove_stale_links
	[ $# -ge 1 ] || _mig_die 'usage: remove_stale_links DIR [PREFIX...]'
	for _word in "$@"; do _mig_absolute_dir "$_word"; done
	if [ -L "$1" ]; then _mig_die "\"$1\" is a symbolic link; name the directory it leads to"; fi
	[ -d "$1" ] || exit 0
	_dir=${1%/}
	shift
	_mig_layers "$_dir/x"
	_gone=$(find "$_dir/" -xdev -type l | sed 's,^//*,/,' | while IFS= read -r _link; do
		case $_link in
		"$_dir"/*) _mig_stale "$_link" "$@" ;;
		esac
	done) || exit 1
	[ -z "$_gone" ] || _mig_say "removed $(printf '%s' "$_gone" | tr '\n' ' ')"
)

# _mig_stale LINK [PREFIX...]: removes and prints LINK if it is stale.
_mig_stale() {
	_l=$1
	shift
	if [ ! -L "$_l" ] || [ -e "$_l" ]; then return; fi
	_t=$(readlink "$_l") || _mig_die "reading \"$_l\""
	case $_t in
	/*) ;;
	*) _t=${_l%/*}/$_t ;;
	esac
	_t=$(printf '%s\n' "$_t" | _mig_plain)
	case $_t/ in
	/dev/* | /proc/* | /sys/* | /run/* | /var/run/*) return ;;
	esac
	_match=$#
	for _p in "$@"; do
		case $_t/ in
		"${_p%/}"/*) _match=0 ;;
		esac
	done
	[ "$_match" -eq 0 ] || return 0
	# The image's own: removing it would hide the next image's link of that name.
	if [ -n "$_mig_lower" ] && [ -L "$_mig_lower/${_l#"${_mig_point%/}/"}" ]; then return; fi
	rm -f "$_l" || _mig_die "removing \"$_l\""
	printf '%s\n' "$_l"
}

# _mig_plain takes "." and ".." out of the absolute path on stdin.
_mig_plain() {
	awk -F/ '{
		n = 0
		for (i = 1; i <= NF; i++) {
			if ($i == "" || $i == ".") continue
			if ($i == "..") { if (n) n--; continue }
			part[++n] = $i
		}
		for (i = 1; i <= n; i++) printf "/%s", part[i]
		if (!n) printf "/"
	}'
}

# ---------------------------------------------------------------------------
# Overlays
#
# Linux leaves undefined what a change in the upper directory of a mounted
# overlay does, so these verbs never make one. Where the overlay is mounted they
# write through it: the file gets the image's content, its copy in the upper
# layer stays. Where it is not mounted (migrate-runner --root, initramfs) the
# entry is removed from the upper directory, and the image's file shows.

# _mig_on_overlay PATH. The number is OVERLAYFS_SUPER_MAGIC. Not to know it is an
# error: what is mounted would be taken for what is not.
_mig_on_overlay() {
	_magic=$(stat -f -c %t "$1") || _mig_die "stat -f does not work here (CONFIG_FEATURE_STAT_FILESYSTEM of busybox)"
	[ "$_magic" = 794c7630 ]
}

# _mig_layers FILE: finds out about the overlay that FILE is on. Sets _mig_on
# (1 if it is mounted), _mig_point (its mount point), _mig_upper and _mig_lower
# (directories, '' if not found). Paths in /proc/self/mounts may be those of an
# initramfs long gone, so a lower directory counts only if it is another device.
_mig_layers() {
	_mig_on=0 _mig_point=/etc _mig_upper='' _mig_lower=''
	_mig_parent "$1"
	while [ ! -d "$_mig_dir" ]; do _mig_parent "$_mig_dir"; done
	_up=''
	if _mig_on_overlay "$_mig_dir"; then
		_mig_on=1
		_line=$(MIG_DIR=$_mig_dir/ awk '
			index(ENVIRON["MIG_DIR"], $2 == "/" ? "/" : $2 "/") == 1 && length($2) >= length(best) {
				best = $2; type = $3; opts = $4
			}
			END { if (type == "overlay") print best, opts }' /proc/self/mounts 2>/dev/null)
		if [ -n "$_line" ]; then
			_mig_point=${_line%% *}
			_up=$(printf '%s\n' "${_line#* }" | sed -n 's/^.*,upperdir=\([^,]*\).*$/\1/p')
		elif [ "$(stat -c %d /etc)" = "$(stat -c %d /)" ]; then
			_mig_point=/
		fi
	fi
	_mig_pick_upper
	if [ "$_mig_on" = 1 ]; then _mig_pick_lower; fi
}

# _mig_pick_upper: the upper directory that the mount table names, if it is
# there, or where the usual preinit scripts have it: oe-core's overlayfs-etc and
# OpenBMC's preinit-mounts; for an overlay over /, OpenBMC's static layout and
# oe-core's overlayroot.
_mig_pick_upper() {
	set -- "$_up"
	case $_mig_point in
	/etc) set -- "$@" /overlay-etc/upper /*/overlay-etc/upper /*/*/overlay-etc/upper /var/persist/etc ;;
	/) set -- "$@" /run/initramfs/rw/cow /media/rfs/rw/upperdir ;;
	esac
	for _try in "$@"; do
		if [ -n "$_try" ] && [ -d "$_try" ]; then
			_mig_upper=$_try
			return
		fi
	done
}

# _mig_pick_lower: where the image's own files can be read beside the overlay.
# overlayfs-etc exposes them as "lower" next to "upper"; where it does not do so
# any more, or its mount failed, that directory is there and empty.
_mig_pick_lower() {
	set --
	case $_mig_upper in
	*/upper) set -- "${_mig_upper%/upper}/lower" ;;
	esac
	if [ "$_mig_point" = / ]; then set -- "$@" /run/initramfs/ro /media/rfs/ro /rom; fi
	for _try in "$@"; do
		if [ -d "$_try" ] && [ -n "$(ls -A "$_try")" ] &&
			[ "$(stat -c %d "$_try")" != "$(stat -c %d "$_mig_point")" ]; then
			_mig_lower=$_try
			return
		fi
	done
}

# _mig_overlay_begin VERB ARGUMENT...: options of the two verbs; sets _image,
# _file, _rel (below the mount point), and what _mig_layers sets.
_mig_overlay_begin() {
	_image='' _opt_upper=''
	while [ $# -gt 0 ]; do
		case $1 in
		--image | --upper)
			[ $# -ge 2 ] || _mig_die "option $1 needs a value"
			_mig_absolute "$2"
			if [ "$1" = --image ]; then _image=$2; else _opt_upper=$2; fi
			shift 2
			;;
		-*) _mig_die "unknown option \"$1\" (--image, --upper)" ;;
		*) break ;;
		esac
	done
	_left=$#
	[ $# -ge 1 ] || return 0
	_file=$1
	_mig_absolute "$_file"
	_mig_layers "$_file"
	if [ -n "$_opt_upper" ]; then
		[ -d "$_opt_upper" ] || _mig_die "\"$_opt_upper\" is not a directory"
		_mig_upper=$_opt_upper
	fi
	_rel=${_file#"${_mig_point%/}/"}
	# FILE is not where the overlay would be: no upper directory belongs to it.
	if [ "$_rel" = "$_file" ]; then
		_mig_upper='' _mig_lower=''
	fi
	if [ -n "$_image" ] && [ ! -e "$_image" ]; then _mig_die "\"$_image\" does not exist"; fi
}

# _mig_image: sets _image to where the image's FILE can be read, '' if nowhere;
# _without=1 if it is known that the image has no such file: the lower directory
# lacks it, so a FILE that exists must be in the upper one, or neither is what it
# was taken for.
_mig_image() {
	_without=0
	if [ -n "$_image" ]; then return; fi
	if [ -n "$_mig_lower" ]; then
		if [ -e "$_mig_lower/$_rel" ] || [ -L "$_mig_lower/$_rel" ]; then
			_image=$_mig_lower/$_rel
		elif [ ! -e "$_file" ] || cmp -s "$_file" "$_mig_upper/$_rel"; then
			_without=1
		fi
	elif [ -e "/usr/share/factory$_file" ]; then
		_image=/usr/share/factory$_file
	fi
}

# _mig_need_image dies if there is none.
_mig_need_image() {
	if [ -n "$_image" ] || [ "$_without" = 1 ]; then return; fi
	_mig_die "the image's \"$_file\" cannot be read under the overlay; set OVERLAYFS_ETC_EXPOSE_LOWER, or ship a copy as /usr/share/factory$_file, or name one with --image"
}

# _mig_offline: dies if the upper directory belongs to a mounted overlay.
_mig_offline() {
	if [ -r /proc/self/mounts ] && MIG_UPPER=$_mig_upper awk '
		$3 == "overlay" && index("," $4 ",", ",upperdir=" ENVIRON["MIG_UPPER"] ",") { hit = 1 }
		END { exit !hit }' /proc/self/mounts; then
		_mig_die "\"$_mig_upper\" is the upper directory of a mounted overlay; it must not be changed"
	fi
}

# _mig_digest FILE: prints its sha256, in hex.
_mig_digest() {
	_d=$(sha256sum <"$1") || _mig_die "computing the digest of \"$1\""
	printf '%s\n' "${_d%% *}"
}

# drop_override [--image PATH] [--upper DIR] FILE DIGEST...: where FILE on this
# device still is an old default, one of the digests, it becomes the image's. A
# file that was changed on the device is kept, and said so.
drop_override() (
	_mig_begin drop_override
	_mig_overlay_begin "$@"
	[ "$_left" -ge 2 ] || _mig_die 'usage: drop_override [--image PATH] [--upper DIR] FILE DIGEST...'
	shift $(($# - _left + 1))
	_digests=' '
	for _word in "$@"; do
		_word=${_word#sha256:}
		case $_word in
		*[!0-9a-f]*) _mig_die "digest \"$_word\" is not 64 small hex digits" ;;
		esac
		[ ${#_word} -eq 64 ] || _mig_die "digest \"$_word\" is not 64 small hex digits"
		_digests="$_digests$_word "
	done
	if [ "$_mig_on" = 0 ] && [ -n "$_mig_upper" ]; then
		_mig_drop_upper
		exit 0
	fi
	_mig_regular "$_file"
	[ -e "$_file" ] || exit 0
	_mig_image
	if [ -n "$_image" ] && cmp -s "$_image" "$_file"; then exit 0; fi
	_mig_is_default "$_file"
	_mig_need_image
	if [ "$_without" = 1 ]; then
		rm -f "$_file" || _mig_die "removing \"$_file\""
		_mig_parent "$_file"
		_mig_sync "$_mig_dir"
		_mig_say "removed $_file, which the image has no more"
	else
		_mig_install "$_file" "$_image" "$_image"
		_mig_say "$_file has the image's content (from $_image)"
	fi
)

# _mig_is_default FILE: ends the verb if its digest is none of those given.
_mig_is_default() {
	_sum=$(_mig_digest "$1") || exit 1
	case $_digests in
	*" $_sum "*) return ;;
	esac
	_mig_say "$1 is kept: it was changed on this device"
	exit 0
}

# _mig_drop_upper: the overlay is not mounted, its upper directory is there.
_mig_drop_upper() {
	if [ ! -f "$_mig_upper/$_rel" ] || [ -L "$_mig_upper/$_rel" ]; then exit 0; fi
	_mig_is_default "$_mig_upper/$_rel"
	_mig_offline
	rm -f "$_mig_upper/$_rel" || _mig_die "removing \"$_mig_upper/$_rel\""
	_mig_parent "$_mig_upper/$_rel"
	_mig_sync "$_mig_dir"
	_mig_say "removed $_mig_upper/$_rel; the image's $_file shows"
}

# clear_whiteout [--image PATH] [--upper DIR] FILE: what the image has as FILE
# is not hidden by a deletion on this device. A FILE that exists is left alone.
clear_whiteout() (
	_mig_begin clear_whiteout
	_mig_overlay_begin "$@"
	[ "$_left" -eq 1 ] || _mig_die 'usage: clear_whiteout [--image PATH] [--upper DIR] FILE'
	if [ "$_mig_on" = 0 ]; then
		[ -n "$_mig_upper" ] || exit 0
		_hide=$_mig_upper/$_rel
		if [ ! -c "$_hide" ] || [ "$(stat -c %t:%T "$_hide")" != 0:0 ]; then exit 0; fi
		_mig_offline
		rm -f "$_hide" || _mig_die "removing \"$_hide\""
		_mig_parent "$_hide"
		_mig_sync "$_mig_dir"
		_mig_say "removed the whiteout $_hide; the image's $_file shows"
		exit 0
	fi
	if [ -e "$_file" ] || [ -L "$_file" ]; then exit 0; fi
	_mig_image
	_mig_need_image
	[ "$_without" = 0 ] || exit 0
	_mig_parent "$_file"
	[ -d "$_mig_dir" ] || _mig_die "directory \"$_mig_dir\" does not exist; clear_whiteout it first"
	_mig_mktemp "$_file"
	rm -f "$_mig_temp"
	cp -a "$_image" "$_mig_temp" || _mig_die "copying \"$_image\""
	sync
	mv "$_mig_temp" "$_file" || _mig_die "renaming the new \"$_file\" into place"
	_mig_temp=''
	_mig_parent "$_file"
	_mig_sync "$_mig_dir"
	_mig_say "$_file is back (from $_image)"
)
