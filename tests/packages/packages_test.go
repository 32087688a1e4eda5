// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package packages

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func examples() []Package {
	return []Package{
		Migration("foo", "1:2.3-r1", Snippet("foo", "split", "#!/bin/sh\n:\n")),
		{Name: "foo", Version: "1:2.3-r1", Recipe: "foo", Files: []File{
			{Path: "/usr/bin/foo", Data: "x", Mode: 0o755},
			{Path: "/usr/bin/bar", Link: "foo"},
			{Path: "/var/lib/foo", Dir: true},
		}},
		{Name: "zz", Arch: "cortexa57"},
	}
}

// TestReproducible holds the promise that a description alone decides the
// bytes: not the directory, the umask or the moment.
func TestReproducible(t *testing.T) {
	for format, mk := range map[string]func(string, Compression, ...Package) ([]string, error){
		"deb": MakeDeb, "ipk": MakeIpk, "rpm": MakeRpm,
		"ipk tar": func(dir string, _ Compression, p ...Package) ([]string, error) { return MakeIpkTar(dir, p...) },
	} {
		t.Run(format, func(t *testing.T) {
			a := read(t, mk)
			old := syscall.Umask(0o077)
			defer syscall.Umask(old)
			for i, b := range read(t, mk) {
				if !bytes.Equal(a[i], b) {
					t.Errorf("package %d differs between two runs", i)
				}
			}
		})
	}
}

func read(t *testing.T, mk func(string, Compression, ...Package) ([]string, error)) [][]byte {
	t.Helper()
	files, err := mk(t.TempDir(), Default, examples()...)
	Check(t, err)
	var all [][]byte
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

// TestToolsAgree asks each format's own tool what the package is.
func TestToolsAgree(t *testing.T) {
	dir := t.TempDir()
	debs, err := MakeDeb(dir, Gzip, examples()...)
	Check(t, err)
	want(t, "foo-migration 1:2.3-r1 all foo migration-snippets",
		"dpkg-deb", "-W", "--showformat=${Package} ${Version} ${Architecture} ${OE} ${Provides}", debs[0])

	rpms, err := MakeRpm(dir, Default, examples()...)
	Check(t, err)
	const query = "%{NAME} %{EPOCH}:%{VERSION}-%{RELEASE} %{ARCH} %{SOURCERPM} [%{FILENAMES}] [%{PROVIDES}]"
	want(t, "foo-migration 1:2.3-r1 noarch foo-2.3-r1.src.rpm /usr/share/migration/foo/split foo-migrationmigration-snippets",
		"rpm", "-qp", "--qf", query, rpms[0])
	want(t, "cortexa57", "rpm", "-qp", "--qf", "%{ARCH}", rpms[2])

	ipks, err := MakeIpk(dir, None, examples()...)
	Check(t, err)
	want(t, "debian-binary\ncontrol.tar\ndata.tar", "ar", "t", ipks[0])
}

func want(t *testing.T, text, tool string, args ...string) {
	t.Helper()
	out, err := exec.Command(tool, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", tool, err, out)
	}
	if got := strings.TrimSpace(string(out)); got != text {
		t.Errorf("%s %s\n got %q\nwant %q", tool, filepath.Base(args[len(args)-1]), got, text)
	}
}
