// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// TestPrograms: the recipes of the two programs, from each of their sources,
// for each architecture, and what migrate-runner's packages hold.
func TestPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: builds take minutes")
	}
	for _, c := range checkouts(t) {
		t.Run(c.series, func(t *testing.T) {
			b := newBuild(t, c, formats()[0], c.series+"-programs")
			t.Run("dist", b.dist)
			t.Run("init", b.initManagers)
			if c == checkouts(t)[0] {
				t.Run("architectures", b.architectures)
			}
			t.Run("nativesdk", b.nativesdk)
			t.Run("repository", b.repositorySource)
			t.Run("layer-alone", b.layerAlone)
		})
	}
}

// dist: the packages hold the files of target/migrate-runner/dist as they are,
// and what is enabled is enabled by links outside of /etc, where an overlay
// could hide them.
func (b *build) dist(t *testing.T) {
	for _, early := range []bool{false, true} {
		conf, left := "", "migrate-runner-early.service"
		if early {
			conf, left = "PACKAGECONFIG:pn-migrate-runner = \"early\"\n", "migrate-runner.service"
		}
		const module = "initramfs-module-migration"
		// oe-core's framework is not there.
		b.setCase(t, map[string]string{"conf": conf, module + ".bbappend": "RDEPENDS:${PN} = \"\"\n"})
		b.succeed(t, "migrate-runner:do_package", "migrate-runner:do_package_qa", module+":do_package", module+":do_package_qa")
		files, links := b.split(t, "migrate-runner")
		for sum, names := range first(b.split(t, module)) {
			files[sum] = append(files[sum], names...)
		}
		dist, err := filepath.Glob(filepath.Join(b.source, "target/migrate-runner/dist/*"))
		if err != nil || len(dist) < 6 {
			t.Fatalf("dist: %v %v", dist, err)
		}
		for _, path := range dist {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(path)
			if installed := files[digest(data)]; (len(installed) == 0) != (name == left) {
				t.Errorf("early %v: %s is installed as %v", early, name, installed)
			}
		}
		for _, link := range links {
			if !regexp.MustCompile(`^migrate-runner-systemd/usr/lib/systemd/system/[a-z.-]+\.(wants|requires)/|^migrate-runner-sysvinit/etc/rcS.d/S38`).MatchString(link) {
				t.Errorf("early %v: link %s", early, link)
			}
		}
		if len(links) < 4 {
			t.Errorf("early %v: only the links %v", early, links)
		}
	}
}

func first(files map[string][]string, _ []string) map[string][]string { return files }

