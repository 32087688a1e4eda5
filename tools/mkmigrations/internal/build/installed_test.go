// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"meta-migration/tools/mkmigrations/internal/pkgfile"
)

func TestSameVersion(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"1.0-r0", "1.0-r0", true},
		{"1.0", "1.0-r0", true},
		{"1.0", "2:1.0-r0", true},
		{"1:1.0-r0", "2:1.0-r0", false},
		{"1:1.0-r0", "1.0-r0", true},
		{"1.0-r0", "1.0-r1", false},
		{"1.0", "1.0.1-r0", false},
		{"1.0-rc1-r0", "1.0-rc1", true},
		{"1.0-rc1-r0", "1.0", false},
		{"1.0+git0+abc", "1.0+git0+abc-r0", true},
		{"", "", false}, // unknown is not the same as unknown
		{"", "1.0", false},
	} {
		if sameVersion(test.a, test.b) != test.want || sameVersion(test.b, test.a) != test.want {
			t.Errorf("sameVersion(%q, %q) is not %v both ways", test.a, test.b, test.want)
		}
	}
}

func TestImage(t *testing.T) {
	pkgs := []*pkgfile.Package{
		{Name: "server", Source: "zulu", Version: "1.0-r0", Provides: []string{"virtual-server"}},
		{Name: "server", Source: "zulu", Version: "2.0-r0", Provides: []string{"newer-server"}},
		{Name: "tool-dev", Source: "tool", Version: "1-r0"},
		{Name: "lone-migration", Source: "lone-migration", Version: "1-r0"},
		{Name: "bare-name", Source: "bare", Version: "1-r0"},
		{Name: "data-migration", Source: "data-migration", Version: "1-r0"},
		{Name: "data-migration-migration", Source: "data-migration", Version: "1-r0", Announces: true},
		{Name: "alone-migration", Source: "alone-migration", Version: "1-r0", Announces: true},
		{Name: "absent", Source: "absent", Version: "1-r0"},
	}
	list := &installed{map[string][]string{}}
	if err := list.parse("list", "server all 1.0\ntool-dev all 1\nbare-name\nlone-migration all 1\nforeign\n"+
		"data-migration all 1-r0\nalone-migration all 1-r0\nforeign-doc\n"); err != nil {
		t.Fatal(err)
	}
	im := newImage(pkgs, list)
	for _, test := range []struct {
		recipe   string
		packages []string
		want     bool
	}{
		{"zulu", nil, true},
		{"server", nil, false}, // the package is at hand: its recipe is zulu
		{"tool", nil, false},
		{"lone", nil, false},
		{"data-migration", nil, true}, // a recipe of that name, by its main package
		{"alone-migration", nil, false},
		{"foreign-doc", nil, false},
		{"absent", nil, false},
		{"bare", nil, true}, // no version is stated, so any is it
		{"foreign", nil, true},
		{"zulu", []string{"nix"}, false},
		{"nix", []string{"nix", "server"}, true},
		{"nix", []string{"virtual-server"}, true},
		{"nix", []string{"newer-server"}, false}, // of the version that is not installed
		{"nix", []string{"tool-dev"}, true},
	} {
		if got := im.has(test.recipe, test.packages); got != test.want {
			t.Errorf("has(%q, %q) is %v", test.recipe, test.packages, got)
		}
	}
	everything := newImage(pkgs, nil)
	if !everything.has("whatever", nil) || everything.has("zulu", []string{"nix"}) || !newImage(nil, nil).has("zulu", []string{"nix"}) {
		t.Error("without a list everything is installed, and Packages must be at hand where packages are")
	}
}

// FuzzInstalled: names are names of packages, faults name lines that there
// are, and what is accepted and written again reads the same.
func FuzzInstalled(f *testing.F) {
	f.Add("a all 1.0\nb\n\n")
	f.Add("a\tb\r\n")
	f.Add("base-passwd cortexa57 3.5.29-r0\nlibstdc++6 all 1:13.2.0+git0-r0.3\nbase-passwd\n")
	f.Fuzz(func(t *testing.T, text string) {
		list := &installed{map[string][]string{}}
		if err := list.parse("list", text); err != nil {
			var faults Faults
			if !errors.As(err, &faults) || faults[0].Line < 1 || faults[0].Line > strings.Count(text, "\n")+1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		var written strings.Builder
		for name, versions := range list.versions {
			if !isPackageName(name) || len(versions) == 0 {
				t.Fatalf("%q has %d versions", name, len(versions))
			}
			for _, v := range versions {
				if written.WriteString(name); v != "" {
					written.WriteString(" all " + v)
				}
				written.WriteString("\n")
			}
		}
		again := &installed{map[string][]string{}}
		if err := again.parse("list", written.String()); err != nil || !reflect.DeepEqual(again, list) {
			t.Fatalf("%q is %v,\nwritten %q it is %v, %v", text, list, written.String(), again, err)
		}
	})
}
