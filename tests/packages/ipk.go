// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package packages

import (
	"fmt"
	"os"
	"path/filepath"
)

// MakeIpk writes one .ipk a package into dir, by the calls of tar and ar that
// opkg-build makes, and returns their paths in the order of pkgs. Default is
// zstd, as oe-core has it since scarthgap.
func MakeIpk(dir string, c Compression, pkgs ...Package) ([]string, error) {
	if c == Default {
		c = Zstd
	}
	return eachIpk(dir, c, pkgs, func(tmp, file string, members []string) error {
		return run(tmp, "ar", append([]string{"-crfD", file}, members...)...)
	})
}

// MakeIpkTar writes .ipk files of the older outer form, a gzipped tar with
// the data before the control, as OpenWrt's ipkg-build does.
func MakeIpkTar(dir string, pkgs ...Package) ([]string, error) {
	return eachIpk(dir, Gzip, pkgs, func(tmp, file string, m []string) error {
		args := []string{"-czf", file, "--format=gnu", "--numeric-owner", "--owner=0", "--group=0", "--mode=0644"}
		return run(tmp, "tar", append(args, "./"+m[0], "./"+m[2], "./"+m[1])...)
	})
}

func eachIpk(dir string, c Compression, pkgs []Package, join func(tmp, file string, members []string) error) ([]string, error) {
	return each(pkgs, func(p Package) (string, error) {
		file := filepath.Join(dir, fmt.Sprintf("%s_%s_%s.ipk", p.Name, fileVersion(p), p.arch()))
		return file, makeIpk(file, c, p, join)
	})
}

func makeIpk(file string, c Compression, p Package, join func(tmp, file string, members []string) error) error {
	return inScratch(func(tmp string) error {
		if err := p.stage(filepath.Join(tmp, "data")); err != nil {
			return err
		}
		source := ""
		if p.Recipe != "" {
			source = p.Recipe + "_" + p.upstream() + ".bb"
		}
		if err := writeControl(filepath.Join(tmp, "control"), p.control(source)); err != nil {
			return err
		}
		members := []string{"debian-binary"}
		if err := os.WriteFile(filepath.Join(tmp, members[0]), []byte("2.0\n"), 0o644); err != nil {
			return err
		}
		for _, part := range []string{"control", "data"} {
			name, err := pack(tmp, part, c)
			if err != nil {
				return err
			}
			members = append(members, name)
		}
		if err := settle(tmp); err != nil {
			return err
		}
		abs, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		// ar adds to an archive that is there, and opkg-build removes it too.
		if err := os.RemoveAll(abs); err != nil {
			return err
		}
		return join(tmp, abs, members)
	})
}

// pack turns tmp/part into tmp/part.tar.SUFFIX and returns that name.
func pack(tmp, part string, c Compression) (string, error) {
	if err := settle(filepath.Join(tmp, part)); err != nil {
		return "", err
	}
	name := part + ".tar"
	err := run(tmp, "tar", "-C", part, "--format=gnu", "--sort=name", "--owner=0", "--group=0",
		"--numeric-owner", fmt.Sprintf("--mtime=@%d", Epoch), "-cf", name, ".")
	if err != nil || c == None {
		return name, err
	}
	tool := map[Compression][]string{
		Gzip: {"gzip", "-9n"}, Xz: {"xz", "-6T1"}, Zstd: {"zstd", "-q3", "--rm"},
	}[c]
	if tool == nil {
		return "", fmt.Errorf("compression %q is not known", c)
	}
	suffix := map[Compression]string{Gzip: ".gz", Xz: ".xz", Zstd: ".zst"}[c]
	return name + suffix, run(tmp, tool[0], append(tool[1:], name)...)
}
