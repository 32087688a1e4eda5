// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"meta-migration/tests/packages"
)

type maker func(dir string, c packages.Compression, pkgs ...packages.Package) ([]string, error)

// packageCommands are the script commands that make packages:
//
//	mkdeb|mkipk|mkrpm DIR NAME [KEY=VALUE…]
//
// The keys are version, recipe, source, arch, compress (gzip, xz, zstd,
// none), provides, snippet (RECIPE/NAME:FILE) and file (/PATH:FILE); the last
// three may stand several times. A NAME that ends in -migration provides
// migration-snippets, unless provides is given, and is of the recipe before
// that ending, unless recipe is given.
func packageCommands() map[string]func(*testscript.TestScript, bool, []string) {
	command := func(mk maker) func(*testscript.TestScript, bool, []string) {
		return func(ts *testscript.TestScript, neg bool, args []string) { makePackage(ts, neg, args, mk) }
	}
	return map[string]func(*testscript.TestScript, bool, []string){
		"mkdeb": command(packages.MakeDeb), "mkipk": command(packages.MakeIpk), "mkrpm": command(packages.MakeRpm),
	}
}

func makePackage(ts *testscript.TestScript, neg bool, args []string, mk maker) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: mkdeb|mkipk|mkrpm DIR NAME [KEY=VALUE...]")
	}
	p := packages.Package{Name: args[1]}
	recipe, announces := strings.CutSuffix(p.Name, "-migration")
	if announces {
		p.Recipe = recipe
		p.Provides = []string{"migration-snippets"}
	}
	compression := packages.Default
	given := false
	for _, arg := range args[2:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "version":
			p.Version = value
		case "recipe":
			p.Recipe = value
		case "source":
			p.Source = value
		case "arch":
			p.Arch = value
		case "compress":
			compression = packages.Compression(value)
		case "provides":
			if !given {
				p.Provides, given = nil, true
			}
			if value != "" {
				p.Provides = append(p.Provides, value)
			}
		case "snippet", "file":
			path, from, ok := strings.Cut(value, ":")
			if !ok {
				ts.Fatalf("no PATH:FILE in %q", arg)
			}
			if key == "snippet" {
				path = "/usr/share/migration/" + path
			}
			p.Files = append(p.Files, packages.File{Path: path, Data: ts.ReadFile(from)})
		default:
			ts.Fatalf("unknown key %q", key)
		}
	}
	dir := ts.MkAbs(args[0])
	_, err := mk(dir, compression, p)
	ts.Check(err)
}
