// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A wrapper is a program whose operands are a command that it runs.
type wrapper struct {
	values    string   // short options that take the next word
	long      []string // long options that take the next word
	skip      int      // operands before the command
	variables bool     // NAME=value before the command
}

// wrappers by name: the options of POSIX, GNU coreutils, util-linux and
// busybox. Left out are programs that run the command elsewhere or as
// somebody else (chroot, su, ssh, nsenter): what stands there is not known.
var wrappers = map[string]wrapper{
	"env":     {values: "uCS", long: []string{"--unset", "--chdir", "--split-string"}, variables: true},
	"nice":    {values: "n", long: []string{"--adjustment"}},
	"ionice":  {values: "cnpPu", long: []string{"--class", "--classdata"}},
	"chrt":    {values: "pTPD", skip: 1},
	"nohup":   {},
	"setsid":  {},
	"time":    {values: "of", long: []string{"--output", "--format"}},
	"timeout": {values: "sk", long: []string{"--signal", "--kill-after"}, skip: 1},
	"stdbuf":  {values: "ioe", long: []string{"--input", "--output", "--error"}},
	"taskset": {skip: 1},
	"xargs": {values: "adEILnPs", long: []string{"--arg-file", "--delimiter", "--max-lines", "--max-args",
		"--max-procs", "--max-chars", "--replace", "--process-slot-var"}},
}

// wrapped scans what the program name runs, if it is one that runs another.
func (sc *scan) wrapped(name string, words []*syntax.Word, g *guards) {
	args := words[1:]
	switch {
	case name == "find":
		sc.findActions(args, g)
	case name == "busybox":
		// An applet needs no link of its own.
		if len(args) > 0 {
			applet := argument(args, 0)
			sc.habits.command(applet, args, sc)
			sc.wrapped(applet, args, g)
		}
	case shells[name] != noShell:
		sc.shellText(shells[name], args, g)
	default:
		w, ok := wrappers[name]
		if !ok {
			return
		}
		if rest, ok := w.command(args); ok {
			sc.command(rest, name, g)
		}
	}
}

// command finds the command behind the options and operands. ok is false
// where an expanded word could be either.
func (w wrapper) command(args []*syntax.Word) (rest []*syntax.Word, ok bool) {
	skip := w.skip
	for i := 0; i < len(args); i++ {
		text, literal := literal(args[i])
		switch {
		case !literal && skip > 0:
			skip-- // timeout "$seconds" command
		case !literal:
			return args[i:], true
		case text == "--":
			continue
		case len(text) > 1 && text[0] == '-':
			if w.takesNext(text) {
				i++
			}
		case w.variables && strings.Contains(text, "="):
		case w.variables && text == "-":
		case skip > 0:
			skip--
		default:
			return args[i:], true
		}
	}
	return nil, false
}

// takesNext says whether the value of an option is the next word.
func (w wrapper) takesNext(option string) bool {
	if strings.HasPrefix(option, "--") {
		for _, l := range w.long {
			if option == l {
				return true
			}
		}
		return false
	}
	// "-n5" holds its value; of "-0n" the last letter takes the next word.
	i := strings.IndexAny(option[1:], w.values)
	return w.values != "" && i == len(option)-2
}

// findActions scans the commands of find's -exec and the like.
func (sc *scan) findActions(args []*syntax.Word, g *guards) {
	for i := 0; i+1 < len(args); i++ {
		switch argument(args, i) {
		case "-exec", "-execdir", "-ok", "-okdir":
			end := i + 1
			for end < len(args) && argument(args, end) != ";" && argument(args, end) != "+" {
				end++
			}
			sc.command(args[i+1:end], "find", g)
			i = end
		}
	}
}

// shellText scans the text of `sh -c text`.
func (sc *scan) shellText(in shell, args []*syntax.Word, g *guards) {
	for i := 0; i+1 < len(args); i++ {
		option := argument(args, i)
		if len(option) < 2 || option[0] != '-' || option[1] == '-' {
			return
		}
		if option[len(option)-1] == 'o' {
			i++ // -o name
			continue
		}
		if strings.Contains(option, "c") {
			if text, ok := literal(args[i+1]); ok {
				sc.text(in, text, args[i+1], g)
			}
			return
		}
	}
}

// fed scans a here-document that a shell reads as its script.
func (sc *scan) fed(words []*syntax.Word, redirs []*syntax.Redirect, g *guards) {
	in := shells[base(argument(words, 0))]
	if in == noShell {
		return
	}
	for _, a := range literals(words[1:]) {
		if a == "" || a[0] != '-' || strings.Contains(a, "c") {
			return
		}
	}
	for _, r := range redirs {
		if r.Hdoc == nil || r.N != nil {
			continue
		}
		if text, ok := hereText(r); ok {
			sc.text(in, text, r.Hdoc, g)
		}
	}
}

// operandsFrom skips options without values.
func operandsFrom(args []*syntax.Word) []*syntax.Word {
	for len(args) > 0 && strings.HasPrefix(argument(args, 0), "-") {
		args = args[1:]
	}
	return args
}

// execOperands skips the options of exec, of which -a takes a value (bash).
func execOperands(args []*syntax.Word) []*syntax.Word {
	for len(args) > 0 && strings.HasPrefix(argument(args, 0), "-") {
		if argument(args, 0) == "-a" && len(args) > 1 {
			args = args[1:]
		}
		args = args[1:]
	}
	return args
}
