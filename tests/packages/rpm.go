// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package packages

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// payloads are rpm's own names. They are also accepted as a Compression, so
// that a test can ask for w9.bzdio or w6.lzdio.
var payloads = map[Compression]string{
	Default: "w3.zstdio", Zstd: "w3.zstdio", Xz: "w6.xzdio", Gzip: "w6.gzdio", None: "w.ufdio",
}

// MakeRpm writes one .rpm a package into dir by rpmbuild and returns their
// paths, in the order of pkgs. Default is zstd at level 3, as oe-core has it.
//
// One spec builds all packages of one recipe, version and architecture that
// hold no file twice, and one rpmbuild all specs of one architecture: so many
// packages cost little more than one.
func MakeRpm(dir string, c Compression, pkgs ...Package) ([]string, error) {
	payload := payloads[c]
	if payload == "" {
		payload = string(c)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	err = inScratch(func(tmp string) error {
		return buildRpms(tmp, abs, payload, pkgs)
	})
	if err != nil {
		return nil, fmt.Errorf("making rpms in %q: %w", dir, err)
	}
	var files []string
	for _, p := range pkgs {
		_, version, release := splitVersion(p.rpmVersion())
		files = append(files, filepath.Join(dir,
			fmt.Sprintf("%s-%s-%s.%s.rpm", p.Name, version, release, p.rpmArch())))
	}
	return files, nil
}

func (p Package) rpmArch() string {
	if p.arch() == "all" {
		return "noarch"
	}
	return p.arch()
}

// rpmVersion always has a release, which rpm demands.
func (p Package) rpmVersion() string {
	if _, _, release := splitVersion(p.version()); release == "" {
		return p.version() + "-r0"
	}
	return p.version()
}

func (p Package) recipe() string {
	if p.Recipe == "" {
		return p.Name
	}
	return p.Recipe
}

// spec is a set of packages that one spec file can make.
type spec struct {
	recipe, version, arch string
	names, paths          map[string]bool
	pkgs                  []Package
}

func (s *spec) takes(p Package) bool {
	if s.recipe != p.recipe() || s.version != p.rpmVersion() || s.arch != p.rpmArch() || s.names[p.Name] {
		return false
	}
	for _, f := range p.Files {
		if s.paths[f.Path] {
			return false
		}
	}
	return true
}

func (s *spec) add(p Package) {
	s.pkgs = append(s.pkgs, p)
	s.names[p.Name] = true
	for _, f := range p.Files {
		s.paths[f.Path] = true
	}
}

func group(pkgs []Package) []*spec {
	var specs []*spec
next:
	for _, p := range pkgs {
		for _, s := range specs {
			if s.takes(p) {
				s.add(p)
				continue next
			}
		}
		s := &spec{
			recipe: p.recipe(), version: p.rpmVersion(), arch: p.rpmArch(),
			names: map[string]bool{}, paths: map[string]bool{},
		}
		s.add(p)
		specs = append(specs, s)
	}
	return specs
}

func buildRpms(tmp, dir, payload string, pkgs []Package) error {
	byArch := map[string][]string{}
	var archs []string
	for i, s := range group(pkgs) {
		stage := filepath.Join(tmp, fmt.Sprintf("stage%d", i))
		for _, p := range s.pkgs {
			if err := p.stage(stage); err != nil {
				return err
			}
		}
		if err := os.MkdirAll(stage, 0o755); err != nil {
			return err
		}
		name := filepath.Join(tmp, fmt.Sprintf("%d.spec", i))
		if err := os.WriteFile(name, []byte(s.text(stage)), 0o644); err != nil {
			return err
		}
		if byArch[s.arch] == nil {
			archs = append(archs, s.arch)
		}
		byArch[s.arch] = append(byArch[s.arch], name)
	}
	for _, arch := range archs {
		if err := rpmbuild(tmp, dir, payload, arch, byArch[arch]); err != nil {
			return err
		}
	}
	return nil
}

func rpmbuild(tmp, dir, payload, arch string, specs []string) error {
	args := []string{"-bb", "--quiet", "--nodeps", "--target", arch + "-linux"}
	for _, define := range []string{
		"_topdir " + tmp,
		"_rpmdir " + dir,
		"_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
		"_binary_payload " + payload,
		"_buildhost reproducible",
		"use_source_date_epoch_as_buildtime 1",
		"clamp_mtime_to_source_date_epoch 1",
		"_build_id_links none",
		"debug_package %{nil}",
		"__os_install_post %{nil}",
		"_dbpath " + filepath.Join(tmp, "rpmdb"),
		// rpm knows no more than the host's architectures; oe-core has its own.
		"_arch " + arch,
	} {
		args = append(args, "--define", define)
	}
	return run(tmp, "rpmbuild", append(args, specs...)...)
}

// text is the spec file. Its name is the recipe's, as in oe-core, so that
// SOURCERPM begins with PN.
func (s *spec) text(stage string) string {
	var b strings.Builder
	epoch, version, release := splitVersion(s.version)
	fmt.Fprintf(&b, "Name: %s\nVersion: %s\nRelease: %s\n", s.recipe, version, release)
	if epoch != "" {
		fmt.Fprintf(&b, "Epoch: %s\n", epoch)
	}
	b.WriteString("Summary: test\nLicense: MIT\nGroup: base\nAutoReqProv: no\n")
	if s.arch == "noarch" {
		b.WriteString("BuildArch: noarch\n")
	}
	for _, p := range s.pkgs {
		if p.Name == s.recipe {
			b.WriteString(p.rpmProvides())
		}
	}
	b.WriteString("%description\nMade for a test.\n")
	for _, p := range s.pkgs {
		if p.Name != s.recipe {
			fmt.Fprintf(&b, "%%package -n %s\nSummary: test\nGroup: base\nAutoReqProv: no\n%s", p.Name, p.rpmProvides())
			fmt.Fprintf(&b, "%%description -n %s\nMade for a test.\n", p.Name)
		}
	}
	fmt.Fprintf(&b, "%%install\ncp -a %s/. %%{buildroot}/\n", stage)
	for _, p := range s.pkgs {
		fmt.Fprintf(&b, "%%files -n %s\n", p.Name)
		for _, f := range p.Files {
			b.WriteString(f.rpmLine())
		}
	}
	return b.String()
}

func (p Package) rpmProvides() string {
	if len(p.Provides) == 0 {
		return ""
	}
	return "Provides: " + strings.Join(p.Provides, " ") + "\n"
}

func (f File) rpmLine() string {
	switch {
	case f.Dir:
		return fmt.Sprintf("%%dir %%attr(0755,root,root) \"%s\"\n", f.Path)
	case f.Link != "":
		return fmt.Sprintf("%%attr(-,root,root) \"%s\"\n", f.Path)
	}
	return fmt.Sprintf("%%attr(%04o,root,root) \"%s\"\n", f.mode().Perm(), f.Path)
}
