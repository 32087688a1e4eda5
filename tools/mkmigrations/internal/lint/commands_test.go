// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// listed writes calls as "line:name", with ! for unguarded ones left out: "?"
// marks a guarded one, "." a sourced one, "<by" what runs it.
func listed(calls []Call) []string {
	var out []string
	for _, c := range calls {
		s := fmt.Sprintf("%d:%s", c.Line, c.Name)
		if c.Guarded {
			s += "?"
		}
		if c.Sourced {
			s += "."
		}
		if c.By != "" {
			s += "<" + c.By
		}
		out = append(out, s)
	}
	return out
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		name, script string
		want         string
	}{
		{"plain", "mv a b\n'rm' c; \"ls\"; \\cp d e", "2:mv 3:rm 3:ls 3:cp"},
		{"builtins and keywords", "cd /; if test -e x; then echo y; fi; for i in a; do :; done; local x", ""},
		{"assignments", "A=1 B=2 mv a b; C=3", "2:mv"},
		{"redirections first", ">x 2>&1 mv a b", "2:mv"},
		{"own functions, wherever they stand", "f; f() { mv a b; }", "2:mv"},
		{"aliases", "alias ll='ls -l'\nll", ""},
		{"and, or, pipe, background", "a && b || c | d & wait", "2:a 2:b 2:c 2:d"},
		{"substitution", "x=$(a \"$(b)\" `c`)", "2:b 2:c 2:a"},
		{"subshell, block, negation", "( a; { b; }; ! c )", "2:a 2:b 2:c"},
		{"if, while, until, case", "if a; then b; elif c; then d; else e; fi\nwhile f; do g; done\nuntil h; do i; done\ncase $(j) in x) k;; esac",
			"2:a 2:b 2:c 2:d 2:e 3:f 3:g 4:h 4:i 5:j 5:k"},
		{"here-document", "cat <<EOF\n$(a)\nb\nEOF\ncat <<'EOF'\n$(c)\nEOF", "2:cat 3:a 6:cat"},
		{"arithmetic, expansion", ": $(( $(a) + 1 )) ${x:-$(b)}", "2:a 2:b"},
		{"for words", "for i in $(a); do b; done", "2:a 2:b"},
		{"absolute and relative", "/usr/bin/x; ./y", "2:/usr/bin/x 2:./y"},
		{"empty word", "'' a", ""},
		{"glob and tilde", "~/x; /opt/*/y", ""},

		{"exec", "exec a b", "2:a<exec"},
		{"exec with redirections only", "exec >x", ""},
		{"command", "command a b; command -p c", "2:a<command 2:c<command"},
		{"command and a builtin", "command cd /; command exec d", "2:d<exec"},
		{"command and an own function", "mv() { command mv \"$@\"; }", "2:mv<command"},
		{"env", "env -i -u X A=1 B=2 a b", "2:env 2:a<env"},
		{"env without a command", "env -u X; env A=1", "2:env 2:env"},
		{"nice", "nice -n 5 a; nice -5 b; nice c", "2:nice 2:a<nice 2:nice 2:b<nice 2:nice 2:c<nice"},
		{"nohup, setsid", "nohup a; setsid -w b", "2:nohup 2:a<nohup 2:setsid 2:b<setsid"},
		{"timeout", "timeout -k 3 -s KILL 5 a; timeout \"$n\" b", "2:timeout 2:a<timeout 2:timeout 2:b<timeout"},
		{"xargs", "a | xargs -0 -n 1 -r b -c; xargs -I{} d; xargs", "2:a 2:xargs 2:b<xargs 2:xargs 2:d<xargs 2:xargs"},
		{"xargs and a variable", "xargs $options a", "2:xargs"},
		{"ionice, stdbuf, time", "ionice -c 3 a; stdbuf -oL b; time c", "2:ionice 2:a<ionice 2:stdbuf 2:b<stdbuf 2:time 2:c<time"},
		{"wrapped twice", "nice timeout 5 env A=1 a", "2:nice 2:timeout<nice 2:env<timeout 2:a<env"},
		{"busybox", "busybox mv a b; busybox xargs c", "2:busybox 2:busybox 2:c<xargs"},
		{"find", "find / -exec a {} \\; -o -execdir b {} + -print", "2:find 2:a<find 2:b<find"},
		{"chroot is elsewhere", "chroot /x a", "2:chroot"},
		{"sh -c", "sh -c 'a; b'\nsh -ec \"c\" x\nsh -x d", "2:sh 2:a 2:b 3:sh 3:c 4:sh"},
		{"sh -c, lines", "sh -c '\na\n'", "2:sh 3:a"},
		{"sh -c and a variable", "sh -c \"$x\"", "2:sh"},
		{"sh reads a here-document", "sh -e <<'EOF'\na\nEOF\nsh <<EOF\nb \\$x\nEOF", "2:sh 3:a 5:sh 6:b"},
		{"find, sh -c", "find . -exec sh -c 'a \"$1\"' x {} \\;", "2:find 2:sh<find 2:a"},
		{"eval", "eval 'a; b' c; eval \"$x\"; eval 'f() { :; }'; f", "2:a 2:b"},
		{"trap", "trap 'a; b' EXIT\ntrap - INT\ntrap '' TERM\ntrap -- 'c' HUP", "2:a 2:b 5:c"},
		{"function that runs its arguments", "run() { echo \"$@\"; \"$@\"; }\nrun a b; run run c", "3:a 3:c"},
		{"function that shifts them first", "try() { n=$1; shift; \"$@\"; }\ntry 3 a", ""},

		{"sourced", ". /a/b; . c; . \"$MIGRATION_LIB\"", "2:/a/b. 2:c."},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, _ := Commands("m", []byte("#!/bin/sh\n"+c.script+"\n"))
			if got := strings.Join(listed(calls), " "); got != c.want {
				t.Errorf("%s\ngot  %s\nwant %s", c.script, got, c.want)
			}
		})
	}
}

