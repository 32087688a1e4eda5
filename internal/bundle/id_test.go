// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// hint returns the cure of an error of this package.
func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

func TestCheckID(t *testing.T) {
	long := func(n int) string { return "r:" + strings.Repeat("a", n-2) }
	for _, c := range []struct{ id, fault string }{
		{"base-passwd:static-groups", ""},
		{"a:b", ""},
		{"0:0", ""},
		{"gtk+3:move.cache-2", ""},
		{"a.b+c-d:e.f-g", ""},
		{"a-:b-", ""},
		{"remove:split", ""}, // only the name has bitbake's words
		{"a:removed", ""},
		{long(128), ""},

		{"", `no migration ID: ""`},
		{"split", `no migration ID: "split"`},
		{":b", `bad recipe name: ""`},
		{"a:", `bad migration name: ""`},
		{"A:b", `bad recipe name: "A"`},
		{"a:B", `bad migration name: "B"`},
		{"-a:b", `bad recipe name: "-a"`},
		{".a:b", `bad recipe name: ".a"`},
		{"+a:b", `bad recipe name: "+a"`},
		{"a:-b", `bad migration name: "-b"`},
		{"a:.b", `bad migration name: ".b"`},
		{"a:b+c", `bad migration name: "b+c"`},
		{"a_b:c", `bad recipe name: "a_b"`},
		{"a:b_c", `bad migration name: "b_c"`},
		{"a:b:c", `bad migration name: "b:c"`},
		{"a:b c", `bad migration name: "b c"`},
		{"a:b\n", `bad migration name: "b\n"`},
		{"a:é", `bad migration name: "é"`},
		{"a/b:c", `bad recipe name: "a/b"`},
		{"a:..", `bad migration name: ".."`},
		{"a:remove", `migration name is a bitbake keyword or flag: "remove"`},
		{long(129), `migration ID too long: "` + long(129) + `"`},
	} {
		err := CheckID(c.id)
		if got := text(err); got != c.fault {
			t.Errorf("CheckID(%q) = %s, want %s", c.id, got, c.fault)
		}
		if err != nil && hint(err) == "" {
			t.Errorf("CheckID(%q): no cure", c.id)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The contract names these; the table of them must not lose any.
func TestCheckNameKeywords(t *testing.T) {
	for _, word := range strings.Fields("append prepend remove doc func type export vardeps dirs cleandirs " +
		"noexec nostamp python fakeroot network umask depends rdepends lockfiles postfuncs prefuncs " +
		"vardepsexclude vardepvalue vardepvalueexclude unexport task number-threads sstate-inputdirs") {
		if CheckName(word) == nil {
			t.Errorf("CheckName(%q) = nil, want it refused", word)
		}
		if err := CheckName(word + "s2"); err != nil {
			t.Errorf("CheckName(%q) = %v", word+"s2", err)
		}
	}
}

// 128 bytes and 235 escaped bytes are both allowed, one more of either not.
func TestCheckIDEscaped(t *testing.T) {
	id := func(plain, dashes int) string {
		return "r:" + strings.Repeat("a", plain) + strings.Repeat("-", dashes)
	}
	for _, c := range []struct {
		id      string
		escaped int
		ok      bool
	}{
		{id(1, 58), 235, true},
		{id(2, 58), 236, false},
		{id(90, 36), 236, false},
		{id(91, 35), 233, true},
		{"r" + strings.Repeat("+", 57) + ":abcde", 235, true},
		{"r" + strings.Repeat("+", 57) + ":abcdef", 236, false},
	} {
		if got := escapedLen(c.id); got != c.escaped {
			t.Errorf("escapedLen(%q) = %d, want %d", c.id, got, c.escaped)
		}
		if err := CheckID(c.id); (err == nil) != c.ok {
			t.Errorf("CheckID of %d bytes, %d escaped = %v, want ok %v", len(c.id), c.escaped, err, c.ok)
		}
	}
}

func TestEscapedLenIsSystemds(t *testing.T) {
	tool, err := exec.LookPath("systemd-escape")
	if err != nil {
		t.Skip("skipping: no systemd-escape here")
	}
	for _, id := range []string{"a:b", "base-passwd:static-groups", "gtk+3:a.b-c", "0.1:x--y"} {
		out, err := exec.Command(tool, id).Output()
		if err != nil {
			t.Skip("skipping: systemd-escape: ", err)
		}
		if got, want := escapedLen(id), len(out)-1; got != want {
			t.Errorf("escapedLen(%q) = %d, systemd-escape makes %d bytes: %s", id, got, want, out)
		}
	}
}

func TestIDParts(t *testing.T) {
	id := ID("base-passwd:static-groups")
	if id.Recipe() != "base-passwd" || id.Name() != "static-groups" {
		t.Errorf("parts of %q are %q and %q", id, id.Recipe(), id.Name())
	}
}
