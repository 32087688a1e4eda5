// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"errors"
	"math/rand"
	"reflect"
	"strings"
	"testing"
)

const d3 = Digest("sha256:3333333333333333333333333333333333333333333333333333333333333333")

// golden is a manifest in which every field is set, with all that may differ
// between two migrations.
func golden() *Manifest {
	h := full()
	h.After, h.Before = []string{"a:b"}, []string{"web"}
	h.Requires = []ID{"a:b", "gone:one", "older:one"}
	h.Supersedes = []ID{"gone:two"}
	return &Manifest{
		Release: "2.10", Library: d3, MinFrom: "2.8", OnDowngrade: Refuse, FreshUnless: []string{"/etc/shadow", "/var/lib/x"},
		Keep: KeepGood, OnCorrupt: Rerun, FailureState: Reboot,
		Gone: []Gone{
			{ID: "gone:one", Since: "2.7", Digest: d1, Supersedes: []ID{"older:one", "older:two"}},
			{ID: "gone:two", Since: "2.9", Digest: d2},
		},
		Migrations: []Migration{
			{ID: "a:b", File: "0010-a:b", Digest: d1, Header: Header{Since: "2.9"}},
			{ID: "full:set", File: "0020-full:set", Digest: d2, Header: h},
			{ID: "z:last", File: "0030-z:last", Digest: d3, Header: Header{Since: "2.10", Description: "x"}},
		},
	}
}

const goldenText = `Format: 1
Release: 2.10
Library: sha256:3333333333333333333333333333333333333333333333333333333333333333
Min-From: 2.8
On-Downgrade: refuse
Fresh-Unless: /etc/shadow /var/lib/x
Keep: good
On-Corrupt: rerun
Failure-State: reboot
Gone:
 gone:one 2.7 sha256:1111111111111111111111111111111111111111111111111111111111111111 older:one older:two
 gone:two 2.9 sha256:2222222222222222222222222222222222222222222222222222222222222222

Migration: a:b
File: 0010-a:b
Digest: sha256:1111111111111111111111111111111111111111111111111111111111111111
Since: 2.9

Migration: full:set
File: 0020-full:set
Digest: sha256:2222222222222222222222222222222222222222222222222222222222222222
Description: Move the daemons to their own users, größer als "zuvor"
Since: 2.9.1~rc1
After: a:b
Before: web
Requires: a:b gone:one older:one
Packages: libFoo_2.0+x-bin foo
Paths: /etc/passwd /var/lib/ünïx
Timeout: 604800
Attempts: 1000
On-Failure: continue
One-Way: yes
Revises: sha256:1111111111111111111111111111111111111111111111111111111111111111 sha256:2222222222222222222222222222222222222222222222222222222222222222
Fresh: run
Supersedes: gone:two

Migration: z:last
File: 0030-z:last
Digest: sha256:3333333333333333333333333333333333333333333333333333333333333333
Description: x
Since: 2.10
`

func TestManifestGolden(t *testing.T) {
	if got := string(golden().Bytes()); got != goldenText {
		t.Errorf("written:\n%s\nwant:\n%s", got, goldenText)
	}
	m, err := ParseManifest("manifest", []byte(goldenText))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m, golden()) {
		t.Errorf("read as %+v\nwant %+v", m, golden())
	}
}

const least = "Format: 1\nRelease: 2.10\nLibrary: " + string(d3) + "\n"

// The defaults are written in the first stanza, for people to see.
func TestManifestDefaults(t *testing.T) {
	want := strings.ReplaceAll(least+"On-Downgrade: tolerate\nKeep: none\nOn-Corrupt: refuse\nFailure-State: degraded\n", "\t", "")
	m := &Manifest{Release: "2.10", Library: d3}
	if got := string(m.Bytes()); got != want {
		t.Errorf("written:\n%s\nwant:\n%s", got, want)
	}
	for _, text := range []string{want, least} {
		got, err := ParseManifest("manifest", []byte(text))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%q read as %+v, %v", text, got, err)
		}
	}
}

// one is a stanza of a migration with more lines.
func one(lines ...string) string {
	return "\nMigration: a:b\nFile: 0010-a:b\nDigest: " + string(d1) + "\nSince: 1\n" + strings.Join(append(lines, ""), "\n")
}

func TestManifestFieldsInAnyOrder(t *testing.T) {
	text := "Format: 1\nGone:\n x:y 1 " + string(d1) + "\nLibrary: " + string(d3) + "\nRelease: 2.10\n" +
		"\nSince: 1\nDigest: " + string(d1) + "\nFile: 0010-a:b\nOne-Way: no\nMigration: a:b\n"
	m, err := ParseManifest("manifest", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := &Manifest{Release: "2.10", Library: d3, Gone: []Gone{{ID: "x:y", Since: "1", Digest: d1}},
		Migrations: []Migration{{ID: "a:b", File: "0010-a:b", Digest: d1, Header: Header{Since: "1"}}}}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("read as %+v", m)
	}
}

