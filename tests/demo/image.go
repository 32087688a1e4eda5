// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"meta-migration/tests/packages"
)

// A product is what the build host makes: for each release the packages, in
// each format, and the bundle.
type product struct {
	*show
	dir      string
	releases map[string][]recipe
	formats  []string // of the packages that could be made
}

var makers = []struct {
	format, tools string
	make          func(dir string, c packages.Compression, pkgs ...packages.Package) ([]string, error)
}{
	{"ipk", "ar, zstd", packages.MakeIpk},
	{"deb", "dpkg-deb", packages.MakeDeb},
	{"rpm", "rpmbuild", packages.MakeRpm},
}

func (p *product) feed(release, format string) string { return filepath.Join(p.dir, release, format) }
func (p *product) bundle(release string) string       { return filepath.Join(p.dir, release, "bundle") }
func (p *product) rootfs() string                     { return filepath.Join(p.dir, "rootfs") }
func (p *product) manifest(release string) string     { return filepath.Join(p.dir, release, "manifest") }

// makePackages makes each release's package feed in each format whose tools
// are installed.
func (p *product) makePackages(releases ...string) error {
	for _, m := range makers {
		var pkgs, files []string
		err := error(nil)
		for _, release := range releases {
			if pkgs, err = p.makeFeed(release, m.format, m.make); err != nil {
				break
			}
			files = append(files, pkgs...)
		}
		var missing *packages.MissingToolError
		switch {
		case errors.As(err, &missing):
			p.say("  %s: skipped, %s is not installed", m.format, missing.Tool)
		case err != nil:
			return err
		default:
			p.formats = append(p.formats, m.format)
			p.say("  %s: %d packages for %d releases, made by %s, such as", m.format, len(files), len(releases), m.tools)
			p.indented("    " + files[len(files)-1] + "\n")
		}
	}
	if len(p.formats) == 0 {
		return errors.New("no package could be made: install dpkg-deb, rpmbuild, or ar and zstd")
	}
	return nil
}

func (p *product) makeFeed(release, format string, mk func(string, packages.Compression, ...packages.Package) ([]string, error)) ([]string, error) {
	dir := p.feed(release, format)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var all []packages.Package
	for _, r := range p.releases[release] {
		all = append(all, r.packages()...)
	}
	return mk(dir, packages.Default, all...)
}

// build builds the release's bundle from each format, and shows that they are
// the same.
func (p *product) build(release string, flags ...string) error {
	list := filepath.Join(p.dir, release, "image.manifest")
	if err := os.WriteFile(list, []byte(imageManifest(p.releases[release])), 0o644); err != nil {
		return err
	}
	flags = append([]string{"--installed", list, "--rootfs", p.rootfs(), "--release", release}, flags...)
	for i, format := range p.formats {
		args := append([]string{"build", "--packages", p.feed(release, format)}, flags...)
		if i == 0 {
			p.command(0, "mkmigrations", append(args, "--output", p.bundle(release))...)
			continue
		}
		output := p.bundle(release) + "-" + format
		text, code := finish(p.program("mkmigrations", append(args, "--output", output)...))
		if code != 0 {
			p.indented(text)
			p.wrong("building %s from %s exits %d", release, format, code)
			continue
		}
		p.compare(release, format, p.bundle(release), output)
	}
	// The manifest is what a build deploys beside the image.
	return copyFile(filepath.Join(p.bundle(release), "etc/migration.d/manifest"), p.manifest(release))
}

func (p *product) compare(release, format, a, b string) {
	before, err := readTree(a)
	if err == nil {
		var after snapshot
		if after, err = readTree(b); err == nil {
			if d := difference(before, after); d != "" {
				p.wrong("the bundle of %s from %s is another one:\n%s", release, format, d)
				return
			}
			p.indented(fmt.Sprintf("the same from %s packages: %d files, byte by byte\n", format, len(before)))
			return
		}
	}
	p.wrong("reading the bundles of %s: %v", release, err)
}

func readTree(top string) (snapshot, error) {
	s := snapshot{}
	err := filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		s[strings.TrimPrefix(path, top)], err = readEntry(path, d)
		return err
	})
	return s, err
}
