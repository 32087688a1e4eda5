// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// scanDir has one package of each kind that Scan treats in its own way.
func scanDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	empty := strings.Replace(goodControl, "foo", "empty", 1)
	src := good().bytes()
	src[7] = 1
	for name, data := range map[string][]byte{
		"zz/good.deb":    debWith(goodSnippet()),
		"good.ipk":       ipkOf(controlTar(), tarOf(goodSnippet())),
		"b/good.rpm":     good().bytes(),
		"quiet.deb":      debOf("", quietControlTar(), tarOf(goodSnippet())),
		"none.deb":       debOf("", quietControlTar(), tarOf()),
		"empty.deb":      debOf("", tarOf(regularEntry("./control", empty)), tarOf()),
		"bad.rpm":        []byte("no rpm"),
		"a/cut.ipk":      ipkOf(controlTar(), tarOf(goodSnippet()))[:300],
		"source.src.rpm": src,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// summary is one line a result, without the directory.
func summary(dir string, results []Result) []string {
	var lines []string
	for _, r := range results {
		line := strings.TrimPrefix(r.File, dir+"/")
		if r.Err != nil {
			line += " error"
		} else {
			line += fmt.Sprintf(" %s %d", r.Package.Name, len(r.Snippets))
		}
		if r.Empty() {
			line += " empty"
		}
		if r.Unannounced() {
			line += " unannounced"
		}
		lines = append(lines, line)
	}
	return lines
}

// TestScan holds that all faults of a run are reported together, and that
// nothing depends on workers, the order of files or what was read before.
func TestScan(t *testing.T) {
	dir := scanDir(t)
	files, err := Find([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	quick := []string{
		"a/cut.ipk error", "b/good.rpm foo-migration 1", "bad.rpm error", "empty.deb empty-migration 0 empty",
		"good.ipk foo-migration 1", "none.deb foo-migration 0", "quiet.deb foo-migration 0", "zz/good.deb foo-migration 1",
	}
	thorough := append([]string(nil), quick...)
	thorough[6] = "quiet.deb foo-migration 1 unannounced"
	for i := range 20 {
		workers := i%5 - 1
		files = append(files[1:], files[0])
		for deep, want := range map[bool][]string{false: quick, true: thorough} {
			results, err := Scan(context.Background(), files, deep, workers)
			if err != nil {
				t.Fatal(err)
			}
			if got := summary(dir, results); !reflect.DeepEqual(got, want) {
				t.Fatalf("%d workers, thorough %v:\ngot  %q\nwant %q", workers, deep, got, want)
			}
		}
	}
}

func TestScanCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Scan(ctx, []string{"never opened"}, false, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestScanNothing(t *testing.T) {
	if results, err := Scan(context.Background(), nil, true, 0); err != nil || len(results) != 0 {
		t.Errorf("got %v, %v", results, err)
	}
}

// TestFind has every way to reach a file twice, and what is to be left out.
// Find gives each path once, Scan each file.
func TestFind(t *testing.T) {
	dir := scanDir(t)
	other := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Symlink(filepath.Join(dir, "good.ipk"), filepath.Join(other, "link.ipk")))
	must(os.Link(filepath.Join(dir, "none.deb"), filepath.Join(dir, "zz", "hard.deb")))
	must(os.Symlink(dir, filepath.Join(other, "linked-directory")))
	must(os.Symlink(filepath.Join(dir, "zz"), filepath.Join(other, "directory.rpm")))
	must(os.Symlink(other, filepath.Join(dir, "top")))
	must(os.Mkdir(filepath.Join(dir, "directory.deb"), 0o755))
	must(os.WriteFile(filepath.Join(dir, "Packages.gz"), nil, 0o644))
	must(os.WriteFile(filepath.Join(dir, "good.ipk.sig"), nil, 0o644))
	must(syscall.Mkfifo(filepath.Join(dir, "fifo.ipk"), 0o644))

	paths := []string{"a/cut.ipk", "b/good.rpm", "bad.rpm", "empty.deb", "good.ipk", "none.deb", "quiet.deb", "source.src.rpm", "zz/good.deb", "zz/hard.deb"}
	files := []string{"a/cut.ipk", "b/good.rpm", "bad.rpm", "empty.deb", "good.ipk", "none.deb", "quiet.deb", "zz/good.deb"}
	for name, dirs := range map[string][]string{
		"one": {dir}, "twice": {dir, dir + "/"}, "overlapping": {filepath.Join(dir, "zz"), dir, filepath.Join(dir, "b")},
		"by another order": {filepath.Join(dir, "b"), dir},
	} {
		found, err := Find(dirs)
		must(err)
		var got []string
		for _, path := range found {
			got = append(got, strings.TrimPrefix(path, dir+"/"))
		}
		if !reflect.DeepEqual(got, paths) {
			t.Errorf("%s: found %q", name, got)
		}
	}
	found, err := Find([]string{other, dir})
	must(err)
	results, err := Scan(context.Background(), found, false, 0)
	must(err)
	var got []string
	for _, res := range results {
		got = append(got, strings.TrimPrefix(res.File, dir+"/"))
	}
	if !reflect.DeepEqual(got, files) {
		t.Errorf("read %q", got)
	}
	// The argument itself may be a link to a directory.
	found, err = Find([]string{filepath.Join(dir, "top")})
	must(err)
	if want := []string{filepath.Join(dir, "top", "link.ipk")}; !reflect.DeepEqual(found, want) {
		t.Errorf("got %q, want %q", found, want)
	}
}

func TestFindFaults(t *testing.T) {
	dir := t.TempDir()
	missing, file, broken := filepath.Join(dir, "missing"), filepath.Join(dir, "x.ipk"), filepath.Join(dir, "sub")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nothing", filepath.Join(broken, "y.deb")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		missing: fmt.Sprintf("searching %q for packages: no such file or directory", missing),
		file:    fmt.Sprintf("searching %q for packages: not a directory", file),
		broken:  fmt.Sprintf("searching for packages: %q: no such file or directory", filepath.Join(broken, "y.deb")),
	} {
		if _, err := Find([]string{path}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if os.Geteuid() == 0 {
		t.Log("an unreadable directory is not tried: root reads all")
		return
	}
	if err := os.Chmod(broken, 0); err != nil {
		t.Fatal(err)
	}
	// Else the directory cannot be removed.
	defer os.Chmod(broken, 0o755)
	if _, err := Find([]string{dir}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", broken)) {
		t.Errorf("an unreadable directory: %v", err)
	}
}
