// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"strings"
	"testing"
)

func TestAnchor(t *testing.T) {
	data := []byte(goldenText)
	got, err := ParseAnchor("anchor", AnchorText(data))
	if err != nil || got != Sum(data) {
		t.Errorf("read as %s, %v", got, err)
	}
	good := string(AnchorText(data))
	for _, bad := range []string{"", "\n", good[:len(good)-1], good + "\n", good + " ", " " + good, good[:20] + "\n", strings.ToUpper(good), good[:len(good)-1] + "\r\n", good + good} {
		_, err := ParseAnchor("dir/bundle", []byte(bad))
		if text(err) != "dir/bundle:1: the anchor must be one digest in one line" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestInitConf(t *testing.T) {
	c := &InitConf{Anchor: d1}
	want := "MIGRATION_MARKER=/var/lib/migration/complete/" + strings.Repeat("1", 64) + "\nMIGRATION_FAILURE_STATE=degraded\n"
	if got := string(c.Bytes()); got != want {
		t.Errorf("written:\n%s\nwant:\n%s", got, want)
	}
	for _, state := range []FailureState{"", Emergency, Reboot} {
		c := &InitConf{Anchor: d2, FailureState: state}
		got, err := ParseInitConf("init.conf", c.Bytes())
		if err != nil || *got != *c {
			t.Errorf("%q: read as %+v, %v", state, got, err)
		}
	}
	marker, _, _ := strings.Cut(want, "\n")
	for _, bad := range []struct{ text, fault string }{
		{"", "init.conf:1: init.conf must have two lines"},
		{marker + "\n", "init.conf:2: init.conf must have two lines"},
		{strings.TrimSuffix(want, "\n"), "init.conf:2: init.conf must have two lines"},
		{want + "x", "init.conf:3: init.conf must have two lines"},
		{want + "\n", "init.conf:4: init.conf must have two lines"},
		{want + "rm -rf /\n", "init.conf:4: init.conf must have two lines"},
		{"\n\n", `init.conf:1: no marker: ""`},
		{marker[:60] + "\nMIGRATION_FAILURE_STATE=degraded\n", "init.conf:1: no marker: " + quote(marker[:60])},
		{marker + "/../x\nMIGRATION_FAILURE_STATE=degraded\n", "init.conf:1: no marker: " + quote(marker+"/../x")},
		{strings.Replace(marker, "complete", "other", 1) + "\nMIGRATION_FAILURE_STATE=degraded\n", "init.conf:1: no marker: " + quote(strings.Replace(marker, "complete", "other", 1))},
		{strings.TrimPrefix(marker, "MIGRATION_MARKER=/var/lib/migration/complete/") + "\nMIGRATION_FAILURE_STATE=degraded\n", "init.conf:1: no marker: " + quote(strings.Repeat("1", 64))},
		{marker + "\nMIGRATION_FAILURE_STATE=\n", `init.conf:2: bad value ""`},
		{marker + "\nMIGRATION_FAILURE_STATE=$(x)\n", `init.conf:2: bad value "$(x)"`},
		{marker + "\ndegraded\n", `init.conf:2: no failure state: "degraded"`},
	} {
		_, err := ParseInitConf("init.conf", []byte(bad.text))
		if text(err) != bad.fault {
			t.Errorf("%q: %v, want %s", bad.text, err, bad.fault)
		}
	}
}

// FuzzInitConf: what is accepted is what is written, to the byte; an init
// script sources it.
func FuzzInitConf(f *testing.F) {
	f.Add((&InitConf{Anchor: d1}).Bytes())
	f.Add((&InitConf{Anchor: d1, FailureState: Reboot}).Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseInitConf("init.conf", data); err == nil && string(c.Bytes()) != string(data) {
			t.Fatalf("%q is accepted and written as %q", data, c.Bytes())
		}
		if d, err := ParseAnchor("anchor", data); err == nil && string(d)+"\n" != string(data) {
			t.Fatalf("%q is accepted as %q", data, d)
		}
	})
}
