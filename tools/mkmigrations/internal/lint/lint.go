// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package lint finds what is wrong in a migration's script before it is on a
// device. It reads the script, the shell library and, where there is one, the
// root file system of the image; it runs nothing and writes nothing. The same
// input always gives the same findings in the same order.
//
// [Script] does all; the other functions are its parts.
//
// Errors are faults that are certain: a syntax error, a command that the image
// lacks and that the script does not test for, a function of the shell library
// without the library. Where the script tests for a command first, or where
// the check cannot know, there is a warning or nothing. What is looked at:
//
//   - shell scripts only: sh, ash, dash, busybox sh, bash, ksh and mksh. Of
//     another script only the interpreter is checked;
//   - a command is a literal word, quoted or not, in command position. The
//     argument of env, xargs, find -exec and the like, the text of `sh -c`,
//     eval and trap, and a here-document fed to a shell are looked at too;
//   - a command is guarded where the script has tested for it on the way:
//     command -v, type, which, hash, [ -x /its/path ], another test of a file
//     in a bin or sbin, or a function that does one of these. `tool || true` and `if tool` test for nothing: without the
//     tool they fail with 127 on every device, and nobody sees it.
//
// Scripts are untrusted. The work is bounded: a script with more words or
// more nesting than any real one has is not checked, with a warning, and so is
// what is over the [Budget] of a package.
package lint

import (
	"sort"
	"strconv"

	"meta-migration/internal/bundle"
)

// A Finding is one fault of a script. Findings can be compared by ==, so that
// a caller can report each once.
type Finding struct {
	File    string // the script's name as it was given
	Line    int    // counted from 1; 0 where the fault is the whole file's
	Warning bool   // an error, unless set
	Rule    string // what is wrong and which rule says so
	Cure    string // what to write instead; empty where there is no single cure
}

// Error names the place and the rule: `a.migration:3: no command "useradd"`.
func (f Finding) Error() string {
	if f.Line == 0 {
		return f.File + ": " + f.Rule
	}
	return f.File + ":" + strconv.Itoa(f.Line) + ": " + f.Rule
}

// Hint returns the cure, for a program to print below the error.
func (f Finding) Hint() string { return f.Cure }

// Script returns all that is wrong with a script: [Syntax], [Commands],
// [Verbs], [Paths] and, where rootfs is not nil, [Rootfs.Check]. library is the text
// of the shell library. budget is that of the script's package, nil for none;
// it is used up by the scripts in the order in which they are checked. With a
// root file system the dialect of /bin/sh is that of the shell which stands
// there, so what it understands is not reported. The findings are sorted by
// line, each stands once.
func Script(file string, data, library []byte, rootfs *Rootfs, budget *Budget) []Finding {
	s := read(file, data)
	s.budget = budget
	if rootfs != nil {
		s.shell = rootfs.shell(s.interpreter, s.shell)
	}
	found := append(s.syntax(), s.commandFindings()...)
	found = append(found, s.verbFindings(verbsOf(library))...)
	if parsed, err := bundle.ParseScript(file, data); err == nil {
		found = append(found, Paths(file, data, parsed.Header.Paths)...)
	}
	if rootfs != nil {
		found = append(found, rootfs.check(s)...)
	}
	return short(file, sorted(found))
}

// maxFindings is how many findings of one script are worth reading. A hostile
// script has one in each line.
const maxFindings = 100

// short cuts a long list. What is left still holds an error if the list did.
func short(file string, found []Finding) []Finding {
	if len(found) <= maxFindings {
		return found
	}
	rest := found[maxFindings:]
	warning := true
	for _, f := range rest {
		warning = warning && f.Warning
	}
	more := Finding{File: file, Warning: warning, Rule: "and " + strconv.Itoa(len(rest)) + " more"}
	return append(found[:maxFindings:maxFindings], more)
}

// sorted orders findings by line, errors before warnings, and drops those
// that are there already.
func sorted(found []Finding) []Finding {
	sort.SliceStable(found, func(i, j int) bool {
		a, b := found[i], found[j]
		switch {
		case a.Line != b.Line:
			return a.Line < b.Line
		case a.Warning != b.Warning:
			return b.Warning
		}
		return a.Rule < b.Rule
	})
	var once []Finding
	for _, f := range found {
		if len(once) == 0 || once[len(once)-1] != f {
			once = append(once, f)
		}
	}
	return once
}