// In each script "a" is called; a question mark in want says that it is
// guarded there.
func TestGuards(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{"a", "a"},
		{"if command -v a; then a; else a; fi; a", "a? a a"},
		{"if command -v a >/dev/null 2>&1; then x=$(a); fi", "a?"},
		{"if ! command -v a; then a; else a; fi", "a a?"},
		{"if type a; then a; fi", "a?"},
		{"if which a; then a; fi", "which a?"},
		{"if hash a 2>/dev/null; then a; fi", "a?"},
		{"if [ -x /usr/bin/a ]; then /usr/bin/a; a; b; fi", "/usr/bin/a? a? b"},
		{"if test -x \"$D/usr/bin/a\"; then a; fi", "a?"},
		{"if [ ! -x /usr/bin/a ]; then a; else a; fi", "a a?"},
		{"if [ -n \"$(command -v a)\" ]; then a; else a; fi", "a? a"},
		{"if [ -z \"$(command -v a)\" ]; then a; else a; fi", "a a?"},
		{"if command -v b; then a; elif command -v a; then a; fi", "a a?"},
		{"if ! command -v a; then :; elif true; then a; fi", "a?"},
		{"if [ -e x ] && command -v a; then a; fi", "a?"},
		{"if command -v a && command -v b; then b; a; fi", "b? a?"},
		{"if { command -v a; }; then a; fi", "a?"},
		{"while command -v a; do a; break; done", "a?"},
		{"until command -v a; do a; done", "a"},
		{"command -v a && a; a", "a? a"},
		{"command -v a && { a; b; }", "a? b"},
		{"type a || a", "a"},
		{"! command -v a || a", "a?"},
		{"command -v a >/dev/null; a", "a?"},
		{"command -v a || exit 0; a", "a?"},
		{"command -v a || { echo no; exit 1; }; a", "a?"},
		{"command -v a || true; a", "a"},
		{"[ -x /usr/bin/a ] || return; a", "a?"},
		{"die() { exit 1; }; type a || die; a", "a?"},
		{"! type a && exit; a", "a?"},
		{"if ! command -v a; then exit 0; fi; a", "a?"},
		{"if command -v a; then :; else exit 0; fi; a", "a?"},
		{"if command -v a; then :; fi; a", "a"},
		{"(command -v a); (a)", "a"},
		// Results that are kept are not followed: seen once, it counts.
		{"p=$(command -v a); [ -n \"$p\" ] && a", "a?"},
		{"if command -v a; then have=1; fi; [ \"$have\" ] && a", "a?"},
		{"command -v a && have=1; [ \"$have\" ] && a", "a?"},
		// Functions that test.
		{"have() { command -v \"$1\" >/dev/null; }; if have a; then a; fi; a", "a? a"},
		{"search() { p=$1; for d in $PATH; do [ -x \"$d/$p\" ] && return; done; }; search a && a", "a?"},
		{"has_a() { command -v a; }; has_a && a", "a?"},
		// Functions that are called where it is there.
		{"f() { a; }; command -v a && f", "a?"},
		{"f() { a; }; command -v a && f; f", "a"},
		{"f() { g; }; g() { a; }; command -v a && f", "a?"},
		{"f() { a; }", "a"},
		{"f() { command -v a || return; a; }; f", "a?"},
		{"f() { a; f; }; command -v a && f", "a?"},
		{"command -v a && sh -c 'a'", "sh a?"},
		{"[ -r /x/a ] && . /x/a; . /x/a", "/x/a? /x/a"},
		// A file of that name elsewhere is no command.
		{"[ -f /etc/a ] && a", "a"},
		{"[ -e /etc/a ] || exit; a; . /etc/a", "a /etc/a?"},
		{"[ -e /usr/bin/a ] && a", "a?"},
		{"[ -f \"$D/sbin/a\" ] && a", "a?"},
		{"if [ -r a ]; then a; fi", "a"},
		{"[ -x /opt/a ] && a", "a?"},
		// Loops, blocks and cases that test.
		{"for t in a b; do command -v \"$t\" >/dev/null || exit 0; done; a; b; c", "a? b? c"},
		{"for t in a b; do command -v \"$t\" >/dev/null || { echo no; exit 0; }; done; a", "a?"},
		{"for t in a b; do command -v $t || continue; done; a", "a"},
		{"for t in a b; do command -v $t || break; done; a", "a"},
		{"for t in a; do if ! command -v $t; then exit; fi; done; a", "a?"},
		{"for t in a; do :; done; a", "a"},
		{"for t in $list; do command -v $t || exit; done; a", "a"},
		{"for i in 1; do command -v a || continue; a; done", "a?"},
		{"{ command -v a || exit 0; } 2>/dev/null; a", "a?"},
		{"{ command -v b || exit 0; } 2>/dev/null; a", "a"},
		{"[ \"$(command -v a)\" = \"\" ] && exit 0; a", "a?"},
		{"[ \"x$(command -v a)\" = x ] && exit 0; a", "a?"},
		{"[ \"\" = \"$(command -v a)\" ] && exit 0; a", "a?"},
		{"[ x = \"x$(command -v a)\" ] && exit 0; a", "a?"},
		{"[ \"$(command -v a)\" = \"\" ] && a", "a"},
		{"[ \"$(command -v a)\" != \"\" ] && a", "a?"},
		{"[ \"$(command -v a)\" = /bin/a ] && a", "a?"},
		{"[ \"$1\" = 1 -a -x /usr/bin/a ] && a", "a?"},
		{"[ -x /usr/bin/a -a \"$(id -u)\" = 0 ] && a", "id a?"},
		{"[ \"$(command -v a >/dev/null && echo y)\" = y ] && a", "a?"},
		{"[ \"$(command -v a | wc -l)\" = 1 ] && a", "wc a?"},
		{"[ \"$x\" = \"\" ] && [ -x /usr/bin/a ] && a", "a?"},
		{"[ -e \"$BINDIR/a\" ] || exit 0; a", "a?"},
		{"! { command -v a; }; a", "a"},
		{"case $(command -v a) in '') exit 0;; esac; a", "a?"},
		{"case $(command -v a) in '') a;; *) a;; esac; a", "a a? a"},
		{"case $(command -v a) in /*) a;; *) a;; esac", "a? a"},
		{"case $(command -v a) in \"/usr/bin/a\") a;; \"$x\") a;; esac", "a? a"},
		{"case $1 in '') exit 0;; esac; a", "a"},
		{"F=/usr/bin/a; [ -x \"$F\" ] || exit 0; /usr/bin/a", "/usr/bin/a?"},
		{"F=/usr/bin/a; [ -x $F ] || exit 0; a; b", "a? b"},
		{"F=/etc/a; [ -f $F ] || exit 0; a", "a"},
		{"F=a; F=b; command -v $F || exit 0; a; b", "a b"},
		{"F=a; read -r F; command -v $F || exit 0; a", "a"},
		{"F=a; export F=b; command -v $F || exit 0; a", "a"},
		{"F=a; for F in $L; do :; done; command -v $F || exit 0; a", "a"},
		{"F=/bin/a; [ -x ${F%/*} ] || exit 0; bin; a", "bin a"},
		{"F=a; F=$(x); command -v $F || exit 0; a", "x a"},
	} {
		calls, _ := Commands("m", []byte("#!/bin/sh\n"+c.script+"\n"))
		var got []string
		for _, call := range calls {
			name := call.Name
			if call.Guarded {
				name += "?"
			}
			got = append(got, name)
		}
		if want := strings.Fields(c.want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %v\nwant %v", c.script, got, want)
		}
	}
}

