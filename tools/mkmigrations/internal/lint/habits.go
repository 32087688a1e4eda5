// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"meta-migration/internal/bundle"
)

// habits are what works in other scripts and breaks a migration. All are
// warnings. Each is reported only where it is certain from the text:
//
//   - $0: the interpreter runs /proc/self/fd/N or a copy in the state directory;
//   - set +e without a set -e behind it: /bin/sh is run with -e;
//   - another shell than /bin/sh without set -e;
//   - a command that ends the boot: it leaves the migration interrupted;
//   - starting a unit and waiting for it: at early boot it waits for
//     sysinit.target, which waits for the migrations;
//   - a command in the background without wait: nobody knows whether it ended;
//   - a literal path in the runner's own directories.
type habits struct {
	nested       int // subshells and substitutions around
	zero         bool
	waits        bool
	errexit      bool
	backgrounded []int           // lines
	made         map[string]bool // paths that the script makes itself
}

// node sees each node that is neither a command nor a list.
func (h *habits) node(n syntax.Node, sc *scan) {
	switch n := n.(type) {
	case *syntax.ParamExp:
		if n.Param == nil || n.Param.Value != "0" && n.Param.Value != "BASH_SOURCE" || h.zero {
			return
		}
		h.zero = true
		sc.warn(sc.line(n), "$"+n.Param.Value+" is no path of the migration when it runs",
			`use "$MIGRATION_FILE" for its name, "$MIGRATION_STATE" for its files`)
	case *syntax.Word:
		h.word(n, sc)
	}
}

// word warns of a literal path that is the runner's. The library's own path
// is none of them.
func (h *habits) word(w *syntax.Word, sc *scan) {
	text, ok := literal(w)
	if !ok {
		return
	}
	for _, dir := range []string{bundle.StateDir, bundle.Dir} {
		if text == dir || strings.HasPrefix(text, dir+"/") {
			sc.warn(sc.line(w), "a migration must not touch "+dir, `use "$MIGRATION_STATE" for its own files`)
		}
	}
}

// command sees each command by the last part of its literal name.
func (h *habits) command(name string, words []*syntax.Word, sc *scan) {
	switch name {
	case "wait":
		h.waits = true
	case "cp", "mv", "ln", "install", "chmod":
		for _, a := range literals(words[1:]) {
			h.made[a] = true
		}
	case "reboot", "halt", "poweroff", "shutdown":
		h.endsBoot(name, words[0], sc)
	case "systemctl":
		h.systemctl(literals(words[1:]), words[0], sc)
	case "set":
		if setsErrexit(literals(words[1:]), '-') {
			h.errexit = true
		}
	}
}

// endsBoot warns of what the runner cannot tell from a power cut.
func (h *habits) endsBoot(name string, at syntax.Node, sc *scan) {
	sc.warn(sc.line(at), quoted(name)+" ends the boot before the migration is recorded: it counts as interrupted", "exit 75 to be run again at the next boot")
}

// systemctl finds the verb behind the options. enable, mask and the like only
// write links; stop does not wait for a unit that was never started.
func (h *habits) systemctl(args []string, at syntax.Node, sc *scan) {
	verb := ""
	for _, a := range args {
		switch {
		case a == "--no-block" || strings.HasPrefix(a, "--root") || a == "--user" || a == "--help":
			return
		case verb == "" && a != "" && a[0] != '-':
			verb = a
		}
	}
	switch verb {
	case "reboot", "halt", "poweroff", "kexec", "soft-reboot", "rescue", "emergency", "isolate":
		h.endsBoot("systemctl "+verb, at, sc)
	case "start", "restart", "reload-or-restart":
		sc.warn(sc.line(at), quoted("systemctl "+verb)+" waits for a unit that may wait for the migrations",
			"order the unit behind migrate-runner.service, or add --no-block")
	}
}

// redirect notes a file that is written.
func (h *habits) redirect(r *syntax.Redirect) {
	switch r.Op {
	case syntax.RdrOut, syntax.AppOut, syntax.ClbOut, syntax.RdrAll, syntax.AppAll:
		if text, ok := literal(r.Word); ok {
			h.made[text] = true
		}
	}
}

// background notes a "&"; a wait anywhere in the script excuses it.
func (h *habits) background(line int, sc *scan) {
	h.backgrounded = append(h.backgrounded, line+sc.shift)
}

// statement sees each statement of a list that has no set -e behind it.
func (h *habits) statement(s *syntax.Stmt, sc *scan) {
	if sc.in != nil || h.nested > 0 || sc.texts > 0 || !sets(s, '+') {
		return
	}
	sc.warn(sc.line(s), "set +e: from here on a command that fails is not noticed",
		"write `command || …` where a failure is expected, or set -e again behind it")
}

// lastErrexit is the place of the last set -e in a list, -1 for none. Up to
// it a set +e is one for a while.
func lastErrexit(stmts []*syntax.Stmt) int {
	for i := len(stmts) - 1; i >= 0; i-- {
		if sets(stmts[i], '-') {
			return i
		}
	}
	return -1
}

// sets says whether a statement is set -e (sign '-') or set +e ('+').
func sets(s *syntax.Stmt, sign byte) bool {
	c, ok := s.Cmd.(*syntax.CallExpr)
	return ok && argument(c.Args, 0) == "set" && setsErrexit(literals(c.Args[1:]), sign)
}

// setsErrexit reads the arguments of set: -e, -eu, -o errexit.
func setsErrexit(args []string, sign byte) bool {
	for i, a := range args {
		switch {
		case a == "--" || len(a) < 2 || a[0] != '-' && a[0] != '+':
			return false
		case a[0] != sign:
		case strings.Contains(a, "e"):
			return true
		case a[len(a)-1] == 'o' && i+1 < len(args):
			return args[i+1] == "errexit"
		}
	}
	return false
}

// atEnd reports what the whole script shows.
func (h *habits) atEnd(sc *scan) []Finding {
	var found []Finding
	s := sc.script
	if !h.waits {
		for _, at := range h.backgrounded {
			found = append(found, s.finding(at, true, "a command in the background, and no wait: the migration may be recorded before it has ended", "run it in the foreground, or wait for it"))
		}
	}
	i := s.interpreter
	option := strings.HasPrefix(i.Argument, "-") && strings.Contains(i.Argument, "e")
	if i.Path != "/bin/sh" && base(i.Path) != "sh" && !h.errexit && !option {
		found = append(found, s.finding(1, true, s.shell.String()+" is run without -e: a command that fails is not noticed", "write set -e, or begin with #!/bin/sh"))
	}
	return found
}
