// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"io/fs"
	"path"
	"sort"
	"strings"

	"meta-migration/internal/bundle"
)

// Modes of everything in a bundle, whatever the umask.
const (
	modeDir    = 0o755
	modeScript = 0o755
	modeFile   = 0o644
)

// A file is one of a bundle's tree.
type file struct {
	path string // relative to the tree
	mode fs.FileMode
	data []byte
}

// makeTree lists the files of a bundle, sorted by path. scripts are those of
// m.Migrations, in the same order.
func makeTree(m *bundle.Manifest, scripts [][]byte, library []byte) []file {
	text := m.Bytes()
	tree := derived(m, text)
	tree = append(tree, file{rel(bundle.LibraryPath), modeFile, library})
	for _, dir := range []string{bundle.Dir, bundle.CopyDir} {
		tree = append(tree, file{rel(dir) + "/" + bundle.ManifestName, modeFile, text})
		for i := range m.Migrations {
			tree = append(tree, file{rel(dir) + "/" + m.Migrations[i].File, modeScript, scripts[i]})
		}
	}
	sort.Slice(tree, func(i, j int) bool { return tree[i].path < tree[j].path })
	return tree
}

// derived lists the files that follow from the manifest alone. text is its
// bytes.
func derived(m *bundle.Manifest, text []byte) []file {
	anchor := bundle.Sum(text)
	init := bundle.InitConf{Anchor: anchor, FailureState: m.FailureState}
	return []file{
		{rel(bundle.AnchorPath), modeFile, bundle.AnchorText(text)},
		{rel(bundle.InitPath), modeFile, init.Bytes()},
		{rel(bundle.ConditionPath), modeFile, []byte("[Unit]\nConditionPathExists=!" + bundle.MarkerPath(anchor) + "\n")},
		{rel(bundle.FailurePath), modeFile, []byte(failureDropIn(m.FailureState))},
	}
}

func failureDropIn(state bundle.FailureState) string {
	switch state {
	case bundle.Emergency:
		return "[Unit]\nOnFailure=emergency.target\nOnFailureJobMode=replace-irreversibly\n"
	case bundle.Reboot:
		return "[Unit]\nOnFailure=migration-reboot.service\n"
	}
	return "[Unit]\n# degraded: the boot goes on\n"
}

func rel(abs string) string { return strings.TrimPrefix(abs, "/") }

// dirsOf lists the directories of a tree, each behind those above it.
func dirsOf(tree []file) []string {
	seen := map[string]bool{}
	var dirs []string
	for _, f := range tree {
		for dir := path.Dir(f.path); dir != "." && !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			dirs = append(dirs, dir)
		}
	}
	sort.Strings(dirs)
	return dirs
}

// belongs says whether a bundle's tree may have this entry, so that nothing
// else is ever replaced.
func belongs(path string, dir bool) bool {
	abs := "/" + path
	fixed := []string{bundle.AnchorPath, bundle.LibraryPath, bundle.InitPath, bundle.ConditionPath, bundle.FailurePath,
		bundle.Dir + "/" + bundle.ManifestName, bundle.CopyDir + "/" + bundle.ManifestName}
	for _, known := range append(fixed, bundle.Dir+"/x", bundle.CopyDir+"/x") {
		if dir && strings.HasPrefix(known, abs+"/") || !dir && known == abs && !strings.HasSuffix(known, "/x") {
			return true
		}
	}
	for _, in := range []string{bundle.Dir, bundle.CopyDir} {
		if name := strings.TrimPrefix(abs, in+"/"); !dir && name != abs {
			return isScriptName(name)
		}
	}
	return false
}

// isScriptName says whether name has the form of [bundle.FileName].
func isScriptName(name string) bool {
	number, id, ok := strings.Cut(name, "-")
	return ok && len(number) >= 4 && strings.Trim(number, "0123456789") == "" && bundle.CheckID(id) == nil
}
