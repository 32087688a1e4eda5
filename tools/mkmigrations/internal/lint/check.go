// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"os"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"meta-migration/internal/bundle"
)

// Check returns what a script needs and the root file system has not: its
// interpreter, and of a shell script the commands and files of [Commands] and
// the functions of [Verbs]. Names are searched in bundle.ScriptPath and in
// what the script itself adds to PATH. A guarded one that is missing is a
// warning, and so is each where a sourced file may define it, where PATH is
// computed, or which is made on the device. Relative paths are not checked.
func (r *Rootfs) Check(file string, data []byte) []Finding {
	s := read(file, data)
	return sorted(append(r.check(s), s.verbFindings(r.verbs)...))
}

// check is Check without the functions of the shell library.
func (r *Rootfs) check(s *script) []Finding {
	found := append(r.checkInterpreter(s), r.checkPaths(s)...)
	if s.shell == noShell {
		return found
	}
	c := checker{r, s, s.scan(), r.sourcedFunctions(s.scan(), s.budget), append(scriptPath(), s.scan().path...), false}
	for _, call := range s.calls() {
		if call.Sourced {
			found = append(found, c.source(call)...)
		} else {
			found = append(found, c.command(call)...)
		}
		if c.spent {
			return append(found, s.finding(0, true, "not all checked: "+errSpent.Error(), ""))
		}
	}
	return found
}

// checkInterpreter looks for what the #! line names, and for what env or the
// like is told to run.
func (r *Rootfs) checkInterpreter(s *script) []Finding {
	name := s.interpreter.Path
	if name == "" {
		return nil
	}
	found := r.missingInterpreter(s, name)
	if base(name) == "env" {
		if name = envProgram(s.interpreter); name != "" {
			found = append(found, r.missingInterpreter(s, name)...)
		}
	}
	return found
}

func (r *Rootfs) missingInterpreter(s *script, name string) []Finding {
	_, why := r.lookup(name, scriptPath(), true)
	if why == "" {
		return nil
	}
	return []Finding{s.finding(1, false, "no interpreter "+quoted(name)+" in the image: "+why, "install it, or write the migration for #!/bin/sh")}
}

// checkPaths is Paths with the links of the image followed: /data may be
// where the state directory is.
func (r *Rootfs) checkPaths(s *script) []Finding {
	parsed, err := bundle.ParseScript(s.file, s.data)
	if err != nil {
		return nil
	}
	var found []Finding
	state := r.find(bundle.StateDir).path
	for _, p := range parsed.Header.Paths {
		if !holds(p, bundle.StateDir) && holds(r.find(p).path, state) {
			found = append(found, stateFinding(s.file, s.data, p, ", by the links of the image"))
		}
	}
	return found
}

// A checker looks for one script's calls in the image.
type checker struct {
	rootfs  *Rootfs
	script  *script
	scan    *scan
	sourced map[string]bool // functions of files that the script sources
	dirs    []string
	spent   bool // the budget, by what was looked for
}

// onDevice are directories whose files are made on the device.
var onDevice = []string{"/dev", "/media", "/mnt", "/proc", "/run", "/sys", "/tmp", "/var/run", "/var/tmp", "/var/volatile"}

// command looks for one command. The order of the cases is that of certainty:
// what the script tests for, or makes, is never an error.
func (c *checker) command(call Call) []Finding {
	name := call.Name
	if call.By == "" && (c.rootfs.verbs[name] || c.sourced[name]) {
		return nil
	}
	if strings.Contains(name, "/") && name[0] != '/' {
		return nil
	}
	why := c.lookup(name, true)
	if why == "" {
		return nil
	}
	if call.Guarded {
		return c.found(call, true, quoted(name)+" is not in the image; the script tests for it first", "")
	}
	if c.made(name) {
		return c.found(call, true, quoted(name)+" is not in the image: it must be made on the device before", "")
	}
	rule := "no command " + quoted(name) + " in the image: " + why
	if own := c.scan.functions[name] != nil; call.By != "" && (own || c.script.shell.builtin(name)) {
		rule += "; " + call.By + " runs no function and no builtin"
	}
	if call.Heeded {
		rule += "; || or a condition takes its 127 for a failure of the command"
	}
	return c.found(call, c.scan.unknown, rule, c.cure(name))
}

