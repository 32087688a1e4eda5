// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"meta-migration/tests/packages"
)

const secondScript = "#!/usr/bin/env python3\nprint('two')\n"

// realPackages are a -migration package, one without files, and one that
// holds a migration and does not say so.
func realPackages() []packages.Package {
	return []packages.Package{
		packages.Migration("foo", "1:2.3-r1",
			packages.Snippet("foo", "split", goodScript), packages.Snippet("foo", "a-second", secondScript)),
		{Name: "lib32-zz", Arch: "cortexa57", Provides: []string{"virtual-zz"}},
		{
			Name: "quiet", Recipe: "lib32-loud", Version: "0.1-r0", Files: []packages.File{
				packages.Snippet("loud", "one", goodScript),
				{Path: "/usr/bin/quiet", Data: strings.Repeat("quiet\n", 50_000), Mode: 0o755},
				{Path: "/usr/bin/link", Link: "quiet"},
				{Path: "/var/lib/quiet", Dir: true},
			},
		},
	}
}

// TestRealPackages reads what dpkg-deb, ar, tar and rpmbuild make, with every
// codec, and expects the same of all of them.
func TestRealPackages(t *testing.T) {
	common := []packages.Compression{packages.None, packages.Gzip, packages.Xz, packages.Zstd}
	for _, format := range []struct {
		format Format
		name   string
		mk     maker
		codecs []packages.Compression
	}{
		{Deb, "deb", packages.MakeDeb, common},
		{Ipk, "ipk", packages.MakeIpk, common},
		{Ipk, "outer tar", func(dir string, _ packages.Compression, p ...packages.Package) ([]string, error) {
			return packages.MakeIpkTar(dir, p...)
		}, []packages.Compression{packages.Default}},
		// The last ask for windows of 64 and 128 MiB, and are old formats.
		{Rpm, "rpm", packages.MakeRpm, append(common, "w9.xzdio", "w22.zstdio", "w9.lzdio", "w9.bzdio")},
	} {
		for _, codec := range format.codecs {
			t.Run(format.name+" "+string(codec), func(t *testing.T) {
				files, err := format.mk(t.TempDir(), codec, realPackages()...)
				packages.Check(t, err)
				checkReal(t, format.format, files)
			})
		}
	}
}

func checkReal(t *testing.T, format Format, files []string) {
	t.Helper()
	arch, provides := "all", func(name string, names ...string) []string { return names }
	if format == Rpm {
		arch = "noarch"
		provides = func(name string, names ...string) []string { return append([]string{name}, names...) }
	}
	r := NewReader()
	defer r.Close()
	wantPackages := []Package{
		{files[0], format, "foo-migration", "1:2.3-r1", arch, "foo", provides("foo-migration", "migration-snippets"), true},
		{files[1], format, "lib32-zz", "1.0-r0", "cortexa57", "lib32-zz", provides("lib32-zz", "virtual-zz"), false},
		{files[2], format, "quiet", "0.1-r0", arch, "lib32-loud", provides("quiet"), false},
	}
	wantSnippets := [][]Snippet{
		{{"foo", "a-second", 0o644, []byte(secondScript)}, {"foo", "split", 0o644, []byte(goodScript)}},
		nil,
		{{"loud", "one", 0o644, []byte(goodScript)}},
	}
	for i, file := range files {
		pkg, snippets, err := readAll(r, file)
		if err != nil {
			t.Error(err)
			continue
		}
		// rpm sorts what a package provides.
		if len(pkg.Provides) == 2 && pkg.Provides[0] > pkg.Provides[1] {
			pkg.Provides[0], pkg.Provides[1] = pkg.Provides[1], pkg.Provides[0]
		}
		if !reflect.DeepEqual(*pkg, wantPackages[i]) {
			t.Errorf("got  %+v\nwant %+v", *pkg, wantPackages[i])
		}
		if !reflect.DeepEqual(snippets, wantSnippets[i]) {
			t.Errorf("%s: got %q, want %q", filepath.Base(file), snippets, wantSnippets[i])
		}
	}
}

