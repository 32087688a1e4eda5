// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"os"
	"os/exec"
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

// markGood are what marks a slot good, as a unit: RAUC's own is not ours, so it
// stands for itself here.
var markGood = map[string]string{
	"rauc/rauc-mark-good.service.d/migrations.conf": "[Unit]\nDescription=Mark good\n[Service]\nType=oneshot\nExecStart=true\n[Install]\nWantedBy=multi-user.target\n",
	"swupdate/swupdate-mark-good.service":           "",
}

// A slot is good when its migrations took effect, and only then: systemd must
// not start what marks it before boot-complete.target, nor without it.
func TestMarkGoodWaits(t *testing.T) {
	for unit := range markGood {
		text := example(".").read(t, unit)
		for _, line := range []string{"\nRequires=boot-complete.target\n", "\nAfter=basic.target boot-complete.target\n"} {
			if !strings.Contains(text, line) {
				t.Errorf("%s has no %s", unit, strings.TrimSpace(line))
			}
		}
	}
}

// A health check may come after multi-user.target, as
// systemd-boot-check-no-failures.service does. What marks the slot good comes
// after it, so multi-user.target must not come after that.
func TestMarkGoodMakesNoCycle(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("skipping: no systemd-analyze here")
	}
	for unit, base := range markGood {
		text := example(".").read(t, unit)
		if cycle := orderingCycle(t, tool, base, text); cycle != "" {
			t.Errorf("%s: %s", unit, cycle)
		}
		if orderingCycle(t, tool, base, strings.Replace(text, "\nDefaultDependencies=no\n", "\n", 1)) == "" {
			t.Errorf("%s: systemd-analyze sees no cycle where there is one", unit)
		}
	}
}

// orderingCycle returns what systemd says of a cycle in the boot of a device with
// a health check and what marks it good: a unit, or the drop-in for a base.
func orderingCycle(t *testing.T, tool, base, text string) string {
	t.Helper()
	dir := t.TempDir()
	health := "[Unit]\nAfter=default.target multi-user.target\nBefore=boot-complete.target\n[Service]\nType=oneshot\nExecStart=true\n"
	for name, unit := range map[string]string{
		"multi-user.target":    "[Unit]\nAfter=basic.target\n",
		"basic.target":         "[Unit]\n",
		"sysinit.target":       "[Unit]\n",
		"shutdown.target":      "[Unit]\nDefaultDependencies=no\n",
		"boot-complete.target": "[Unit]\nDefaultDependencies=no\n",
		"health.service":       health,
	} {
		mustWrite(t, filepath.Join(dir, name), unit, 0o644)
	}
	if base == "" {
		mustWrite(t, filepath.Join(dir, "mark.service"), text, 0o644)
	} else {
		mustWrite(t, filepath.Join(dir, "mark.service"), base, 0o644)
		mustWrite(t, filepath.Join(dir, "mark.service.d/migrations.conf"), text, 0o644)
	}
	for _, link := range []string{"multi-user.target.wants/mark.service", "boot-complete.target.requires/health.service"} {
		file := filepath.Join(dir, link)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../"+filepath.Base(link), file); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(tool, "verify", "--man=no", "multi-user.target")
	cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir)
	out, _ := cmd.CombinedOutput() // it also complains of programs that are not here
	for _, line := range strings.Split(string(out), "\n") {
		if strings.Contains(line, "ordering cycle") {
			return line
		}
	}
	return ""
}
