// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package layout

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// namedTest finds a test, and a part of it, as `go test -run` takes them.
var namedTest = regexp.MustCompile("\\b((?:Test|Fuzz)[A-Z]\\w*)(?:/([^`\\s|)]+))?")

// TestSecurityNamesTests: each claim of docs/security.md names a test that
// exists, and a case of it that does.
func TestSecurityNamesTests(t *testing.T) {
	sources := map[string]string{} // of tests, by directory
	for _, name := range files(t) {
		if strings.HasSuffix(name, "_test.go") {
			sources[path.Dir(name)] += string(read(t, name))
		}
	}
	named := 0
	for _, match := range namedTest.FindAllStringSubmatch(string(read(t, "docs/security.md")), -1) {
		named++
		if why := missingTest(sources, match[1], match[2]); why != "" {
			t.Errorf("docs/security.md names %s: %s", match[0], why)
		}
	}
	if named < 40 {
		t.Errorf("docs/security.md names %d tests", named)
	}
	if missingTest(sources, "TestNobodyWrote", "") == "" || missingTest(sources, "TestSecurityNamesTests", "no such"+" case") == "" {
		t.Error("any name would do")
	}
}

func missingTest(sources map[string]string, name, part string) string {
	found := false
	for dir, text := range sources {
		if !strings.Contains(text, "\nfunc "+name+"(") {
			continue
		}
		found = true
		// A case's name stands in the source with its blanks.
		for _, quoted := range []string{`"` + part + `"`, `"` + strings.ReplaceAll(part, "_", " ") + `"`} {
			if part == "" || strings.Contains(text, quoted) {
				return ""
			}
		}
		if _, err := os.Stat(filepath.Join(top, dir, "testdata/fuzz", name, part)); err == nil {
			return ""
		}
	}
	if !found {
		return "there is no such test"
	}
	return "it has no such case"
}