// lookup remembers why a command is not in the image, or "". What is looked
// for in directories of the script's own is looked for each time.
func (c *checker) lookup(name string, executable bool) (why string) {
	key := wanted{name, executable}
	if why, ok := c.rootfs.known[key]; ok && c.plain() {
		return why
	}
	if !c.script.budget.take(c.cost(name)) {
		c.spent = true
		return ""
	}
	_, why = c.rootfs.lookup(name, c.dirs, executable)
	if c.plain() {
		c.rootfs.known[key] = why
	}
	return why
}

// plain says whether the script searches the usual directories only.
func (c *checker) plain() bool { return len(c.scan.path) == 0 }

// cost is what the search for one command takes of the budget.
func (c *checker) cost(name string) int {
	if strings.HasPrefix(name, "/") {
		return costOfSearch
	}
	return costOfSearch * len(c.dirs)
}

func (c *checker) found(call Call, warning bool, rule, cure string) []Finding {
	return []Finding{c.script.finding(call.Line, warning, rule, cure)}
}

// made says whether a path is one that the device or the script makes.
func (c *checker) made(name string) bool {
	if !strings.HasPrefix(name, "/") {
		return false
	}
	for _, dir := range onDevice {
		if below(name, dir) {
			return true
		}
	}
	return c.scan.habits.made[name]
}

// verbFor are the functions of the shell library that do the work of tools
// which images without package management have not.
var verbFor = map[string]string{
	"useradd": "ensure_user", "adduser": "ensure_user", "usermod": "add_to_group", "gpasswd": "add_to_group",
	"groupadd": "ensure_group", "addgroup": "ensure_group",
}

// cure names the verb that does it without the tool, else the two ways out.
func (c *checker) cure(name string) string {
	if verb := verbFor[base(name)]; c.rootfs.verbs[verb] {
		return "use " + verb + " of the shell library"
	}
	return "install the package that has it, or guard the call: if command -v " + name + " >/dev/null; then …; fi"
}

// source checks a file that the script reads. A name without a slash is
// searched in PATH and need not be executable.
func (c *checker) source(call Call) []Finding {
	name := call.Name
	if strings.Contains(name, "/") && name[0] != '/' {
		return nil
	}
	why := c.lookup(name, false)
	if why == "" {
		return nil
	}
	if call.Guarded || c.made(name) || c.scan.unknown && name[0] != '/' {
		return c.found(call, true, "no file "+quoted(name)+" in the image: "+why, "")
	}
	return c.found(call, false, "no file "+quoted(name)+" to source in the image: "+why,
		"install the package that has it, or test for it: if [ -r "+name+" ]; then . "+name+"; fi")
}

// sourcedFunctions are the functions of the literal files that the script
// sources. Where such a file sources another, or cannot be read, the scan
// knows no longer which functions there are.
func (r *Rootfs) sourcedFunctions(sc *scan, b *Budget) map[string]bool {
	names := map[string]bool{}
	read := map[string]bool{}
	for _, src := range sc.sources {
		if src.library || src.name == "" || read[src.name] {
			continue
		}
		read[src.name] = true
		tree := r.parseFile(src.name, b)
		if tree == nil {
			sc.unknown = true
			continue
		}
		inner := newScan(&script{shell: bash})
		inner.run(tree)
		sc.unknown = sc.unknown || inner.unknown || len(inner.sources) > 0
		for name := range inner.functions {
			names[name] = true
		}
		for name := range inner.aliases {
			names[name] = true
		}
	}
	return names
}

// parseFile reads a shell file of the image, nil where it cannot.
func (r *Rootfs) parseFile(name string, b *Budget) *syntax.File {
	if !b.take(costOfSearch) {
		return nil
	}
	p, why := r.lookup(name, scriptPath(), false)
	if why != "" || p.info.Size() > bundle.MaxScript {
		return nil
	}
	data, err := os.ReadFile(r.dir + p.path)
	if err != nil {
		return nil
	}
	tree, _, err := parse(data, syntax.LangPOSIX, b)
	if err != nil {
		// A file may test for the shell that reads it.
		tree, _, _ = parse(data, syntax.LangBash, b)
	}
	return tree
}
