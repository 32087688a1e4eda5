// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package crash

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meta-migration/internal/bundle"
)

// A snippet is a migration of a scenario: its ID and its script.
type snippet struct {
	id     bundle.ID
	header string // header lines, without the marks
	body   string
}

// An image is what a scenario installs: a release with its migrations, in
// their order.
type image struct {
	release  string
	manifest bundle.Manifest // what is to be set beside the release
	snippets []snippet
}

var library = []byte("# none of these scripts needs the library\n")

// install puts the image's bundle into the tree, as an upgrade does.
func (im *image) install(t testing.TB, root string) {
	t.Helper()
	m := im.manifest
	m.Release, m.Library, m.Migrations = im.release, bundle.Sum(library), nil
	for _, dir := range []string{bundle.Dir, "/usr/lib/migration"} {
		must(t, os.RemoveAll(root+dir))
		must(t, os.MkdirAll(root+dir, 0o755))
	}
	must(t, os.MkdirAll(root+bundle.CopyDir, 0o755))
	for i, s := range im.snippets {
		text := "#!/bin/sh\n"
		if s.header != "" {
			text += "### BEGIN MIGRATION INFO\n# " + strings.Join(strings.Split(s.header, "\n"), "\n# ") + "\n### END MIGRATION INFO\n"
		}
		text += s.body + "\n"
		script, err := bundle.ParseScript(string(s.id), []byte(text))
		must(t, err)
		one := bundle.Migration{ID: s.id, File: bundle.FileName(i, len(im.snippets), s.id), Digest: script.Digest, Header: script.Header}
		if one.Since == "" {
			one.Since = im.release
		}
		m.Migrations = append(m.Migrations, one)
		for _, dir := range []string{bundle.Dir, bundle.CopyDir} {
			must(t, os.WriteFile(root+dir+"/"+one.File, []byte(text), 0o755))
		}
	}
	data := m.Bytes()
	_, err := bundle.ParseManifest("manifest", data)
	must(t, err)
	for _, dir := range []string{bundle.Dir, bundle.CopyDir} {
		must(t, os.WriteFile(root+dir+"/"+bundle.ManifestName, data, 0o644))
	}
	must(t, os.WriteFile(root+bundle.AnchorPath, bundle.AnchorText(data), 0o644))
	must(t, os.WriteFile(root+bundle.LibraryPath, library, 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newRoot makes a tree in which busybox runs.
func newRoot(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	must(t, os.Chmod(root, 0o755))
	for _, dir := range []string{"bin", "dev", "proc", "var/lib", "data"} {
		must(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	box, err := os.ReadFile(busybox())
	must(t, err)
	must(t, os.WriteFile(root+"/bin/busybox", box, 0o755))
	for _, name := range []string{"sh", "cp", "mv", "rm", "mkdir", "chmod", "ln", "cat", "mkfifo"} {
		must(t, os.Symlink("busybox", root+"/bin/"+name))
	}
	must(t, os.WriteFile(root+"/dev/null", nil, 0o666))
	return root
}

// busybox finds a static one, which runs alone in a chroot; "" for none.
func busybox() string {
	for _, path := range []string{"/bin/busybox", "/usr/bin/busybox"} {
		if _, err := os.Stat(path); err == nil {
			if out, err := exec.Command("ldd", path).CombinedOutput(); err != nil && strings.Contains(string(out), "not a dynamic executable") {
				return path
			}
		}
	}
	return ""
}
