// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"meta-migration/internal/bundle"
)

// A hostileBundle is a rootfs with a bundle that somebody prepared for those
// who look at it: what it tries, and what is done to a good one.
type hostileBundle struct {
	name string
	make func(t *testing.T, root string)
	says string // part of what `verify` says
}

const stanza = "\nMigration: zulu:m\nFile: 0010-zulu:m\nDigest: sha256:0\nSince: 1\n"

// manifest writes a manifest and the anchor that fits.
func manifest(text string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		for _, dir := range []string{bundle.Dir, bundle.CopyDir} {
			writeFile(t, filepath.Join(root, dir, bundle.ManifestName), text)
		}
		writeFile(t, root+bundle.AnchorPath, string(bundle.Sum([]byte(text)))+"\n")
	}
}

// sparse makes a file of the bundle this large, without a byte in it.
func sparse(path string, size int64) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		check(t, os.Truncate(root+path, size))
	}
}

// instead puts something else into a file's place.
func instead(path string, put func(path string) error) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		check(t, os.RemoveAll(root+path))
		check(t, put(root+path))
	}
}

func linkTo(target string) func(string) error {
	return func(path string) error { return os.Symlink(target, path) }
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func hostileBundles() []hostileBundle {
	const script = bundle.Dir + "/0010-zulu:one"
	first := "Format: 1\nRelease: 1.0\nLibrary: " + string(bundle.Sum(nil)) + "\n"
	fifo := func(path string) error { return syscall.Mkfifo(path, 0o644) }
	var gone, chain, list strings.Builder
	for i := 0; i < 60_000; i++ {
		gone.WriteString(" a:m" + strconv.Itoa(1_000_000+i) + " 1.0 " + string(bundle.Sum(nil)) + "\n")
		chain.WriteString(" a:m" + strconv.Itoa(1_000_000+i) + " 1.0 " + string(bundle.Sum(nil)) + " a:m" + strconv.Itoa(1_000_000+(i+1)%60_000) + "\n")
		list.WriteString(" /p" + strconv.Itoa(i))
	}
	return []hostileBundle{
		{"a manifest of 1 GiB", sparse(bundle.Dir+"/manifest", 1<<30), "manifest"},
		{"an anchor of 1 GiB", sparse(bundle.AnchorPath, 1<<30), "bundle"},
		{"a script of 1 GiB", sparse(script, 1<<30), "0010-zulu:one"},
		{"a library of 1 GiB", sparse(bundle.LibraryPath, 1<<30), "functions.sh"},
		{"an init.conf of 1 GiB", sparse(bundle.InitPath, 1<<30), "init.conf"},
		{"a manifest that leads out of the tree", instead(bundle.Dir+"/manifest", linkTo("/etc/passwd")), "manifest"},
		{"a script that leads out of the tree", instead(script, linkTo("/etc/shadow")), "0010-zulu:one"},
		{"a directory that leads out of the tree", instead(bundle.Dir, linkTo("/etc")), "migration.d"},
		{"a link to itself", instead(script, linkTo("0010-zulu:one")), "0010-zulu:one"},
		{"a fifo that nobody writes to", instead(script, fifo), "0010-zulu:one"},
		{"a manifest that is a fifo", instead(bundle.Dir+"/manifest", fifo), "manifest"},
		{"an anchor that is a fifo", instead(bundle.AnchorPath, fifo), "bundle"},
		{"a directory for a script", instead(script, func(p string) error { return os.Mkdir(p, 0o755) }), "0010-zulu:one"},
		{"a file's name that leads out", manifest(first + "\nMigration: zulu:one\nFile: ../../../etc/shadow\nDigest: " + string(bundle.Sum(nil)) + "\nSince: 1.0\n"), "File is"},
		{"an absolute file's name", manifest(first + "\nMigration: zulu:one\nFile: /etc/shadow\nDigest: " + string(bundle.Sum(nil)) + "\nSince: 1.0\n"), "File is"},
		{"escapes in a field", manifest(first + "Min-From: \x1b[2J\x1b]0;x\x07\n"), "Min-From"},
		{"escapes in a field's name", manifest(first + "\x1b[2J: x\n"), "unknown field"},
		{"NUL bytes", manifest(first + "\x00\x00\x00\n"), "manifest"},
		{"no end of the line", manifest(strings.TrimSpace(first)), "cut off"},
		{"one line of 5 MiB", manifest(first + "Keep: " + strings.Repeat("x", 5<<20) + "\n"), "Keep"},
		{"a manifest of 7 MiB", manifest(first + "Keep: " + strings.Repeat("x", 7<<20) + "\n"), "larger than"},
		{"a million empty lines", manifest(first + strings.Repeat("\n", 1<<20)), "empty line"},
		{"60,000 stanzas of one ID", manifest(first + strings.Repeat(stanza, 60_000)), "Digest"},
		{"100,000 fields in a stanza", manifest(first + strings.Repeat("X: y\n", 100_000)), "second X"},
		{"60,000 gone, one after the other", manifest(first + "Gone:\n" + gone.String()), "0010-zulu:one"},
		{"60,000 that supersede each other in a circle", manifest(first + "Gone:\n" + chain.String()), "supersedes itself"},
		{"a path list without end", manifest(first + "Fresh-Unless:" + list.String() + "\n"), "0010-zulu:one"},
		{"an unknown format", manifest("Format: 2\n"), "Format"},
		{"a command in init.conf", func(t *testing.T, root string) {
			writeFile(t, root+bundle.InitPath, "MIGRATION_MARKER=$(touch /tmp/zulu)\nMIGRATION_FAILURE_STATE=degraded\n")
		}, "init.conf"},
	}
}

// TestHostileBundles: whoever looks at a bundle gets an answer in time and in
// bounds, nothing outside the tree is read or written, nothing is run.
func TestHostileBundles(t *testing.T) {
	if testing.Short() {
		t.Skip("skipping: -short")
	}
	good := t.TempDir()
	writeFile(t, filepath.Join(good, "snippets/zulu/one"), "#!/bin/sh\ntrue\n")
	succeed(t, good, "build", "--snippets", "snippets", "--release", "1.0", "--output", "out")
	for _, c := range hostileBundles() {
		t.Run(c.name, func(t *testing.T) {
			top := t.TempDir()
			root := filepath.Join(top, "root")
			copyBundle(t, filepath.Join(good, "out"), root)
			c.make(t, root)
			before := mustSnapshot(t, good)
			// A manifest below /etc is what the other commands take.
			file := root + bundle.Dir + "/" + bundle.ManifestName
			for _, args := range [][]string{
				{"verify", root}, {"inspect", root}, {"inspect", "--json", root}, {"diff", root, filepath.Join(good, "out", bundle.Dir, bundle.ManifestName)},
				{"build", "--snippets", filepath.Join(good, "snippets"), "--release", "2.0", "--previous", file, "--output", filepath.Join(top, "out")},
			} {
				// A file that is named on the command line may be a link.
				if args[0] == "build" && strings.HasSuffix(c.name, "leads out of the tree") {
					continue
				}
				r, memory, cpu := measure(t, top, args...)
				if r.code != 0 && r.code != 1 || args[0] == "verify" && (r.code != 1 || !strings.Contains(r.stdout+r.stderr, c.says)) {
					t.Errorf("%s exits with %d: %.500s%.500s", args[0], r.code, r.stdout, r.stderr)
				}
				if text := r.stdout + r.stderr; strings.Contains(text, "goroutine ") || strings.ContainsAny(text, "\x1b\x00\x07") || strings.Contains(text, "root:") {
					t.Errorf("%s says: %.1000s", args[0], text)
				}
				if memory > maxMemory || cpu > maxTime {
					t.Errorf("%s takes %d KiB and %v", args[0], memory>>10, cpu)
				}
			}
			if extra := leftOvers(t, top, "root", "out"); extra != nil {
				t.Errorf("left behind: %q", extra)
			}
			if after := mustSnapshot(t, good); len(after) != len(before) {
				t.Errorf("files beside it: %d, were %d", len(after), len(before))
			}
			if _, err := os.Lstat("/tmp/zulu"); err == nil {
				t.Error("/tmp/zulu was written")
			}
		})
	}
}

// copyBundle copies a bundle of plain files.
func copyBundle(t *testing.T, from, to string) {
	t.Helper()
	check(t, filepath.WalkDir(from, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if e.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, info.Mode())
	}))
}
