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
# ln, mkdir, mktemp, mv, readlink, rm, rmdir, sed, sha256sum, sleep, sort, stat,
# sync, touch, tr, wc: all in oe-core's busybox. getfattr and setfattr are used
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
	_mig_verb=$1 _mig_temp='' _mig_locks='' _mig_dry=0 _mig_changed=0 _mig_said=''
	trap _mig_end EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# _mig_end removes what an ended verb must not leave behind. What a killed one
# leaves is removed by the next call.
_mig_end() {
	if [ -n "$_mig_temp" ]; then rm -rf "$_mig_temp"; fi
	_mig_unlock
}

# _mig_die MESSAGE...: the verb ends with status 1. One line, whatever the
# message holds, because the runner shows the last line only.
_mig_die() {
	printf '%s: %s\n' "$_mig_verb" "$(printf '%s' "$*" | tr '\n' ' ')" >&2
	exit 1
}

# _mig_say MESSAGE...: reports a change.
_mig_say() {
	printf '%s: %s\n' "$_mig_verb" "$*"
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
	*/../* | */./* | *//*) _mig_die "\"$1\": write the path without \"..\", \".\", \"//\" and a \"/\" at its end" ;;
	esac
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
# administrators) OLD becomes NEW, or goes if NEW is ''. Other lines stay as
# they are.
_mig_members() {
	[ -f "$1" ] || return 0
	MIG_OLD=$2 MIG_NEW=$3
	export MIG_OLD MIG_NEW
	_mig_p='
		function edit(s,   a, n, i, out, sep, hit) {
			n = split(s, a, ",")
			for (i = 1; i <= n; i++) {
				if (a[i] "" == o "") { hit = 1; if (w == "") continue; a[i] = w }
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
			_mig_absolute "${2%/}/"
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
	_mig_rename_row /etc/shadow
	_mig_members /etc/gshadow "$_old" "$_new"
	_mig_members /etc/group "$_old" "$_new"
	_mig_rename_row /etc/passwd
	_mig_note "$_old is now $_new"
}

# _mig_rename_row FILE
_mig_rename_row() {
	_mig_get "$1" "$_old"
	_row=$_mig_row
	[ -n "$_row" ] || return 0
	_mig_get "$1" "$_new"
	[ -z "$_mig_row" ] || _mig_die "\"$_old\" cannot become \"$_new\": $1 has both; remove one first"
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
