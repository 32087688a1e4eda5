// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package layout

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// bitbake finds the classes of a layer that is the whole repository by this
// link; a copy of the layer alone does without it.
func TestClassesLink(t *testing.T) {
	target, err := os.Readlink(filepath.Join(top, "classes"))
	if os.IsNotExist(err) {
		t.Skip("there is no link `classes` at the top")
	}
	if err != nil {
		t.Fatal(err)
	}
	if filepath.IsAbs(target) || filepath.Clean(target) != "meta-migration/classes" {
		t.Errorf("classes leads to %q, not to meta-migration/classes", target)
	}
	for _, class := range []string{"migration.bbclass", "migration-image.bbclass"} {
		if _, err := os.Stat(filepath.Join(top, "classes", class)); err != nil {
			t.Error(err)
		}
	}
}

// foreign are words of one machine, which would mean nothing in a checkout
// elsewhere. (Written so that this file has none of them.)
var foreign = []*regexp.Regexp{
	regexp.MustCompile("(^|[\\s\"'`=:(,])/wor[k]/"),
	regexp.MustCompile(`\.\./share[d]\b`),
}

func TestNoForeignPaths(t *testing.T) {
	checked := 0
	for _, name := range files(t) {
		data := read(t, name)
		checked++
		for i, line := range bytes.Split(data, []byte("\n")) {
			for _, word := range foreign {
				if word.Match(line) {
					t.Errorf("%s:%d names a path of one machine: %s", name, i+1, strings.TrimSpace(string(line)))
				}
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d files were checked", checked)
	}
}

// read reads a file, "" for what is no file or is gone from the work tree.
func read(t *testing.T, name string) []byte {
	t.Helper()
	path := filepath.Join(top, name)
	info, err := os.Lstat(path)
	if os.IsNotExist(err) || err == nil && !info.Mode().IsRegular() {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var source = regexp.MustCompile(`\.(go|s|sh|py|bb|bbclass|inc|mk|conf|service|migration)$|(^|/)Makefile$`)

// isData: what a test or an example works on stands for somebody else's file.
var isData = regexp.MustCompile(`/testdata/|^tests/.*\.migration$|^examples/.*\.conf$`)

// Every source file says what may be done with it, in its first lines: the
// layer is MIT, as Yocto layers are, the rest Apache-2.0.
func TestLicenseHeads(t *testing.T) {
	for _, name := range files(t) {
		data := read(t, name)
		if !source.MatchString(name) || len(data) == 0 || isData.MatchString(name) {
			continue
		}
		head := string(data)
		if lines := strings.SplitN(head, "\n", 6); len(lines) == 6 {
			head = strings.Join(lines[:5], "\n")
		}
		want := "SPDX-License-Identifier: Apache-2.0"
		if strings.HasPrefix(name, "meta-migration/") {
			want = "SPDX-License-Identifier: MIT"
		}
		if !strings.Contains(head, want) || !strings.Contains(head, "SPDX-FileCopyrightText: The meta-migration authors") {
			t.Errorf("%s does not begin with %q and the authors' line", name, want)
		}
	}
}

// link finds the targets of Markdown links.
var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)

// A document that leads nowhere is worse than none.
func TestDocumentLinks(t *testing.T) {
	for _, name := range files(t) {
		if !strings.HasSuffix(name, ".md") {
			continue
		}
		for _, match := range link.FindAllStringSubmatch(string(read(t, name)), -1) {
			target := match[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(top, filepath.Dir(name), target)); err != nil {
				t.Errorf("%s links to %s, which is not there", name, target)
			}
		}
	}
}
