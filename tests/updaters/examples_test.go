// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkImage is the part that the examples have in common.
func checkImage(text string) string {
	_, text, _ = strings.Cut(text, "\n# >>> check_image\n")
	text, _, _ = strings.Cut(text, "\n# <<< check_image\n")
	return text
}

// Each example is complete, so the same lines are in several: a repair of one
// is a repair of all.
func TestExamplesCheckAlike(t *testing.T) {
	want := checkImage(example(".").read(t, "check-image.sh"))
	if want == "" {
		t.Fatal("check-image.sh has no marks")
	}
	found := 0
	err := filepath.WalkDir(example(".").dir(), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if got := checkImage(string(data)); got != "" {
			found++
			if got != want {
				t.Errorf("%s has another check_image than check-image.sh", path)
			}
		} else if strings.Contains(string(data), "check --image") && strings.HasPrefix(string(data), "#!") {
			t.Errorf("%s asks the runner without check_image", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 5 {
		t.Errorf("only %d files have check_image", found)
	}
}
