// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"meta-migration/internal/bundle"
	"meta-migration/tests/packages"
)

// A release is what one bundle is made of.
type release struct {
	version  string
	previous *release
	snippets []snippet
	options  []string // of mkmigrations build
}

// A snippet is a migration: its ID, header lines without the marks, and body.
type snippet struct{ id, header, body string }

func (s *snippet) text() string {
	text := "#!/bin/sh\n"
	if s.header != "" {
		text += "### BEGIN MIGRATION INFO\n# " + strings.ReplaceAll(s.header, "\n", "\n# ") + "\n### END MIGRATION INFO\n"
	}
	return text + s.body + "\n"
}

// programs builds the two programs, in a directory that TestMain removes.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "meta-migration-vm-")
	if err != nil {
		return "", err
	}
	for _, pkg := range []string{"meta-migration/tools/mkmigrations", "meta-migration/target/migrate-runner"} {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", dir+"/", pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return "", err
		}
	}
	return dir, nil
})

// built says whether there is such a directory.
var built atomic.Bool

func program(t testing.TB, name string) string {
	t.Helper()
	dir, err := programs()
	must(t, err)
	built.Store(true)
	return filepath.Join(dir, name)
}

// build makes packages of the release, and its bundle of them.
func (r *release) build(t testing.TB, dir string) {
	t.Helper()
	feed := filepath.Join(dir, "feed")
	must(t, os.MkdirAll(feed, 0o755))
	recipes := map[string][]packages.File{}
	for _, s := range r.snippets {
		recipe, name, _ := strings.Cut(s.id, ":")
		recipes[recipe] = append(recipes[recipe], packages.Snippet(recipe, name, s.text()))
	}
	var all []packages.Package
	for recipe, files := range recipes {
		all = append(all, packages.Package{Name: recipe, Recipe: recipe}, packages.Migration(recipe, "1.0-r0", files...))
	}
	_, err := packages.MakeDeb(feed, packages.Default, all...)
	packages.Check(t, err)
	args := []string{"build", "--packages", feed, "--release", r.version, "--output", filepath.Join(dir, "bundle")}
	if r.previous != nil {
		r.previous.build(t, filepath.Join(dir, "previous"))
		args = append(args, "--previous", filepath.Join(dir, "previous", "bundle/etc/migration.d/manifest"))
	}
	run(t, program(t, "mkmigrations"), append(args, r.options...)...)
}

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// digest is what Revises takes.
func digest(text string) string { return string(bundle.Sum([]byte(text))) }
