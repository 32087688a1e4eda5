// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"os"
	"path/filepath"
	"regexp"
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

func readText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var (
	namedTest = regexp.MustCompile(`Test(Rauc|Swupdate|Mender|Phosphor)\w+`)
	madeTest  = regexp.MustCompile(`func (Test(Rauc|Swupdate|Mender|Phosphor)\w+)\(`)
	saidText  = regexp.MustCompile("`(migrations: [^`]*?)( …|: …|…|`)")
)

// The page names the test behind each of its claims: every one that there is,
// and none that there is not.
func TestDocumentNamesTests(t *testing.T) {
	page := readText(t, "../../docs/updaters.md")
	named := map[string]bool{}
	for _, name := range namedTest.FindAllString(page, -1) {
		named[name] = true
	}
	files, err := filepath.Glob("*_upgrade_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, match := range madeTest.FindAllStringSubmatch(readText(t, file), -1) {
			if !named[match[1]] {
				t.Errorf("docs/updaters.md does not name %s", match[1])
			}
			delete(named, match[1])
		}
	}
	for name := range named {
		t.Errorf("docs/updaters.md names %s, which is no test", name)
	}
}

// The page shows what people will see.
func TestDocumentShowsMessages(t *testing.T) {
	script := strings.ReplaceAll(example(".").read(t, "check-image.sh"), "$image_status", "1")
	matches := saidText.FindAllStringSubmatch(readText(t, "../../docs/updaters.md"), -1)
	if len(matches) < 10 {
		t.Errorf("docs/updaters.md shows %d messages", len(matches))
	}
	for _, match := range matches {
		if !strings.Contains(script, match[1]) {
			t.Errorf("check_image does not say %q", match[1])
		}
	}
}

// A slot is good when its migrations took effect, and only then: systemd must
// not start what marks it before boot-complete.target, nor without it.
func TestMarkGoodWaits(t *testing.T) {
	for _, unit := range []string{"rauc/rauc-mark-good.service.d/migrations.conf", "swupdate/swupdate-mark-good.service"} {
		text := example(".").read(t, unit)
		for _, line := range []string{"\nRequires=boot-complete.target\n", "\nAfter=boot-complete.target\n"} {
			if !strings.Contains(text, line) {
				t.Errorf("%s has no %s", unit, strings.TrimSpace(line))
			}
		}
	}
}
