// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"sort"
	"strings"

	"meta-migration/internal/bundle"
)

// oneVersion leaves out what losing versions of a package hold: of several in
// the feed that of the recipe's installed version wins, as a whole, since the
// others may have migrations that it has not. Where nothing decides, versions
// with different IDs are an error; the same ID with different texts is chooseOne's.
func oneVersion(candidates []*Candidate, im *image, r *report) []*Candidate {
	byName := map[string][]*Candidate{}
	for _, c := range candidates {
		if c.Package != nil {
			byName[c.Package.Name] = append(byName[c.Package.Name], c)
		}
	}
	lost := map[*Candidate]bool{}
	var packages []string
	for name := range byName {
		packages = append(packages, name)
	}
	sort.Strings(packages)
	for _, name := range packages {
		list := byName[name]
		byVersion := map[string][]*Candidate{}
		for _, c := range list {
			byVersion[c.Package.Version] = append(byVersion[c.Package.Version], c)
		}
		if len(byVersion) == 1 {
			continue
		}
		winning := winners(byVersion, im)
		if len(winning) == 0 {
			undecided(name, list, byVersion, im, r)
			continue
		}
		for _, c := range list {
			lost[c] = !winning[c.Package.Version]
		}
	}
	kept := candidates[:0:0]
	for _, c := range candidates {
		if !lost[c] {
			kept = append(kept, c)
		}
	}
	return kept
}

// winners returns the versions that are installed; nil where that is none, or
// all of them.
func winners(byVersion map[string][]*Candidate, im *image) map[string]bool {
	winning := map[string]bool{}
	for version, list := range byVersion {
		if anyVersion(im.versions[list[0].Recipe()], version) {
			winning[version] = true
		}
	}
	if len(winning) == len(byVersion) {
		return nil
	}
	return winning
}

// undecided reports versions of one package that hold different IDs, if any of
// them is in the image.
func undecided(name string, list []*Candidate, byVersion map[string][]*Candidate, im *image, r *report) {
	have := map[bundle.ID]int{}
	live := false
	for _, c := range list {
		have[c.ID]++
		live = live || im.has(c.Recipe(), c.header().Packages)
	}
	if !live {
		return
	}
	for _, c := range list {
		if have[c.ID] != len(byVersion) {
			r.errorf("", "leave one of them in the directory, or give --installed with versions",
				"versions of %q hold different migrations, such as %q, and the installed version does not decide: %s",
				name, c.ID, strings.Join(packageFiles(list), ", "))
			return
		}
	}
}

// packageFiles lists the packages' files, each once.
func packageFiles(list []*Candidate) []string {
	seen := map[string]bool{}
	var files []string
	for _, c := range list {
		if file := c.Package.File; !seen[file] {
			seen[file] = true
			files = append(files, file)
		}
	}
	return files
}
