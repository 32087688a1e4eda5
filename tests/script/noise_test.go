// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meta-migration/tests/packages"
)

// debian are packages that every Debian has: small ones, and some large ones
// with links, devices' names, and thousands of files.
var debian = strings.Fields(`
	adduser base-files base-passwd bash bsdutils coreutils dash debconf debianutils diffutils dpkg file
	findutils grep gzip hostname init-system-helpers less libacl1 libattr1 libc6 libpam-runtime libselinux1
	login mawk mount ncurses-base ncurses-bin ncurses-term netbase passwd perl-base procps sed
	sysvinit-utils tar tzdata util-linux zlib1g media-types`)

// debs returns a directory with at least 30 of them, kept between runs.
func debs(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("skipping: %v", err)
	}
	dir := filepath.Join(cache, "meta-migration-tests", "debs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Skipf("skipping: %v", err)
	}
	count := func() int {
		found, _ := filepath.Glob(filepath.Join(dir, "*.deb"))
		return len(found)
	}
	if count() >= 30 {
		return dir
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("skipping: no apt-get")
	}
	if out := download(dir, debian...); out != "" {
		// One name that this release does not have keeps the others out.
		t.Logf("downloading: %s", out)
		for _, name := range debian {
			out := download(dir, name)
			if out != "" {
				t.Logf("downloading %s: %s", name, out)
			}
			if strings.Contains(out, "onnect") || strings.Contains(out, "resolv") {
				break // offline: the others would only wait, too
			}
		}
	}
	if n := count(); n < 30 {
		t.Skipf("skipping: only %d Debian packages could be had; offline?", n)
	}
	return dir
}

// download returns what apt says where it fails.
func download(dir string, names ...string) string {
	// As root apt wants a directory that its own user may write.
	cmd := exec.Command("apt-get", append([]string{"download", "-q", "-o", "APT::Sandbox::User=root",
		"-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10"}, names...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return err.Error() + ": " + lastLine(string(out))
	}
	return ""
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// TestRealPackagesAsNoise: packages of a distribution, which were not made by
// these tests' tools, hold no migrations and do no harm.
func TestRealPackagesAsNoise(t *testing.T) {
	noise := debs(t)
	top := t.TempDir()
	feed := filepath.Join(top, "feed")
	if err := os.Mkdir(feed, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := packages.MakeDeb(feed, packages.Default,
		packages.Migration("zulu", "1.0-r0", packages.Snippet("zulu", "first", "#!/bin/sh\ntrue\n")),
		packages.Migration("bash", "1.0-r0", packages.Snippet("bash", "last", "#!/bin/sh\n### BEGIN MIGRATION INFO\n# After: zulu\n### END MIGRATION INFO\ntrue\n")),
		packages.Package{Name: "zulu", Recipe: "zulu"})
	packages.Check(t, err)

	r := succeed(t, top, "build", "--packages", feed, noise, "--release", "1.0", "--output", "out")
	if r.stderr != "" || r.stdout != "" {
		t.Errorf("it says: %s%s", r.stdout, r.stderr)
	}
	if names := leftOvers(t, filepath.Join(top, "out/etc/migration.d"), "manifest", "0010-zulu:first", "0020-bash:last"); names != nil {
		t.Errorf("the bundle holds %q", names)
	}
	thorough := succeed(t, top, "list", "--packages", noise, "--thorough")
	if thorough.stdout != "" || thorough.stderr != "" {
		t.Errorf("list --thorough finds: %s%s", thorough.stdout, thorough.stderr)
	}
	// A foreign deb states its recipe as Source; bash has none.
	writeFile(t, filepath.Join(top, "installed"), "bash\n")
	succeed(t, top, "build", "--packages", feed, noise, "--installed", "installed", "--release", "1.0", "--output", "out")
	if names := leftOvers(t, filepath.Join(top, "out/etc/migration.d"), "manifest", "0010-bash:last"); names != nil {
		t.Errorf("the bundle holds %q", names)
	}
}
