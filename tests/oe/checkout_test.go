// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cache is the directory with the checkouts and builds, as in setup.sh.
func cache(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("OE_CACHE"); dir != "" {
		return dir
	}
	if os.Getuid() == 0 {
		return "/var/cache/meta-migration/oe"
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("SKIP: %v", err)
	}
	return filepath.Join(dir, "meta-migration/oe")
}

// A checkout is one series of openembedded-core with the bitbake it is for.
type checkout struct{ series, core, bitbake string }

func (c checkout) there() bool {
	for _, file := range []string{c.core + "/meta/conf/bitbake.conf", c.bitbake + "/bin/bitbake"} {
		if _, err := os.Stat(file); err != nil {
			return false
		}
	}
	return true
}

// checkouts returns the series to test. The test is skipped where one is
// missing.
func checkouts(t *testing.T) []checkout {
	t.Helper()
	at := func(series string) checkout {
		dir := cache(t)
		return checkout{series, filepath.Join(dir, "core-"+series), filepath.Join(dir, "bitbake-"+series)}
	}
	names := strings.Fields(os.Getenv("OE_SERIES"))
	if len(names) == 0 {
		for _, series := range []string{"wrynose", "scarthgap", "master"} {
			if c := at(series); c.there() {
				return []checkout{c}
			}
		}
		t.Skipf("SKIP: no openembedded-core and bitbake in %s; tests/oe/setup.sh gets them", cache(t))
	}
	var found []checkout
	for _, series := range names {
		c := at(series)
		if !c.there() {
			t.Skipf("SKIP: no openembedded-core and bitbake for %s in %s; tests/oe/setup.sh %s gets them", series, cache(t), series)
		}
		found = append(found, c)
	}
	return found
}

// formats returns the package formats to test.
func formats() []string {
	if names := strings.Fields(os.Getenv("OE_FORMATS")); len(names) > 0 {
		return names
	}
	return []string{"deb"}
}

// hostTools are what bitbake itself, the stand-ins and each format need.
var hostTools = map[string][]string{
	"": {"pseudo", "chrpath", "diffstat", "gawk", "lz4c", "zstd", "rpcgen", "file", "cpio", "wget", "xz", "bzip2", "gcc", "g++",
		"make", "patch", "git", "ar", "python3", "dpkg-deb", "start-stop-daemon"},
	"deb": {"apt-get", "apt-ftparchive", "dpkg"},
	"rpm": {"rpm", "rpmbuild", "createrepo_c", "dnf"},
	"ipk": {"opkg"},
}

// needTools skips the test where the host has not got what the format needs.
func needTools(t *testing.T, format string) {
	t.Helper()
	for _, tool := range append(append([]string{}, hostTools[""]...), hostTools[format]...) {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIP: %s images need %q on the host", format, tool)
		}
	}
	locales, err := exec.Command("locale", "-a").Output()
	if err != nil || !strings.Contains(strings.ToLower(string(locales)), "en_us.utf8") {
		t.Skip("SKIP: bitbake needs the locale en_US.UTF-8")
	}
}