func TestGuardsOfBash(t *testing.T) {
	for script, want := range map[string]string{
		`[[ "$(command -v a)" == "" ]] && exit 0; a`: "a?",
		`[[ "$(command -v a)" == "" ]] && a`:         "a",
		`[[ "$(command -v a)" != "" ]] && a`:         "a?",
		`[[ "$(command -v a)" == /bin/* ]] && a`:     "a?",
	} {
		calls, _ := Commands("m", []byte("#!/bin/bash\n"+script+"\n"))
		got := ""
		for _, c := range calls {
			got += c.Name
			if c.Guarded {
				got += "?"
			}
		}
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", script, got, want)
		}
	}
}

func TestCommandsOfOtherInterpreters(t *testing.T) {
	calls, found := Commands("m", []byte("#!/usr/bin/python3\nreboot()\n$x\n"))
	if calls != nil || found != nil {
		t.Errorf("got %v %v, want nothing", calls, found)
	}
	calls, _ = Commands("m", []byte("#!/bin/bash -e\n[[ $(a) ]] && declare -a x=($(b)); time c\n"))
	if got := strings.Join(listed(calls), " "); got != "2:a 2:b 2:c" {
		t.Errorf("bash: got %s", got)
	}
	// What is not POSIX is still read.
	calls, _ = Commands("m", []byte("#!/bin/sh\nx=($(a))\nb\n"))
	if got := strings.Join(listed(calls), " "); got != "2:a 3:b" {
		t.Errorf("not POSIX: got %s", got)
	}
}