// TestNameDoesNotMatter gives each format the names of the others.
func TestNameDoesNotMatter(t *testing.T) {
	dir := t.TempDir()
	one := packages.Migration("foo", "1-r0", packages.Snippet("foo", "split", goodScript))
	for format, mk := range map[Format]maker{Deb: packages.MakeDeb, Ipk: packages.MakeIpk, Rpm: packages.MakeRpm} {
		files, err := mk(dir, packages.Default, one)
		packages.Check(t, err)
		for _, suffix := range []string{".deb", ".ipk", ".rpm", ""} {
			other := filepath.Join(dir, fmt.Sprintf("%s-as%s", format, suffix))
			if err := os.Link(files[0], other); err != nil {
				t.Fatal(err)
			}
			pkg, snippets, err := readAll(NewReader(), other)
			if err != nil || pkg.Format != format || len(snippets) != 1 {
				t.Errorf("%s named %q: %+v, %d snippets, %v", format, suffix, pkg, len(snippets), err)
			}
		}
	}
}

// TestSourceRpm tells a source package from one to install.
func TestSourceRpm(t *testing.T) {
	o := good()
	o.tags = map[uint32]any{tagSourceRpm: nil}
	data := o.bytes()
	data[7] = 1
	pkg, err := NewReader().ReadMetadata(write(t, "foo-1.0-r0.src.rpm", data))
	if err != nil || pkg.Arch != SourceArch || pkg.Announces {
		t.Errorf("%+v, %v", pkg, err)
	}
}

// TestLargeRpmHeader reads a header of 12 MiB: 70,000 files, as of a kernel's
// source. The metadata must not depend on its size, nor thorough refuse it.
func TestLargeRpmHeader(t *testing.T) {
	o := rpmOf{tags: map[uint32]any{tagProvideName: []string{"kernel-devsrc"}}}
	for i := range 70_000 {
		o.files = append(o.files, rpmOfFile{dir: fmt.Sprintf("/usr/src/kernel/migrations/%d/", i), base: fmt.Sprint(i), mode: 0o100644})
	}
	o.payload = []byte("never opened")
	rep := readInChild(t, write(t, "large.rpm", o.bytes()))
	if rep.Err != "" {
		t.Error(rep.Err)
	}
	if !raceDetector && (rep.KiB > maxKiB/2 || rep.Seconds > 1) {
		t.Errorf("cost %+v", rep)
	}
	t.Logf("%+v", rep)
}

// TestWideWindows reads streams that ask for more history than is granted: it
// works while they do not use it, and else the error says so.
func TestWideWindows(t *testing.T) {
	near := tarOf(goodSnippet())
	for name, deb := range map[string][]byte{
		"xz of 4 GiB":    debOf(".xz", xzDict(controlTar(), 8<<20, 40), xzDict(near, 8<<20, 40)),
		"xz of 1.5 GiB":  debOf(".xz", xzDict(controlTar(), 8<<20, 37), xzDict(near, 8<<20, 37)),
		"zstd of 32 MiB": debOf(".zst", zstdWindow(controlTar(), 32<<20), zstdWindow(near, 32<<20)),
	} {
		_, snippets, err := readAll(NewReader(), write(t, "x", deb))
		if err != nil || len(snippets) != 1 {
			t.Errorf("%s: %d, %v", name, len(snippets), err)
		}
	}
	// A control archive that needs the larger window: 2 MiB, then the same.
	far := controlFar()
	for name, deb := range map[string][]byte{
		"xz":   debOf(".xz", xzDict(far, 4<<20, 40), xzOf(near)),
		"zstd": debOf(".zst", zstdWindow(far, 16<<20), zstdOf(near)),
	} {
		if pkg, err := NewReader().ReadMetadata(write(t, "x", deb)); err != nil || pkg.Name != "foo-migration" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
