// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package lint finds what is wrong in a migration's script before it is on a
// device. It reads the script, the shell library and, where there is one, the
// root file system of the image; it runs nothing and writes nothing.
package lint

import "strconv"

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
