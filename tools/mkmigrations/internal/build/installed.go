// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"strings"

	"meta-migration/tools/mkmigrations/internal/pkgfile"
)

const (
	// maxList bounds a list of what is installed.
	maxList = 16 << 20
	// maxManifest bounds a manifest, and each other file of a bundle: one of
	// 10,000 migrations has 4 MiB.
	maxManifest = 6 << 20
)

// An installed is what the lists say: names, and the versions of each where
// they are stated.
type installed struct{ versions map[string][]string }

// readLists reads the lists of what is installed and the previous manifests.
func (in *input) readLists(o *Options, r *report) {
	for _, file := range o.Installed {
		if in.installed == nil {
			in.installed = &installed{map[string][]string{}}
		}
		data, err := readSmall(file, maxList)
		if err == nil {
			err = in.installed.parse(file, string(data))
		}
		in.deaf = in.deaf || err != nil
		r.add(err)
	}
	for _, file := range o.Previous {
		p, err := readPrevious(file)
		if err != nil {
			in.deaf = true
			r.add(err)
			continue
		}
		in.previous = append(in.previous, p)
	}
}

// parse adds the lines of one list: Yocto's image manifest, `name arch
// version`, or names alone.
func (list *installed) parse(file, text string) error {
	var wrong Faults
	for n, line := range lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case len(words) != 1 && len(words) != 3 || !isPackageName(words[0]):
			wrong = append(wrong, &Fault{File: file, Line: n + 1, Rule: "no `name arch version` and no package name: " + quoted(line),
				Cure: "give the image manifest (.manifest) that the image's build deploys, or names, one in a line"})
			continue
		}
		version := ""
		if len(words) == 3 {
			version = words[2]
		}
		list.versions[words[0]] = append(list.versions[words[0]], version)
	}
	if wrong != nil {
		return wrong
	}
	return nil
}

func isPackageName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || strings.IndexByte(".+-_", c) < 0) {
			return false
		}
	}
	return s != ""
}

const migrationSuffix = "-migration"

// An image answers what is installed in it.
type image struct {
	everything bool                // no list was given
	scanned    bool                // there are packages at all
	names      map[string]bool     // of installed packages and what they provide
	versions   map[string][]string // PN -> versions of its installed packages
}

// newImage joins the list of what is installed with the packages at hand.
func newImage(packages []*pkgfile.Package, list *installed) *image {
	im := &image{everything: list == nil, scanned: len(packages) > 0, names: map[string]bool{}, versions: map[string][]string{}}
	known := map[string]bool{}
	exact := map[string]bool{} // names of which a package of the installed version is at hand
	if list != nil {
		for _, p := range packages {
			exact[p.Name] = exact[p.Name] || list.states(p.Name, p.Version)
		}
	}
	for _, p := range packages {
		known[p.Name] = true
		if list != nil && (list.versions[p.Name] == nil || exact[p.Name] && !list.states(p.Name, p.Version)) {
			continue
		}
		im.names[p.Name] = true
		for _, name := range p.Provides {
			im.names[name] = true
		}
		if pn := recipeOf(p); runs(p.Name) || p.Name == pn && !p.Announces {
			im.versions[pn] = append(im.versions[pn], p.Version)
		}
	}
	if list != nil {
		im.addList(list, known)
	}
	return im
}

// addList adds what the list says. A name without a package at hand stands
// for a recipe of that name, if it is one of a package that runs.
func (im *image) addList(list *installed, known map[string]bool) {
	for name, versions := range list.versions {
		im.names[name] = true
		if !known[name] && runs(name) {
			im.versions[name] = append(im.versions[name], versions...)
		}
	}
}

// runs says by its name whether a package is a part of what runs on a device,
// so that its recipe is in the image. A recipe's main package is one, whatever
// its name ends in (gtk-doc, data-migration): that is up to the caller.
func runs(name string) bool {
	for _, suffix := range []string{"-dev", "-dbg", "-doc", "-src", "-staticdev", migrationSuffix} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return true
}

func (im *image) hasRecipe(pn string) bool { return im.everything || im.versions[pn] != nil }

// hasAny is for a migration's Packages.
func (im *image) hasAny(names []string) bool {
	if im.everything && !im.scanned {
		return true
	}
	for _, name := range names {
		if im.names[name] {
			return true
		}
	}
	return false
}

// has says whether a migration of a recipe belongs into the image.
func (im *image) has(pn string, packages []string) bool {
	if len(packages) > 0 {
		return im.hasAny(packages)
	}
	return im.hasRecipe(pn)
}

// hasBase is has for a recipe's name without a multilib prefix: an installed
// variant (lib32-foo) is enough.
func (im *image) hasBase(recipe string, packages []string) bool {
	if len(packages) > 0 || im.hasRecipe(recipe) {
		return im.has(recipe, packages)
	}
	for pn := range im.versions {
		if prefix, ok := strings.CutSuffix(pn, "-"+recipe); ok && isMultilib(prefix) {
			return true
		}
	}
	return false
}

// isMultilib knows the usual names of MULTILIBS: lib32, lib64, libx32, libn32.
func isMultilib(prefix string) bool {
	prefix, ok := strings.CutPrefix(prefix, "lib")
	bits := strings.TrimLeft(prefix, "xn")
	return ok && len(prefix)-len(bits) < 2 && (bits == "32" || bits == "64")
}

// states says whether the list has this version of a package.
func (list *installed) states(name, version string) bool {
	return anyVersion(list.versions[name], version)
}

func anyVersion(list []string, version string) bool {
	for _, v := range list {
		if sameVersion(v, version) {
			return true
		}
	}
	return false
}

// sameVersion compares versions of packages. The image manifest of an rpm
// image leaves out the epoch, and the release; what one side lacks is not
// compared. An empty version is unknown, so it is the same as none.
func sameVersion(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	epochA, a := cutEpoch(a)
	epochB, b := cutEpoch(b)
	if epochA != "" && epochB != "" && epochA != epochB {
		return false
	}
	return a == b || a == withoutRelease(b) || withoutRelease(a) == b
}

func cutEpoch(v string) (epoch, rest string) {
	if e, rest, ok := strings.Cut(v, ":"); ok {
		return e, rest
	}
	return "", v
}

// withoutRelease takes the release off, the last part behind a dash. A
// version that has none stays whole.
func withoutRelease(v string) string {
	if i := strings.LastIndexByte(v, '-'); i > 0 {
		return v[:i]
	}
	return v
}
