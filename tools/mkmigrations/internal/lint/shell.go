// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"meta-migration/internal/bundle"
)

// A shell is a dialect, or several where the interpreter does not say which.
type shell uint8

// noShell is an interpreter whose language is not known here. anyShell is
// /bin/sh of an image that is not at hand: dash or busybox ash.
const (
	noShell shell = 0
	dash    shell = 1 << iota
	ash
	bash
	ksh
	anyShell = dash | ash
)

func (s shell) String() string {
	switch s {
	case dash:
		return "dash"
	case ash:
		return "busybox ash"
	case bash:
		return "bash"
	case ksh:
		return "ksh"
	}
	return "POSIX sh"
}

// posix says whether scripts for it are to be read in the POSIX dialect.
func (s shell) posix() bool { return s&anyShell != 0 }

// shells are the interpreters by the last part of their path. ksh is not
// quite mksh: a syntax error in its scripts is not certain.
var shells = map[string]shell{
	"sh": anyShell, "ash": ash, "dash": dash, "bash": bash, "ksh": ksh, "mksh": ksh, "lksh": ksh,
}

// variant is the parser's word for the dialect.
func (s shell) variant() syntax.LangVariant {
	switch s {
	case bash:
		return syntax.LangBash
	case ksh:
		return syntax.LangMirBSDKorn
	}
	return syntax.LangPOSIX
}

// shellOf tells the dialect from a #! line. `env NAME`, `env -S NAME …` and
// `busybox NAME` mean NAME.
func shellOf(i bundle.Interpreter) shell {
	name := base(i.Path)
	if name == "busybox" && shells[firstWord(i.Argument)].posix() {
		return ash
	}
	if name == "env" {
		name = base(envProgram(i))
	}
	return shells[name]
}

// envProgram is the program that `#!/usr/bin/env …` names, "" for none.
func envProgram(i bundle.Interpreter) string {
	argument := i.Argument
	if rest := strings.TrimPrefix(argument, "-S"); rest != argument {
		argument = strings.TrimLeft(rest, " \t")
	}
	word := firstWord(argument)
	if strings.HasPrefix(word, "-") || strings.Contains(word, "=") {
		return ""
	}
	return word
}

func firstWord(s string) string {
	if fields := strings.Fields(s); len(fields) > 0 {
		return fields[0]
	}
	return ""
}

// base is the last part of a path.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// Builtins and reserved words that a script may call where no such file is in
// the image. The lists were read from the shells themselves (dash 0.5.12,
// busybox 1.35 with ASH_BASH_COMPAT, bash 5.2).
const (
	posixBuiltins = ". : [ alias bg break cd command continue echo eval exec exit export false fg " +
		"getopts hash jobs kill local printf pwd read readonly return set shift test times trap true type " +
		"ulimit umask unalias unset wait"
	dashBuiltins = "chdir"
	ashBuiltins  = "[[ chdir help history let source"
	bashBuiltins = "[[ bind builtin caller compgen complete compopt coproc declare dirs disown enable fc help " +
		"history let logout mapfile popd pushd readarray shopt source suspend time typeset"
	kshBuiltins = "[[ bind builtin fc let nameref print source suspend time typeset whence"
)

var builtins = map[shell]map[string]bool{
	dash: set(posixBuiltins + " " + dashBuiltins),
	ash:  set(posixBuiltins + " " + ashBuiltins),
	bash: set(posixBuiltins + " " + bashBuiltins),
	ksh:  set(posixBuiltins + " " + kshBuiltins),
}

// builtin says whether one of the shells that s may be has the builtin. What
// only the other one has is a feature, which is reported as such.
func (s shell) builtin(name string) bool {
	for one, names := range builtins {
		if s&one != 0 && names[name] {
			return true
		}
	}
	return false
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}
