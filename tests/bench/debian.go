// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"meta-migration/tests/packages"
)

// debianNames are packages of a Debian base system: programs, libraries and
// data, large and small.
var debianNames = strings.Fields(`adduser apt base-files base-passwd bash bsdutils coreutils dash debianutils
	diffutils dpkg e2fsprogs findutils gawk grep gzip hostname init-system-helpers iproute2 kmod less libacl1 libattr1
	libaudit1 libblkid1 libbz2-1.0 libc-bin libcap2 libcom-err2 libcrypt1 libexpat1 libgcc-s1 libmount1 libpam-modules
	libsystemd0 login mount ncurses-bin openssl passwd procps sed sysvinit-utils systemd tar tzdata udev util-linux
	vim-tiny xz-utils zlib1g`)

// plainPath is what can stand in a spec file without quoting.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9/._+-]+$`)

// debian returns up to n packages with the content of Debian's, downloaded by
// apt-get; fewer or none where that is not possible.
func (b *bench) debian(n int) []packages.Package {
	if b.quick {
		return nil
	}
	dir := filepath.Join(b.dir, "debian")
	if _, err := os.Stat(dir); err != nil {
		if err := download(dir, debianNames); err != nil {
			fmt.Fprintln(os.Stderr, "bench: no real packages:", err)
		}
	}
	debs, _ := filepath.Glob(filepath.Join(dir, "*.deb"))
	var pkgs []packages.Package
	for _, deb := range debs {
		if len(pkgs) == n {
			break
		}
		p, err := unpackDeb(deb, filepath.Join(dir, "unpacked"))
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: %q: %v\n", deb, err)
			continue
		}
		pkgs = append(pkgs, p)
	}
	b.real = max(b.real, len(pkgs))
	return pkgs
}

func download(dir string, names []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := tool(name); err != nil {
			return err
		}
	}
	// One name that this release has not got would lose all.
	known, err := exec.Command("apt-cache", "pkgnames").Output()
	if err != nil {
		return fmt.Errorf("apt-cache: %w", err)
	}
	args := []string{"-qq", "-o", "APT::Sandbox::User=root", "download"}
	for _, name := range names {
		if strings.Contains("\n"+string(known), "\n"+name+"\n") {
			args = append(args, name)
		}
	}
	cmd := exec.Command("apt-get", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get download: %s", strings.TrimSpace(string(out)))
	}
	return nil
}

// unpackDeb reads the regular files of a deb. Those whose names rpm's spec
// files could not hold are left out.
func unpackDeb(deb, dir string) (packages.Package, error) {
	name, _, _ := strings.Cut(filepath.Base(deb), "_")
	p := packages.Package{Name: name, Recipe: name, Arch: "all", Fields: []string{"License: GPL-2.0-only"}}
	if err := os.RemoveAll(dir); err != nil {
		return p, err
	}
	defer os.RemoveAll(dir)
	if out, err := exec.Command("dpkg-deb", "-x", deb, dir).CombinedOutput(); err != nil {
		return p, fmt.Errorf("dpkg-deb: %w: %s", err, out)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		inside := strings.TrimPrefix(path, dir)
		data, err := os.ReadFile(path)
		if err == nil && plainPath.MatchString(inside) {
			p.Files = append(p.Files, packages.File{Path: inside, Data: string(data)})
		}
		return err
	})
	return p, err
}

// origin says what the feeds are made of.
func (b *bench) origin() string {
	if b.real == 0 {
		return "all packages are made up: none of Debian could be had, or were asked for"
	}
	return fmt.Sprintf("%d of the %d packages that are copied have the content of Debian packages", b.real, b.pick(200, 40))
}