func TestParseManifestFaults(t *testing.T) {
	for _, c := range []struct {
		text string
		line int
		rule string
		cure string
	}{
		{"", 0, "empty manifest", ""},
		{"\n", 1, "empty line without a stanza", ""},
		{"Format: 1", 1, "the last line is cut off", ""},
		{least[:len(least)-1], 3, "the last line is cut off", ""},
		{"Release: 2\nFormat: 1\n", 1, "the manifest must begin with Format", ""},
		{"Format: 2\n", 1, `Format is "2"; only 1 is known`, ""},
		{"Format:\n 1\n", 1, `Format is ""; only 1 is known`, ""},
		{"Format: 1\n", 1, "no Release in the first stanza", ""},
		{"Format: 1\nRelease: 2\n", 1, "no Library in the first stanza", ""},
		{least + "Format: 1\n", 4, "second Format", ""},
		{least + "Release: 2\n", 4, "second Release", ""},
		{least + "Frm: 2\n", 4, `unknown field "Frm"`, ""},
		{least + "Since: 2\n", 4, `unknown field "Since"`, ""},
		{least + "# comment\n", 4, "no `Field: value`: \"# comment\"", ""},
		{least + "Keep\n", 4, "no `Field: value`: \"Keep\"", ""},
		{least + "Keep:good\n", 4, "no `Field: value`: \"Keep:good\"", ""},
		{least + "Keep:  good\n", 4, "no `Field: value`: \"Keep:  good\"", ""},
		{least + "Keep: good \n", 4, "no `Field: value`: \"Keep: good \"", ""},
		{least + "Keep: good\r\n", 4, `Keep: bad value "good\r"`, "write none or good"},
		{least + "Keep: \n", 4, "no `Field: value`: \"Keep: \"", ""},
		{least + ": good\n", 4, "no `Field: value`: \": good\"", ""},
		{least + "Keep:\n", 4, "Keep has no value", ""},
		{least + "Keep:\n good\n", 4, "Keep has no value", ""},
		{least + "Keep: none\n good\n", 5, "no `Field: value`: \" good\"", ""},
		{least + "Keep: best\n", 4, `Keep: bad value "best"`, "write none or good"},
		{least + "On-Downgrade: revert\n", 4, `On-Downgrade: bad value "revert"`, "write tolerate or refuse"},
		{least + "On-Corrupt: x\n", 4, `On-Corrupt: bad value "x"`, "write refuse or rerun"},
		{least + "Failure-State: halt\n", 4, `Failure-State: bad value "halt"`, "write degraded or emergency or reboot"},
		{least + "Min-From: a:b\n", 4, `Min-From: bad release: "a:b"`, "use letters, digits and . - ~ ^ + _"},
		{least + "Fresh-Unless: a\n", 4, `Fresh-Unless: bad path: "a"`, pathCure},
		{least + "Gone:\n", 4, "Gone must have a line for each migration", ""},
		{least + "Gone: a:b\n", 4, "Gone must have a line for each migration", ""},
		{least + "Gone: \n a:b 1 " + string(d1) + "\n", 4, "no `Field: value`: \"Gone: \"", ""},
		{least + "Gone:\n a:b 1\n", 5, "Gone: no `ID Since Digest`: \"a:b 1\"", ""},
		{least + "Gone:\n  a:b 1\n", 5, `Gone: no migration ID: ""`, "write <recipe>:<name>"},
		{least + "Gone:\n a:b 1 " + string(d1) + "\n c:d 1 " + string(d1) + " \n", 6, `Gone: no migration ID: ""`, "write <recipe>:<name>"},
		{least + "Gone:\n a:b 1 " + string(d1) + " x:y x:y\n", 5, `Gone: "x:y" is named twice`, listCure},
		{least + "Gone:\n a:b 1:2 " + string(d1) + "\n", 5, `Gone: bad release: "1:2"`, "use letters, digits and . - ~ ^ + _"},
		{least + "Gone:\n a:b 1 x\n", 5, `Gone: no digest: "x"`, "write sha256: and 64 hexadecimal digits in lower case"},
		{least + "\n", 4, "empty line without a stanza", ""},
		{least + "\n\n" + one(), 5, "empty line without a stanza", ""},
		{least + one() + "\n", 9, "empty line without a stanza", ""},
		{least + one("Foo: 1"), 9, `unknown field "Foo"`, ""},
		{least + one("Release: 1"), 9, `unknown field "Release"`, ""},
		{least + one("Since: 1"), 9, "second Since", ""},
		{least + one("Paths:", " /a"), 9, "Paths has no value", ""},
		{least + one("Paths: a"), 9, `Paths: bad path: "a"`, pathCure},
		{least + one("Timeout: 0"), 9, `Timeout: bad number "0"`, "write a number from 1 to 604800"},
		{least + "\nMigration: a:doc\n", 5, `Migration: migration name is a bitbake keyword or flag: "doc"`, "choose another name"},
		{least + "\nMigration: a:b\nDigest: x\n", 6, `Digest: no digest: "x"`, "write sha256: and 64 hexadecimal digits in lower case"},
		{least + "\nFile: 0010-a:b\n", 5, `no Migration in migration ""`, ""},
		{least + "\nMigration: a:b\n", 5, `no File in migration "a:b"`, ""},
		{least + "\nMigration: a:b\nFile: x\n", 5, `no Digest in migration "a:b"`, ""},
		{least + "\nMigration: a:b\nFile: x\nDigest: " + string(d1) + "\n", 5, `no Since in migration "a:b"`, ""},
		{least + strings.Replace(one(), "0010", "../10", 1), 0, `File is "../10-a:b", must be "0010-a:b"`, ""},
	} {
		m, err := ParseManifest("dir/manifest", []byte(c.text))
		var fault *ParseError
		want := ParseError{"dir/manifest", c.line, c.rule, c.cure}
		if !errors.As(err, &fault) || *fault != want || m != nil {
			t.Errorf("%q:\n got %#v\nwant %#v", c.text, err, want)
		}
	}
}

