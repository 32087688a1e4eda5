// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestClassesLink: the top-level link to the classes is there, relative, and
// leads into the layer.
func TestClassesLink(t *testing.T) {
	link := filepath.Join(repository(t), "classes")
	target, err := os.Readlink(link)
	if err != nil || target != "meta-migration/classes" {
		t.Fatalf("classes is a link to %q: %v", target, err)
	}
	if _, err := os.Stat(filepath.Join(link, "migration.bbclass")); err != nil {
		t.Error(err)
	}
}

// TestVariablesDocumented: each variable that a class sets is MIGRATION_* and
// has [doc], so bitbake-getvar and the manual know it; each function is
// migration_*, so that it meets none of another layer.
func TestVariablesDocumented(t *testing.T) {
	assigned := regexp.MustCompile(`(?m)^([A-Z_]+)(?:\[doc\])? *(\?\?|\?|:|)= `)
	function := regexp.MustCompile(`(?m)^(?:python |fakeroot )*([a-z_]+) *\(\) *\{`)
	allowed := map[string]bool{"do_migration": true}
	files, err := filepath.Glob(filepath.Join(repository(t), "meta-migration/classes/*.bbclass"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no classes: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		for _, m := range assigned.FindAllStringSubmatch(text, -1) {
			name := m[1]
			if !strings.HasPrefix(name, "MIGRATION") {
				t.Errorf("%s sets %s", filepath.Base(file), name)
			}
			if !strings.Contains(text, "\n"+name+"[doc] = \"") {
				t.Errorf("%s: %s has no [doc]", filepath.Base(file), name)
			}
		}
		for _, m := range function.FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(m[1], "migration_") && !allowed[m[1]] && m[1] != "python" {
				t.Errorf("%s defines %s", filepath.Base(file), m[1])
			}
		}
	}
}
