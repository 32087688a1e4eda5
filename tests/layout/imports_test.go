// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package layout

import (
	"regexp"
	"sort"
	"strings"
	"testing"
)

// allowed says which packages of this module a package may import. Imports
// run one way, so that each part can be read, and replaced, by itself.
var allowed = map[string][]string{
	format: nil,

	tool:                       {tool + "/internal/cli"},
	tool + "/internal/cli":     {tool + "/internal/build", format},
	tool + "/internal/build":   {tool + "/internal/pkgfile", tool + "/internal/order", tool + "/internal/lint", tool + "/internal/library", format},
	tool + "/internal/pkgfile": {format},
	tool + "/internal/order":   {format},
	tool + "/internal/lint":    {format},
	tool + "/internal/library": nil,

	tool + "/internal/cli/gendocs": nil, // its tests may import cli
}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t, nil, "./internal/...", "./tools/...") {
		seen[p.ImportPath] = true
		may, known := allowed[p.ImportPath]
		if !known {
			t.Errorf("%s is a new package: say in this table, and in DESIGN.md, what it may import", p.ImportPath)
			continue
		}
		for _, path := range p.Imports {
			if strings.HasPrefix(path, module+"/") && !has(may, path) {
				t.Errorf("%s imports %s, and may import only %v", p.ImportPath, path, may)
			}
		}
	}
	for path := range allowed {
		if !seen[path] {
			t.Errorf("%s is in the table, and is no package", path)
		}
	}
}

func has(list []string, one string) bool {
	for _, s := range list {
		if s == one {
			return true
		}
	}
	return false
}

// Only the command line knows how command lines are parsed.
func TestOnlyCliImportsCobra(t *testing.T) {
	for _, p := range list(t, nil, "./...") {
		if strings.HasPrefix(p.ImportPath, tool+"/internal/cli") {
			continue
		}
		all := append(append(append([]string{}, p.Imports...), p.TestImports...), p.XTestImports...)
		for _, path := range all {
			if strings.HasPrefix(path, "github.com/spf13/") {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
		}
	}
}

// architectures are those of devices; each may have files of its own.
var architectures = []string{"amd64", "386", "arm", "arm64", "loong64", "mips", "mipsle", "mips64", "mips64le", "ppc64le", "riscv64", "s390x"}

// heavy are the parts of the standard library that the runner does without:
// each costs 50 to 250 KB on every device.
var heavy = regexp.MustCompile(`^(bufio|bytes|context|fmt|os|time|reflect|regexp|testing|(io|path|log|net|text|html|encoding|crypto|compress|archive|os|go|math/rand|container|database|debug|embed|expvar|flag|image|index|mime|plugin|time)(/.*)?)$`)

// gentle is what heavy would match and yet is needed: syscall imports it.
var gentle = map[string]bool{"io": true}

// The runner is the standard library's smallest part, internal/bundle and its
// own packages, on every architecture.
func TestRunnerLinks(t *testing.T) {
	faults := map[string][]string{}
	for _, arch := range architectures {
		pkgs := list(t, []string{"GOOS=linux", "GOARCH=" + arch}, "-deps", "./target/migrate-runner")
		if len(pkgs) < 20 {
			t.Fatalf("go list -deps finds %d packages", len(pkgs))
		}
		for _, p := range pkgs {
			own := p.ImportPath == runner || strings.HasPrefix(p.ImportPath, runner+"/") || p.ImportPath == format
			switch {
			case p.Standard && heavy.MatchString(p.ImportPath) && !gentle[p.ImportPath]:
				faults["it links "+p.ImportPath] = append(faults["it links "+p.ImportPath], arch)
			case !p.Standard && !own:
				faults["it links foreign "+p.ImportPath] = append(faults["it links foreign "+p.ImportPath], arch)
			case len(p.CgoFiles) > 0:
				faults["cgo in "+p.ImportPath] = append(faults["cgo in "+p.ImportPath], arch)
			}
		}
	}
	var texts []string
	for fault, archs := range faults {
		texts = append(texts, fault+" on "+strings.Join(archs, ", "))
	}
	sort.Strings(texts)
	for _, text := range texts {
		t.Error("the runner:", text)
	}
}

// The formats are for both programs, so they keep to the runner's rules.
func TestBundleImportsStandardLibraryOnly(t *testing.T) {
	for _, p := range list(t, nil, "-deps", "./internal/bundle") {
		if p.ImportPath == format {
			continue
		}
		if !p.Standard {
			t.Errorf("internal/bundle needs %s", p.ImportPath)
		}
		if heavy.MatchString(p.ImportPath) && !gentle[p.ImportPath] {
			t.Errorf("internal/bundle needs %s", p.ImportPath)
		}
	}
}
