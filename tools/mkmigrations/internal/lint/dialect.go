// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import "strconv"

// A feature is something that bash has and POSIX sh has not.
type feature struct {
	what string
	in   shell  // which of dash and busybox ash have it, as tried out; see shell_test.go
	soft bool   // a shell without it goes on, with another meaning
	cure string // in place of the general one
}

const generalCure = "write it in POSIX sh, or begin the script with #!/bin/bash"

var (
	featDoubleBracket = feature{"[[", ash, false, "write [ … ]"}
	featFunction      = feature{"keyword function", ash, false, "write name() { … }"}
	featFunctionName  = feature{"such name of a function", 0, false, "use letters, digits and _"}
	featSlice         = feature{"${x:1:2}", ash, false, "use cut, or ${x#…} and ${x%…}"}
	featReplace       = feature{"${x/a/b}", ash, false, "use sed"}
	featIndirect      = feature{"${!x}", 0, false, `use eval "y=\$$x"`}
	featCase          = feature{"${x^} and ${x,}", 0, false, "use tr"}
	featTransform     = feature{"${x@Q}", 0, false, ""}
	featQuote         = feature{"$'…'", ash, true, "use printf"}
	featTranslate     = feature{`$"…"`, 0, true, `write "…"`}
	featAmpRedirect   = feature{"&>", ash, false, "write >file 2>&1"}
	featAmpAppend     = feature{"&>>", 0, false, "write >>file 2>&1"}
	featPipeAll       = feature{"|&", 0, false, "write 2>&1 |"}
	featHereString    = feature{"<<<", 0, false, "use a here-document"}
	featProcess       = feature{"<(…)", ash, false, "use a pipe or a file in $MIGRATION_STATE"}
	featArithmetic    = feature{"((…))", 0, false, "write [ $((…)) -ne 0 ]"}
	featLet           = feature{"let", ash, false, "write x=$((…))"}
	featArray         = feature{"arrays", 0, false, ""}
	featAppend        = feature{"+=", 0, false, `write x="$x…"`}
	featFallThrough   = feature{";& and ;;&", 0, false, ""}
	featForArithmetic = feature{"for ((…))", 0, false, "use while and $((…))"}
	featForBraces     = feature{"for … { }", 0, false, "write do … done"}
	featSelect        = feature{"select", 0, false, ""}
	featEqual         = feature{"== in [ ]", ash, false, "write ="}
	featTestV         = feature{"[ -v name ]", 0, false, `write [ -n "${name+set}" ]`}
	featEchoE         = feature{"echo -e", ash, true, "use printf"}
	featPipefail      = feature{"set -o pipefail", ash, true, ""}
	featIncrement     = feature{"++ and -- in arithmetic", ash, false, "write x=$((x + 1))"}
	featPower         = feature{"** in arithmetic", ash, false, ""}
	featComma         = feature{"comma in arithmetic", ash, false, ""}
	featNamedRedirect = feature{"{name}>", 0, false, "use a digit"}
	featOldArithmetic = feature{"$[…]", 0, true, "write $((…))"}
	featExtGlob       = feature{"@(…) patterns", 0, false, "use case with |"}
	featSource        = feature{"source", ash, false, "write . file"}
)

// bashBuiltin is the feature of a builtin that neither dash nor ash has.
func bashBuiltin(name string) feature {
	return feature{strconv.Quote(name), 0, false, ""}
}

// report says that the script uses f, if the shell that runs it lacks it. The
// finding is an error where each shell that may run it lacks it.
func (s *script) report(line int, f feature) []Finding {
	if s.shell&f.in == s.shell {
		return nil
	}
	rule := s.shell.String() + " has no " + f.what
	// /bin/sh may be the one or the other.
	some := s.shell&f.in != 0
	if some {
		rule += "; " + ash.String() + " understands it, " + dash.String() + " does not"
	}
	cure := f.cure
	if cure == "" {
		cure = generalCure
	}
	return []Finding{s.finding(line, some || f.soft, rule, cure)}
}
