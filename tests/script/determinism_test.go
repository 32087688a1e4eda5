// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meta-migration/tests/packages"
)

// feed describes recipes with migrations whose order is not that of their
// names, and recipes without.
func feed() []packages.Package {
	script := func(header string) string {
		return "#!/bin/sh\n### BEGIN MIGRATION INFO\n" + header + "### END MIGRATION INFO\ntrue\n"
	}
	return []packages.Package{
		packages.Migration("zulu", "1.0-r0", packages.Snippet("zulu", "first", script("# Paths: /etc/passwd\n")),
			packages.Snippet("zulu", "second", script("# After: zulu:first\n# Description: Grüße\n"))),
		packages.Migration("mike", "2.1-r3", packages.Snippet("mike", "third", script("# Requires: zulu:second\n"))),
		packages.Migration("alpha", "3-r0", packages.Snippet("alpha", "last", script("# After: mike zulu\n"))),
		{Name: "zulu", Version: "1.0-r0", Recipe: "zulu"},
		{Name: "mike-server", Version: "2.1-r3", Recipe: "mike"},
		{Name: "alpha", Version: "3-r0", Recipe: "alpha"},
		{Name: "bravo", Version: "4-r0", Recipe: "bravo"},
	}
}

const imageManifest = "mike-server all 2.1\nalpha all 3\nzulu all 1.0\nbravo all 4\n"

// TestSameBytes builds one set of migrations from each package format in
// many surroundings. All trees are the same, to the modes and times.
func TestSameBytes(t *testing.T) {
	top := t.TempDir()
	makers := map[string]maker{"deb": packages.MakeDeb, "ipk": packages.MakeIpk, "rpm": packages.MakeRpm}
	var first map[string]string
	var tried []string
	r := rand.New(rand.NewSource(3))
	for _, format := range []string{"deb", "ipk", "rpm"} {
		dir := filepath.Join(top, format)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := makers[format](dir, packages.Default, feed()...); err != nil {
			t.Logf("skipping %s: %v", format, err)
			continue
		}
		writeFile(t, filepath.Join(top, "image.manifest"), imageManifest)
		for i, around := range surroundings() {
			shuffled := shuffle(t, r, dir)
			out := filepath.Join(t.TempDir(), "x", fmt.Sprintf("o %d", i))
			if err := os.Mkdir(filepath.Dir(out), 0o755); err != nil {
				t.Fatal(err)
			}
			args := []string{"build", "--packages", shuffled, "--installed", filepath.Join(top, "image.manifest"), "--release", "5.0", "--output", out}
			res := mkmigrations(t, around.cwd, around.change, args...)
			if res.code != 0 || res.stderr != "" {
				t.Fatalf("%s, %s: exits with %d: %s", format, around.name, res.code, res.stderr)
			}
			got := mustSnapshot(t, out)
			if first == nil {
				first = got
			}
			if diff := differences(first, got); diff != "" {
				t.Errorf("%s, %s: %s", format, around.name, diff)
			}
		}
		tried = append(tried, format)
	}
	if tried == nil {
		t.Skip("skipping: no tool makes packages here")
	}
	t.Logf("compared %s", strings.Join(tried, ", "))
}

type surrounding struct {
	name   string
	cwd    string
	change func(*exec.Cmd)
}

func surroundings() []surrounding {
	env := func(pairs ...string) func(*exec.Cmd) {
		return func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, pairs...) }
	}
	mask := func(umask string) func(*exec.Cmd) {
		return func(cmd *exec.Cmd) {
			cmd.Args = append([]string{"sh", "-c", "umask " + umask + "; exec \"$0\" \"$@\""}, append([]string{cmd.Path}, cmd.Args[1:]...)...)
			cmd.Path = "/bin/sh"
		}
	}
	return []surrounding{
		{"plain", "", nil},
		{"another time zone", "", env("TZ=Asia/Kathmandu")},
		{"another locale", "", env("LC_ALL=tr_TR.UTF-8", "LANG=tr_TR.UTF-8")},
		{"one processor", "", env("GOMAXPROCS=1")},
		{"many processors", "", env("GOMAXPROCS=17")},
		{"umask 077", "", mask("077")},
		{"umask 000", "", mask("000")},
		{"another directory", "/", nil},
		{"no environment", "", func(cmd *exec.Cmd) { cmd.Env = []string{} }},
	}
}

// shuffle puts links to the packages of dir, in another order and with other
// times, into directories of other names.
func shuffle(t *testing.T, r *rand.Rand, dir string) string {
	t.Helper()
	top := t.TempDir()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no packages in %s: %v", dir, err)
	}
	r.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%d%s", r.Intn(1e9), filepath.Ext(file))
		path := filepath.Join(top, fmt.Sprint(r.Intn(3)), name)
		writeFile(t, path, string(data))
		at := time.Unix(r.Int63n(2e9), 0)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return top
}
