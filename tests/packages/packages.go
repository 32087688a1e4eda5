// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package packages makes real .deb, .ipk and .rpm files for tests, by the
// tools that distributions use: dpkg-deb, tar with ar, and rpmbuild.
//
// The same description gives the same bytes: owner, time and order of what
// is packed are fixed, and Epoch stands for every clock. Nothing depends on
// the umask or the user. The packages look like those of oe-core, so tests
// see the fields that a Yocto build writes.
//
// It is for well-formed packages only. Broken and hostile ones are made by
// the tests that need them, from these or byte by byte.
package packages

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Epoch is the time that all packed files and packages carry, in seconds.
const Epoch = 1700000000

// Compression names how control and data are packed. Each format takes all
// four, Default is what current oe-core writes.
type Compression string

// The compressions that the three formats share.
const (
	Default Compression = ""
	None    Compression = "none"
	Gzip    Compression = "gzip"
	Xz      Compression = "xz"
	Zstd    Compression = "zstd"
)

// File is one file of a package. Parents need not be listed.
type File struct {
	Path string      // absolute
	Data string      // content of a regular file
	Mode os.FileMode // permissions, 0 is 0644
	Link string      // target: makes the file a symbolic link
	Dir  bool        // makes it an empty directory
}

// Package describes one package. Only Name is required.
type Package struct {
	Name     string
	Version  string // [epoch:]version[-release], "1.0-r0" if empty
	Arch     string // "all" if empty, which rpm calls noarch
	Recipe   string // PN: OE in ipk and deb, SOURCERPM in rpm
	Source   string // Source of ipk and deb, as it is; else none (deb) or Recipe's file name (ipk)
	Provides []string
	Fields   []string // further control lines of ipk and deb
	Files    []File
}

// MissingToolError says which program is not installed.
type MissingToolError struct{ Tool string }

func (e *MissingToolError) Error() string {
	return fmt.Sprintf("%s is not installed", e.Tool)
}

// Check skips the test where err is a missing tool, and ends it with any
// other error.
func Check(t testing.TB, err error) {
	t.Helper()
	var missing *MissingToolError
	if errors.As(err, &missing) {
		t.Skipf("skipping: %v", missing)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Snippet is the file that a migration is in a package.
func Snippet(recipe, name, script string) File {
	return File{Path: "/usr/share/migration/" + recipe + "/" + name, Data: script, Mode: 0o644}
}

// Migration describes the -migration package that oe-core's class makes of a
// recipe: its name, what it announces, and its snippets.
func Migration(recipe, version string, snippets ...File) Package {
	return Package{
		Name: recipe + "-migration", Version: version, Recipe: recipe,
		Provides: []string{"migration-snippets"}, Files: snippets,
	}
}

func (p Package) version() string {
	if p.Version == "" {
		return "1.0-r0"
	}
	return p.Version
}

func (p Package) arch() string {
	if p.Arch == "" {
		return "all"
	}
	return p.Arch
}

// upstream is the version without epoch and release: what a recipe's file
// name holds.
func (p Package) upstream() string {
	_, version, _ := splitVersion(p.version())
	return version
}

func splitVersion(v string) (epoch, version, release string) {
	if e, rest, ok := strings.Cut(v, ":"); ok {
		epoch, v = e, rest
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return epoch, v[:i], v[i+1:]
	}
	return epoch, v, ""
}

// stage writes the package's files below root, with all times at Epoch.
func (p Package) stage(root string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	for _, f := range p.Files {
		if err := f.write(filepath.Join(root, f.Path)); err != nil {
			return fmt.Errorf("staging %q of %q: %w", f.Path, p.Name, err)
		}
	}
	return settle(root)
}

func (f File) write(path string) error {
	if f.Dir {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if f.Link != "" {
		return os.Symlink(f.Link, path)
	}
	if err := os.WriteFile(path, []byte(f.Data), 0o644); err != nil {
		return err
	}
	return os.Chmod(path, f.mode())
}

func (f File) mode() os.FileMode {
	if f.Mode == 0 {
		return 0o644
	}
	return f.Mode
}

// settle gives every directory a mode that no umask touched, and everything
// but links, whose time tar and dpkg-deb clamp, the one time.
func settle(root string) error {
	at := time.Unix(Epoch, 0)
	return filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Type()&os.ModeSymlink != 0 {
			return err
		}
		if d.IsDir() {
			if err := os.Chmod(path, 0o755); err != nil {
				return err
			}
		}
		return os.Chtimes(path, at, at)
	})
}

// run starts a tool in dir with a fixed environment.
func run(dir, tool string, args ...string) error {
	path, err := exec.LookPath(tool)
	if err != nil {
		return &MissingToolError{tool}
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + os.TempDir(),
		"LC_ALL=C", "TZ=UTC", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", Epoch),
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w\n%s", tool, err, out)
	}
	return nil
}

// each makes the packages side by side, since most of the time goes into
// starting processes, and returns the files in the order of pkgs.
func each(pkgs []Package, mk func(Package) (string, error)) ([]string, error) {
	files := make([]string, len(pkgs))
	errs := make([]error, len(pkgs))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2*runtime.NumCPU())
	for i, p := range pkgs {
		wg.Add(1)
		slots <- struct{}{}
		go func(i int, p Package) {
			defer func() { <-slots; wg.Done() }()
			if files[i], errs[i] = mk(p); errs[i] != nil {
				errs[i] = fmt.Errorf("making %q: %w", files[i], errs[i])
			}
		}(i, p)
	}
	wg.Wait()
	return files, errors.Join(errs...)
}

// inScratch calls f with a directory that is gone afterwards.
func inScratch(f func(dir string) error) error {
	dir, err := os.MkdirTemp("", "packages")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// MkdirTemp gives 0700, which dpkg-deb would pack and rpmbuild dislikes.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	return f(dir)
}
