// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// lastLibrary holds the functions of the library that was asked for last:
// there is one in a run, and parsing it takes as long as twenty scripts.
var lastLibrary struct {
	sync.Mutex
	text  string
	verbs map[string]bool
}

// verbsOf are the functions that the shell library defines. A library that
// does not parse defines none: its own tests say so. The map is not to be
// changed.
func verbsOf(library []byte) map[string]bool {
	lastLibrary.Lock()
	defer lastLibrary.Unlock()
	if lastLibrary.verbs == nil || lastLibrary.text != string(library) {
		lastLibrary.text, lastLibrary.verbs = string(library), parseVerbs(library)
	}
	return lastLibrary.verbs
}

// Prepare parses the shell library, so that the first script that is checked
// against it need not wait for that. It may run beside anything else.
func Prepare(library []byte) { verbsOf(library) }

func parseVerbs(library []byte) map[string]bool {
	tree, _, err := parse(library, syntax.LangPOSIX, nil)
	if err != nil {
		return map[string]bool{}
	}
	return functionNames(tree)
}

// Verbs returns where a script calls a function of the shell library, whose
// text is library, without having sourced it before: an error.
func Verbs(file string, data, library []byte) []Finding {
	return sorted(read(file, data).verbFindings(verbsOf(library)))
}

func (s *script) verbFindings(verbs map[string]bool) []Finding {
	if s.shell == noShell {
		return nil
	}
	sc := s.scan()
	var found []Finding
	for _, c := range sc.calls {
		if !verbs[c.Name] || sc.functions[c.Name] != nil || c.Sourced || sc.guarded(c) {
			continue
		}
		switch {
		case c.By != "":
			found = append(found, s.finding(c.Line, false, c.By+" runs no function: "+quoted(c.Name)+" is one of the shell library", "call it without "+c.By))
		case !sc.hasLibrary(c):
			found = append(found, s.finding(c.Line, false, quoted(c.Name)+" is a function of the shell library, which the script has not sourced", `write . "$MIGRATION_LIB" before it`))
		}
	}
	return found
}

// hasLibrary says whether the library may be there when the call is made: a
// function may be called after any line of the script.
func (sc *scan) hasLibrary(c scannedCall) bool {
	for _, src := range sc.sources {
		if src.library && (c.in != nil || src.offset < c.offset) {
			return true
		}
	}
	return sc.unknown
}
