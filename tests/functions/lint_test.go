// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

const docPath = "../../docs/functions.md"

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestShellcheck(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is not installed")
	}
	if out, err := exec.Command("shellcheck", "-s", "sh", libraryPath).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for name, text := range examples(t) {
		cmd := exec.Command("shellcheck", "-s", "sh", "-e", "SC1090,SC2154", "-")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("example %q of %s: %v\n%s", name, docPath, err, out)
		}
	}
}

// verbs lists the public functions of the library.
func verbs(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z]\w*)\(\) \($`).FindAllStringSubmatch(readFile(t, libraryPath), -1) {
		names = append(names, m[1])
	}
	if len(names) < 14 {
		t.Fatalf("only %d verbs found: %v", len(names), names)
	}
	return names
}

// A verb that is not on the page, or not in the head comment, is not promised.
func TestVerbsAreDocumented(t *testing.T) {
	head, _, _ := strings.Cut(readFile(t, libraryPath), "\n_mig_begin()")
	page := readFile(t, docPath)
	for _, verb := range verbs(t) {
		if !regexp.MustCompile(`(?m)^# .*\b` + verb + ` `).MatchString(head) {
			t.Errorf("%s is not in the head comment", verb)
		}
		if !strings.Contains(page, "\n### "+verb+"\n") {
			t.Errorf("%s has no section %q in %s", verb, "### "+verb, docPath)
		}
	}
}

// Every private function begins with _mig_, and no function is left unused, so
// a migration's own names are safe.
func TestNamesOfFunctions(t *testing.T) {
	text := readFile(t, libraryPath)
	for _, m := range regexp.MustCompile(`(?m)^(_\w*)\(\)`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[1], "_mig_") {
			t.Errorf("%s does not begin with _mig_", m[1])
		}
		if regexp.MustCompile(`\b`+m[1]+`\b`).FindAllString(text, -1) == nil || strings.Count(text, m[1]) < 2 {
			t.Errorf("%s is not used", m[1])
		}
	}
}

// The library calls only what oe-core's busybox has; what is optional is tested
// for first.
func TestCommandsAreInBusybox(t *testing.T) {
	text := readFile(t, libraryPath)
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), libraryPath)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"getfattr": true, "setfattr": true}
	for _, name := range append(oeApplets, strings.Fields(": [ break command continue exit export return set shift trap kill printf read echo unset")...) {
		known[name] = true
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		if f, ok := node.(*syntax.FuncDecl); ok {
			known[f.Name.Value] = true
		}
		return true
	})
	seen := 0
	syntax.Walk(file, func(node syntax.Node) bool {
		if call, ok := node.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			if name := call.Args[0].Lit(); name != "" {
				seen++
				if !known[name] {
					t.Errorf("%v: %s is not in oe-core's busybox", call.Pos(), name)
				}
			}
		}
		return true
	})
	if seen < 100 {
		t.Errorf("only %d commands seen", seen)
	}
}