// split returns the files of a recipe's packages by digest, and the links, all
// as <package>/<path>.
func (b *build) split(t *testing.T, recipe string) (map[string][]string, []string) {
	t.Helper()
	tops, err := filepath.Glob(filepath.Join(b.dir, "tmp*", "work", "*", recipe, "*/packages-split"))
	if err != nil || len(tops) != 1 {
		t.Fatalf("packages of %s: %v %v", recipe, tops, err)
	}
	files, links := map[string][]string{}, []string{}
	err = filepath.WalkDir(tops[0], func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name := strings.TrimPrefix(path, tops[0]+"/")
		if e.Type()&fs.ModeSymlink != 0 {
			links = append(links, name)
			return nil
		}
		data, err := os.ReadFile(path)
		files[digest(data)] = append(files[digest(data)], name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(links)
	return files, links
}

// initManagers: units for systemd, the init script for others, both where a
// distro has both.
func (b *build) initManagers(t *testing.T) {
	conf, err := os.ReadFile(filepath.Join(b.core, "meta/conf/bitbake.conf"))
	if err != nil {
		t.Fatal(err)
	}
	// scarthgap adds sysvinit to what a distro says; later series refuse the
	// variable by which it does, and add what the init manager needs.
	none := "OVERRIDES .= \":case\"\nINIT_MANAGER = \"mdev-busybox\"\n"
	if !strings.Contains(string(conf), "BB_RENAMED_VARIABLES[DISTRO_FEATURES_BACKFILL]") {
		none += "DISTRO_FEATURES_BACKFILL:case = \"\"\n"
	}
	for features, want := range map[string]string{
		"systemd": "migrate-runner-systemd", "": "migrate-runner-sysvinit",
		"systemd sysvinit": "migrate-runner-systemd migrate-runner-sysvinit",
	} {
		b.setCase(t, map[string]string{"conf": none + "DISTRO_FEATURES:case = \"" + features + "\"\n"})
		out := b.succeed(t, "-e", "migrate-runner")
		m := regexp.MustCompile(`(?m)^RDEPENDS:migrate-runner="(.*)"$`).FindStringSubmatch(out)
		if m == nil || strings.Join(strings.Fields(m[1]), " ") != want {
			t.Errorf("DISTRO_FEATURES %q: %q", features, m)
		}
	}
}

// architectures: on each machine of oe-core migrate-runner is there, with the
// GOARCH of the machine, but where Go itself is not.
func (b *build) architectures(t *testing.T) {
	machines, err := filepath.Glob(filepath.Join(b.core, "meta/conf/machine/qemu*.conf"))
	if err != nil || len(machines) < 8 {
		t.Fatalf("machines: %v %v", machines, err)
	}
	want := map[string]string{
		"qemux86": "386", "qemux86-64": "amd64", "qemuarm": "arm", "qemuarmv5": "arm", "qemuarm64": "arm64", "qemumips": "mips",
		"qemumips64": "mips64", "qemuppc64": "ppc64le", "qemuriscv64": "riscv64", "qemuloongarch64": "loong64",
		"qemuppc": "", "qemuriscv32": "",
	}
	for _, path := range machines {
		machine := strings.TrimSuffix(filepath.Base(path), ".conf")
		b.setCase(t, map[string]string{"conf": "MACHINE = \"" + machine + "\"\n"})
		// What the machine needs of others is not there, after the parsing.
		out, _ := b.run(t, "bitbake", "-e", "migrate-runner")
		m := regexp.MustCompile(`(?m)^(?:export )?TARGET_GOARCH="(.*)"$`).FindStringSubmatch(out)
		goarch := ""
		if m != nil {
			goarch = m[1]
		}
		if known, ok := want[machine]; ok && goarch != known {
			t.Errorf("%s: GOARCH %q, not %q\n%s", machine, goarch, known, tail(out[:min(len(out), 500)]))
		} else if !ok {
			t.Logf("%s: GOARCH %q", machine, goarch)
		}
	}
}

// nativesdk: an SDK can have mkmigrations.
func (b *build) nativesdk(t *testing.T) {
	b.setCase(t, nil)
	// What nativesdk needs of others is not there, after the parsing.
	out, _ := b.run(t, "bitbake", "-e", "nativesdk-mkmigrations")
	for _, text := range []string{"\nPN=\"nativesdk-mkmigrations\"\n", "\nPACKAGES=\"nativesdk-mkmigrations"} {
		if !strings.Contains(out, text) {
			t.Errorf("bitbake -e nativesdk-mkmigrations has no %q", text)
		}
	}
}

// repositorySource: by MIGRATION_SOURCE the programs come from a git
// repository at a revision.
func (b *build) repositorySource(t *testing.T) {
	repo := filepath.Join(b.dir, "repository")
	if err := os.RemoveAll(repo); err != nil {
		t.Fatal(err)
	}
	copyRepository(t, repository(t), repo)
	marker := filepath.Join(repo, "target/migrate-runner/marker.go")
	if err := os.WriteFile(marker, []byte("package main\n\nfunc init() { version += \"-from-git\" }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	git := func(words ...string) string {
		cmd := exec.Command("git", append([]string{"-C", repo, "-c", "safe.directory=*", "-c", "user.name=x", "-c", "user.email=x@localhost"}, words...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", words, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "-b", "main")
	git("add", "-A")
	git("commit", "-q", "-m", "case")
	commit := git("rev-parse", "HEAD")
	if err := b.owner.own(repo); err != nil {
		t.Fatal(err)
	}
	b.setCase(t, map[string]string{"conf": "MIGRATION_SOURCE = \"git://" + repo + ";protocol=file;branch=main;rev=" + commit + "\"\n"})
	b.succeed(t, "-c", "install", "migrate-runner")
	found, err := filepath.Glob(filepath.Join(b.dir, "tmp*", "work", "*/migrate-runner/*/image/usr/sbin/migrate-runner"))
	if err != nil || len(found) != 1 {
		t.Fatalf("installed: %v %v", found, err)
	}
	data, err := os.ReadFile(found[0])
	if err != nil || !bytes.Contains(data, []byte("-from-git")) {
		t.Errorf("the program is not that of the repository: %v", err)
	}
	b.succeed(t, "-c", "populate_lic", "mkmigrations-native")
}

// layerAlone: a copy of the layer without its checkout says what is missing,
// and builds by MIGRATION_SOURCE.
func (b *build) layerAlone(t *testing.T) {
	alone := filepath.Join(b.dir, "alone")
	if err := os.RemoveAll(alone); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", filepath.Join(b.source, "meta-migration"), alone).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	layers := filepath.Join(b.dir, "conf/bblayers.conf")
	text, err := os.ReadFile(layers)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(layers, bytes.Replace(text, []byte("${OETEST_SOURCE}/meta-migration"), []byte(alone), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.WriteFile(layers, text, 0o644); err != nil {
			t.Error(err)
		}
	}()
	b.setCase(t, nil)
	b.refuse(t, "-n migrate-runner", "the layer meta-migration is not in its checkout", "MIGRATION_SOURCE")
	b.setCase(t, map[string]string{"conf": "MIGRATION_SOURCE = \"git:///nowhere;protocol=file;branch=main;rev=" + strings.Repeat("0", 40) + "\"\n"})
	b.succeed(t, "-e", "migrate-runner")
}
