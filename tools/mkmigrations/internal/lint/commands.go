// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

// A Call is a command that a script calls by a literal name, or a file that
// it sources.
type Call struct {
	Name    string // as written, without quotes: a name, or a path where it has a slash
	Line    int    // counted from 1
	Guarded bool   // the script has tested for it on the way to the call
	Heeded  bool   // || or a condition heeds its status, so that -e does not
	Sourced bool   // read by the shell (`. file`), not run
	By      string // the program that runs it (xargs, env, …): then no builtin and no function will do; else ""
}

// Commands returns what a shell script calls by literal names, in the order
// of the lines, and what is wrong in it whatever the image: warnings.
//
// Builtins and reserved words of the shell, and functions and aliases that
// the script defines, are left out. A function of the shell library is a call
// like any other: see [Verbs]. The command behind exec, command, env, nice,
// nohup, timeout, xargs, find -exec and the like is a call too, and so are
// those in the literal texts of `sh -c`, eval and trap. Not looked at: the
// command of chroot, su and ssh, which runs elsewhere or as somebody else.
//
// Warnings: a command in a variable; $0, which is no path of the migration
// when it runs; and what breaks a migration at boot, see habits.go.
func Commands(file string, data []byte) ([]Call, []Finding) {
	s := read(file, data)
	return s.calls(), sorted(s.commandFindings())
}

// scan looks at the script's commands, once.
func (s *script) scan() *scan {
	s.load()
	if s.scanned == nil {
		s.scanned = newScan(s)
		if s.tree != nil {
			s.scanned.run(s.tree)
		}
	}
	return s.scanned
}

func (s *script) commandFindings() []Finding {
	sc := s.scan()
	if sc.spent {
		return append(sc.found, s.finding(0, true, "not all checked: "+errSpent.Error(), ""))
	}
	if sc.tooDeep {
		return append(sc.found, s.finding(0, true, "not all checked: "+errDeep.Error(), ""))
	}
	return sc.found
}

func (sc *scan) guarded(c scannedCall) bool {
	return c.guards.has(c.Name) || sc.loose[base(c.Name)] || sc.loose[c.Name] || sc.entered(c.in, c.Name)
}

// calls are those of the script's calls that need something of the image.
func (s *script) calls() []Call {
	sc := s.scan()
	var needed []Call
	for _, c := range sc.calls {
		own := sc.functions[c.Name] != nil || sc.aliases[c.Name] || s.shell.builtin(c.Name)
		// Reported as what another shell has; no image can help.
		foreign := s.shell.posix() && builtins[bash][c.Name] && c.Name != "time"
		if c.By == "" && !c.Sourced && (own || foreign) {
			continue
		}
		c.Guarded = sc.guarded(c)
		needed = append(needed, c.Call)
	}
	sortCalls(needed)
	return needed
}
