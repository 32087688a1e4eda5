// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// runtimeCases: the layer's cases for testimage pass on the image when its
// migrations have run, and do not before.
func (b *build) runtimeCases(t *testing.T) {
	root := b.extract(t, "oetest-image")
	if out, err := b.runtime(root); err == nil || !regexp.MustCompile(`migration\.MigrationTest\.test_bundle_is_complete.*FAILED`).MatchString(out) {
		t.Errorf("pending migrations, and testimage says: %v\n%s", err, tail(out))
	}
	if out, code := runner(t, root, "run", "--allow-volatile"); code != 0 {
		t.Fatalf("run: exit %d\n%s", code, out)
	}
	out, err := b.runtime(root)
	for _, name := range []string{"test_bundle_is_complete", "test_second_run_does_nothing", "test_state_is_persistent"} {
		if !regexp.MustCompile(`migration\.MigrationTest\.` + name + `.*PASSED`).MatchString(out) {
			t.Errorf("%s did not pass: %v\n%s", name, err, tail(out))
		}
	}
}

func (b *build) runtime(root string) (string, error) {
	script := filepath.Join(b.source, "tests/oe/testdata/runtime.py")
	out, err := exec.Command("python3", script, b.core, b.bitbake, filepath.Join(b.source, "meta-migration"), root).CombinedOutput()
	return string(out), err
}