// A manifest that was cut off at any byte is refused, or is a whole shorter
// one, which its anchor then tells apart.
func TestParseManifestCutOff(t *testing.T) {
	for n := range goldenText {
		m, err := ParseManifest("manifest", []byte(goldenText[:n]))
		whole := strings.HasSuffix(goldenText[:n], "\n") && !strings.HasSuffix(goldenText[:n], "\n\n")
		if err == nil && (!whole || string(m.Bytes()) == goldenText) {
			t.Errorf("cut off behind %q it is accepted", goldenText[:n][max(0, n-20):])
		}
	}
}

// One byte changed anywhere: an error, or a manifest that says what its
// bytes say; never a panic, never the old content.
func TestParseManifestFlipped(t *testing.T) {
	for i := range goldenText {
		for _, mask := range []byte{1, 2, 0x20, 0x40, 0x80, 0xff, goldenText[i] ^ '\n', goldenText[i] ^ ' ', goldenText[i] ^ ':'} {
			data := []byte(goldenText)
			data[i] ^= mask
			m, err := ParseManifest("manifest", data)
			if err != nil || mask == 0 {
				continue
			}
			if string(m.Bytes()) == goldenText {
				// Only the two blanks that a reader may read over.
				if c := string(data[i]); c != "\t" {
					t.Errorf("byte %d changed to %q makes no difference", i, c)
				}
			}
			again, err := ParseManifest("manifest", m.Bytes())
			if err != nil || !reflect.DeepEqual(again, m) {
				t.Errorf("byte %d changed to %q: not read again as the same: %v", i, data[i], err)
			}
		}
	}
}

func TestFileName(t *testing.T) {
	for _, c := range []struct {
		index, count int
		want         string
	}{
		{0, 1, "0010-a:b"}, {98, 99, "0990-a:b"}, {998, 999, "9990-a:b"}, {0, 1000, "00010-a:b"}, {999, 1000, "10000-a:b"},
		{0, 9999, "00010-a:b"}, {0, 10000, "000010-a:b"}, {9999, 10000, "100000-a:b"},
	} {
		if got := FileName(c.index, c.count, "a:b"); got != c.want {
			t.Errorf("FileName(%d, %d) = %q, want %q", c.index, c.count, got, c.want)
		}
	}
}

// FuzzManifest: what is read is written so that it is read again as the
// same, and what is made of the bytes as a valid manifest too.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(goldenText), int64(1))
	f.Add([]byte(least+one("Paths: /a\t/b")), int64(2))
	f.Add([]byte(least+"Gone:\n a:b 1 "+string(d1)+" c:d\n"), int64(3))
	f.Fuzz(func(t *testing.T, data []byte, seed int64) {
		if m, err := ParseManifest("manifest", data); err == nil {
			isReadAgain(t, m)
		}
		m := randomManifest(rand.New(rand.NewSource(seed)))
		if err := m.Check(); err != nil {
			t.Fatalf("generated manifest: %v\n%s", err, m.Bytes())
		}
		isReadAgain(t, m)
	})
}

func isReadAgain(t *testing.T, m *Manifest) {
	t.Helper()
	again, err := ParseManifest("manifest", m.Bytes())
	if err != nil {
		t.Fatalf("written manifest is refused: %v\n%s", err, m.Bytes())
	}
	if !reflect.DeepEqual(again, m) {
		t.Fatalf("read again as\n%+v\nwant\n%+v", again, m)
	}
	if string(again.Bytes()) != string(m.Bytes()) {
		t.Fatalf("written again as\n%s\nwant\n%s", again.Bytes(), m.Bytes())
	}
}
