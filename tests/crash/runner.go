// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package crash

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// built is the directory of the runner that is built once in a test run.
var built string

var runner = sync.OnceValues(func() (path string, err error) {
	if built, err = os.MkdirTemp("", "migrate-runner"); err != nil {
		return "", err
	}
	path = filepath.Join(built, "migrate-runner")
	return path, build(path)
})

// Main runs the tests of a package that uses [Program], and removes the
// runner behind them. It returns the exit status.
func Main(m *testing.M) int {
	defer func() {
		if built != "" {
			_ = os.RemoveAll(built)
		}
	}()
	return m.Run()
}

func build(path string, flags ...string) error {
	args := append([]string{"build", "-trimpath"}, flags...)
	cmd := exec.Command("go", append(args, "-o", path, "meta-migration/target/migrate-runner")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// planted is the runner with a fault, where a test has set one.
var planted string

func program(t testing.TB) string {
	if planted != "" {
		return planted
	}
	path, err := runner()
	must(t, err)
	return path
}

func command(t testing.TB, root string) *exec.Cmd {
	return exec.Command(program(t), "run", "--allow-volatile", "--root", root)
}

// boot runs the runner undisturbed; it must exit as said.
func boot(t testing.TB, root string, exit int) {
	t.Helper()
	out, err := command(t, root).CombinedOutput()
	if got := status(err); got != exit {
		t.Fatalf("the runner exits with %d, want %d\n%s", got, exit, out)
	}
}

func status(err error) int {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// plant builds the runner with a piece of its source replaced.
func plant(t testing.TB, file, from, to string) string {
	t.Helper()
	return Planted(t, file, map[string]string{from: to})
}

// Planted builds the runner with pieces of one of its source files replaced,
// and returns the path of the program. file is relative to the module; each
// piece must be there just once.
func Planted(t testing.TB, file string, pieces map[string]string) string {
	t.Helper()
	return changed(t, map[string]map[string]string{file: pieces})
}

// changed is [Planted] for several files.
func changed(t testing.TB, files map[string]map[string]string) string {
	t.Helper()
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	must(t, err)
	dir := t.TempDir()
	replace := map[string]string{}
	for file, pieces := range files {
		path := filepath.Join(strings.TrimSpace(string(module)), file)
		source, err := os.ReadFile(path)
		must(t, err)
		text := string(source)
		for from, to := range pieces {
			if strings.Count(text, from) != 1 {
				t.Fatalf("%s holds %q %d times: adapt the change", file, from, strings.Count(text, from))
			}
			text = strings.Replace(text, from, to, 1)
		}
		replace[path] = filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
		must(t, os.WriteFile(replace[path], []byte(text), 0o644))
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644))
	out := filepath.Join(dir, "migrate-runner")
	must(t, build(out, "-overlay", filepath.Join(dir, "overlay.json")))
	return out
}
