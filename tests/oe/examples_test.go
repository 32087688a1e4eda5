// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// ownerOf returns the user that a file belongs to.
func ownerOf(t *testing.T, path string) uint32 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Uid
}

// examples: the recipes in examples/ of the repository are recipes. Their
// packages hold the texts that the demo takes from the same files.
func (b *build) examples(t *testing.T) {
	// useradd.bbclass needs programs and files of oe-core, at tasks that are
	// not run here.
	const conf = "BBFILES += \"${OETEST_SOURCE}/examples/*/*.bb\"\nASSUME_PROVIDED += \"base-files shadow-sysroot shadow\"\n"
	for _, release := range []struct {
		conf  string
		texts map[string][]string
	}{
		{"PREFERRED_VERSION_datalog = \"1.4\"\nPREFERRED_VERSION_webui = \"6.0\"\nPREFERRED_VERSION_product-users = \"1.0\"\n", map[string][]string{
			"datalog/1.4": {"datalog/datalog/drop-root"}, "webui/6.0": {"webui/webui/listen-address"},
			"fieldtest/1.0": {"fieldtest/fieldtest/clear-results"},
		}},
		{"PREFERRED_VERSION_datalog = \"2.0\"\nPREFERRED_VERSION_webui = \"5.0\"\n", map[string][]string{
			"datalog/2.0": {"datalog/datalog/drop-root", "datalog/datalog-2.0/daily-files", "datalog/datalog/daily-index"}, "webui/5.0": nil,
		}},
		{"", map[string][]string{
			"datalog/2.1": {"datalog/datalog/drop-root", "datalog/datalog/daily-files", "datalog/datalog/daily-index"},
			"webui/7.0":   {"webui/webui/listen-address", "webui/webui/hashed-tokens"},
		}},
	} {
		b.setCase(t, map[string]string{"conf": conf + release.conf})
		tasks := []string{"product-users:do_migration"}
		for _, recipe := range []string{"datalog", "webui", "fieldtest"} {
			tasks = append(tasks, recipe+":do_package", recipe+":do_package_qa")
		}
		b.succeed(t, tasks...)
		for recipe, want := range release.texts {
			b.checkTexts(t, recipe, want)
		}
	}
}

// checkTexts compares the scripts in a recipe's -migration package with files
// of examples/.
func (b *build) checkTexts(t *testing.T, recipe string, want []string) {
	t.Helper()
	name, version := filepath.Split(recipe)
	name = filepath.Clean(name)
	found, err := filepath.Glob(filepath.Join(b.dir, "tmp*", "work", "*", name, version+"*", "packages-split", name+"-migration/usr/share/migration", name, "*"))
	if err != nil || len(found) != len(want) {
		t.Errorf("%s ships %v: %v", recipe, found, err)
		return
	}
	texts := map[string]string{}
	for _, path := range found {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(path)] = digest(data)
	}
	for _, path := range want {
		data, err := os.ReadFile(filepath.Join(b.source, "examples", path+".migration"))
		if err != nil {
			t.Fatal(err)
		}
		if texts[filepath.Base(path)] != digest(data) {
			t.Errorf("%s does not ship the text of %s", recipe, path)
		}
	}
}
