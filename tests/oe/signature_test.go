// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestSignatures: a change makes run again what depends on it, and nothing
// else.
func TestSignatures(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: builds take minutes")
	}
	for _, c := range checkouts(t) {
		t.Run(c.series, func(t *testing.T) { newBuild(t, c, formats()[0], c.series+"-signatures").signatures(t) })
	}
}

func (b *build) signatures(t *testing.T) {
	base := b.tasks(t, nil)
	appended := "FILESEXTRAPATHS:prepend := \"${TOPDIR}/case/files:\"\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		with  []string // must change
		sans  string   // must not change, a regular expression
	}{
		{"nothing", map[string]string{"conf": "OETEST_UNRELATED = \"1\"\nOETEST_UNRELATED[doc] = \"x\"\n"}, nil, "."},
		// A commit in oe-core's repository.
		{"revision", map[string]string{"conf": "METADATA_REVISION = \"0123456789abcdef0123456789abcdef01234567\"\n"}, nil, "."},
		{"flag", map[string]string{"board.bbappend": "MIGRATION_DESCRIPTION[layout] = \"other\"\n"},
			[]string{"board:do_migration", "board:do_package", "board:do_package_write_" + b.format, "oetest-image:do_rootfs"},
			"^(accounts|cloud|mkmigrations-native|migrate-runner):|^board:do_(fetch|unpack|patch|configure|compile|install|populate_sysroot)$"},
		{"new flag", map[string]string{"board.bbappend": "MIGRATION_FRESH[layout] = \"run\"\n"},
			[]string{"board:do_migration"}, "^accounts:|^board:do_install$"},
		{"body", map[string]string{"board.bbappend": "migration_up:v1.2:append() {\n    true\n}\n"},
			[]string{"board:do_migration", "board:do_package"}, "^accounts:|^board:do_install$"},
		{"variable in body", map[string]string{"board.bbappend": "sysconfdir = \"/etc/other\"\n"},
			[]string{"board:do_migration"}, "^accounts:"},
		{"file", map[string]string{"accounts.bbappend": appended, "files/split-users.migration": "#!/bin/sh\ntrue\n"},
			[]string{"accounts:do_fetch", "accounts:do_migration", "accounts:do_package", "oetest-image:do_rootfs"}, "^(board|cloud):"},
		{"image variable", map[string]string{"conf": "MIGRATION_KEEP = \"good\"\n"},
			[]string{"oetest-image:do_rootfs"}, "^(accounts|board|cloud|mkmigrations-native|migrate-runner):"},
		{"image default", map[string]string{"conf": "MIGRATION_TIMEOUT = \"60\"\n"},
			[]string{"oetest-image:do_rootfs"}, "^(accounts|board|cloud):"},
		{"previous manifest", map[string]string{"conf": "MIGRATION_PREVIOUS = \"${TOPDIR}/case/previous\"\n", "previous": "x\n"},
			[]string{"oetest-image:do_rootfs"}, "^(accounts|board|cloud):"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := difference(base, b.tasks(t, c.files))
			for _, task := range c.with {
				if _, there := base[task]; !there {
					t.Fatalf("no task %s", task)
				}
				if !changed[task] {
					t.Errorf("%s does not run again", task)
				}
			}
			for task := range changed {
				if regexp.MustCompile(c.sans).MatchString(task) {
					t.Errorf("%s runs again", task)
				}
			}
		})
	}
}

// tasks returns the signature of each task of the image and what it needs.
func (b *build) tasks(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	b.setCase(t, files)
	b.succeed(t, "-S", "lockedsigs", "oetest-image", "cloud")
	data, err := os.ReadFile(filepath.Join(b.dir, "locked-sigs.inc"))
	if err != nil {
		t.Fatal(err)
	}
	tasks := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^ *([^ :]+:do_[a-z_]+):([0-9a-f]{64})`).FindAllStringSubmatch(string(data), -1) {
		tasks[m[1]] = m[2]
	}
	if len(tasks) < 20 {
		t.Fatalf("only %d tasks:\n%s", len(tasks), tail(string(data)))
	}
	return tasks
}

func difference(a, b map[string]string) map[string]bool {
	changed := map[string]bool{}
	for task, signature := range a {
		if b[task] != signature {
			changed[task] = true
		}
	}
	for task := range b {
		if _, there := a[task]; !there {
			changed[task] = true
		}
	}
	return changed
}
