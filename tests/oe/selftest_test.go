// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// selftests are the cases of lib/oeqa/selftest/cases/migration.py.
var selftests = []string{
	"test_package_holds_the_script", "test_bad_field_fails_the_recipe", "test_name_that_is_not_listed",
	"test_changed_flag_does_not_install_again", "test_image_has_the_bundle",
}

// TestSelftest runs the layer's cases for oe-selftest by oe-selftest itself.
func TestSelftest(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: builds take minutes")
	}
	for _, c := range checkouts(t) {
		t.Run(c.series, func(t *testing.T) {
			b := newBuild(t, c, "deb", c.series+"-selftest")
			// oe-selftest works in a directory of its own, which a run that
			// fails leaves behind.
			if err := os.RemoveAll(b.dir + "-st"); err != nil {
				t.Fatal(err)
			}
			layers := filepath.Join(b.dir, "conf/bblayers.conf")
			f, err := os.OpenFile(layers, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString("BBLAYERS += \"" + b.core + "/meta-selftest\"\n"); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			words := []string{"oe-selftest", "-r"}
			for _, name := range selftests {
				words = append(words, "migration.Migration."+name)
			}
			out, err := b.run(t, words...)
			if err != nil {
				t.Fatalf("%v\n%s", err, tail(out))
			}
			for _, name := range selftests {
				if !strings.Contains(out, "migration.Migration."+name+": PASSED") {
					t.Errorf("%s did not pass:\n%s", name, tail(out))
				}
			}
		})
	}
}
