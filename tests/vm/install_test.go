// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInstalled: what systemd needs is below /usr alone, since an overlay over
// /etc could hide it; each enabling link leads to a unit that is there, and
// fits the unit's [Install] section.
func TestInstalled(t *testing.T) {
	for _, early := range []bool{false, true} {
		root := t.TempDir()
		installRunner(t, root, early)
		want := map[string]bool{"etc/init.d/migrate-runner": true, "etc/rcS.d/S38migrate-runner": true}
		links := map[string]bool{}
		must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			name, _ := filepath.Rel(root, path)
			if strings.HasPrefix(name, "etc/") && !d.IsDir() && !want[name] {
				t.Errorf("%s is installed below /etc", name)
			}
			if d.Type()&fs.ModeSymlink != 0 && strings.Contains(name, "/systemd/") {
				links[strings.TrimPrefix("/"+name, unitDir+"/")] = true
				if _, err := os.Stat(path); err != nil {
					t.Errorf("%s leads nowhere: %v", name, err)
				}
			}
			return err
		}))
		for _, link := range wantedLinks(t, root) {
			if !links[link] {
				t.Errorf("there is no link %s", link)
			}
			delete(links, link)
		}
		for link := range links {
			t.Errorf("%s is of no [Install] section", link)
		}
	}
}

// wantedLinks are those that the units' [Install] sections ask for.
func wantedLinks(t *testing.T, root string) (links []string) {
	t.Helper()
	units, err := filepath.Glob(root + unitDir + "/*.service")
	must(t, err)
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		must(t, err)
		for _, line := range install.FindAllSubmatch(text, -1) {
			dir := map[string]string{"WantedBy": ".wants/", "RequiredBy": ".requires/"}[string(line[1])]
			links = append(links, string(line[2])+dir+filepath.Base(unit))
		}
	}
	return links
}
