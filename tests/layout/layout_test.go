// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	module = "meta-migration"
	top    = "../.."
	tool   = module + "/tools/mkmigrations"
	runner = module + "/target/migrate-runner"
	format = module + "/internal/bundle"
)

// A pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath, Dir                       string
	Standard                              bool
	Imports, TestImports, XTestImports    []string
	IgnoredGoFiles, CgoFiles, TestGoFiles []string
}

// goCommand runs go at the top of the repository.
func goCommand(env []string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = top
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false"), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), errors.New(err.Error() + "\n" + stderr.String())
	}
	return stdout.String(), nil
}

// list returns the packages that a pattern matches, and with -deps those that
// they need.
func list(t *testing.T, env []string, args ...string) []pkg {
	t.Helper()
	// With a profile each package would be listed as one of the program's own.
	out, err := goCommand(env, append([]string{"list", "-pgo=off", "-json"}, args...)...)
	if err != nil {
		t.Fatalf("go list %s: %v", strings.Join(args, " "), err)
	}
	var pkgs []pkg
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// files returns the files of the repository: those that git has or would take, or, in a
// copy without git, all but what make makes.
func files(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = top
	if out, err := cmd.Output(); err == nil && len(out) > 0 {
		return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	}
	made := map[string]bool{".git": true, "bin": true, "demo-out": true, ".cache": true}
	var found []string
	err := filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
		name := strings.TrimPrefix(path, top+"/")
		if err == nil && d.IsDir() && made[name] {
			return filepath.SkipDir
		}
		if err == nil && !d.IsDir() {
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
