// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseControl(t *testing.T) {
	const head = "Package: foo\nVersion: 1:2-3\nArchitecture: all\n"
	for name, c := range map[string]struct {
		text     string
		source   string
		provides []string
	}{
		"nothing more":      {head, "foo", nil},
		"OE":                {head + "OE: lib32-bar\nSource: bar_1.bb\n", "lib32-bar", nil},
		"recipe file":       {head + "Source: bar_1.2.bb\n", "foo", nil},
		"path":              {head + "Source: package/network/bar\n", "foo", nil},
		"Debian":            {head + "Source: bar\n", "bar", nil},
		"Debian, version":   {head + "Source: bar (1.2-3)\n", "bar", nil},
		"empty OE":          {head + "OE:\nSource: bar\n", "bar", nil},
		"case":              {"pAcKaGe: foo\nVERSION: 1:2-3\narchitecture: all\noe: bar\n", "bar", nil},
		"folded":            {head + "Provides: a,\n b (= 1),\n\tc\n", "foo", []string{"a", "b", "c"}},
		"folded from start": {head + "Provides:\n a\n", "foo", []string{"a"}},
		"architecture":      {head + "Provides: a:any, b:arm64 (= 2)\n", "foo", []string{"a", "b"}},
		"empty items":       {head + "Provides: , a,,b ,\n", "foo", []string{"a", "b"}},
		"version touches":   {head + "Provides: migration-snippets(=1)\n", "foo", []string{"migration-snippets"}},
		"empty line inside": {head + "\nProvides: a\n", "foo", []string{"a"}},
		"comment":           {"# made by hand\n" + head, "foo", nil},
		"foreign fields":    {head + "Description: x\n Provides: no\n .\nX-Y: 1\nX-Y: 2\n", "foo", nil},
		"CR LF":             {strings.ReplaceAll(head+"OE: bar\n", "\n", "\r\n"), "bar", nil},
		"no last newline":   {head + "OE: bar", "bar", nil},
		"space after value": {head + "OE:   bar \t\n", "bar", nil},
	} {
		pkg, err := parseControl(c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := &Package{Name: "foo", Version: "1:2-3", Arch: "all", Source: c.source, Provides: c.provides}
		want.setProvides(c.provides)
		if !reflect.DeepEqual(pkg, want) {
			t.Errorf("%s: got %+v, want %+v", name, pkg, want)
		}
	}
}

// TestAnnounces: a multilib variant's package announces with its prefix.
func TestAnnounces(t *testing.T) {
	for name, want := range map[string]bool{
		"migration-snippets": true, "lib32-migration-snippets": true, "migration-snippets-dev": false, "xmigration-snippets": false, "": false,
	} {
		pkg := &Package{}
		pkg.setProvides([]string{"foo", name, "bar"})
		if pkg.Announces != want {
			t.Errorf("%q: announces %v", name, pkg.Announces)
		}
	}
}

func TestRecipeOfSourceRpm(t *testing.T) {
	for file, want := range map[string]string{
		"foo-1.0-r0.src.rpm": "foo", "lib32-foo-bar-1.0-r0.src.rpm": "lib32-foo-bar",
		"foo-1.0-r0.nosrc.rpm": "foo", "": "name", "foo": "name", "foo-1": "name", "-1-2.src.rpm": "name",
	} {
		if got := recipeOfSourceRpm(file, "name"); got != want {
			t.Errorf("%q: got %q, want %q", file, got, want)
		}
	}
}

func TestLocate(t *testing.T) {
	for raw, want := range map[string]place{
		"./":                               {path: "/"},
		"./usr/":                           {path: "/usr", above: true},
		"usr/share":                        {path: "/usr/share", above: true},
		"./usr/share/migration/":           {path: root, above: true},
		"./usr/share/migration/a/":         {path: root + "/a", below: true},
		"./usr/share/migration/a/b":        {path: root + "/a/b", below: true, recipe: "a", name: "b"},
		"usr/share/migration/a/b":          {path: root + "/a/b", below: true, recipe: "a", name: "b"},
		"./usr/share/migration/a/b/c":      {path: root + "/a/b/c", below: true},
		"./usr/share/migrations/a/b":       {path: "/usr/share/migrations/a/b"},
		"/etc//passwd":                     {path: "/etc/passwd"},
		"./etc/..foo":                      {path: "/etc/..foo"},
		"./opt/usr/share/migration/a/link": {path: "/opt/usr/share/migration/a/link"},
	} {
		if got, err := locate(raw); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", raw, got, err)
		}
	}
}
