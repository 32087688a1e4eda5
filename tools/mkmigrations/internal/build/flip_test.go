// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"bytes"
	"reflect"
	"testing"

	"meta-migration/internal/bundle"
)

const flipped = `Format: 1
Release: 2.0
Library: sha256:0000000000000000000000000000000000000000000000000000000000000000
Min-From: 1.0
On-Downgrade: refuse
Fresh-Unless: /etc/used
Keep: good
On-Corrupt: refuse
Failure-State: reboot
Gone:
 m:old 1.0 sha256:1111111111111111111111111111111111111111111111111111111111111111
 z:squash 1.0 sha256:1111111111111111111111111111111111111111111111111111111111111111 z:a z:b

Migration: z:first
File: 0010-z:first
Digest: sha256:2222222222222222222222222222222222222222222222222222222222222222
Description: Text
Since: 1.5
Paths: /etc/passwd
Timeout: 30
Attempts: 4
On-Failure: continue
One-Way: yes
Revises: sha256:3333333333333333333333333333333333333333333333333333333333333333
Fresh: run

Migration: a:last
File: 0020-a:last
Digest: sha256:4444444444444444444444444444444444444444444444444444444444444444
Since: 2.0
After: z
Before: m:other
Requires: z:first m:old
Packages: a-server
Supersedes: a:old
`

// TestFlippedPrevious changes each byte of a previous manifest, by one bit
// and by what commonly happens to text. Either it is refused, naming the
// file, or it reads as a manifest that says what its text says: writing it
// gives the same fields again. A build with it must not panic, and what it
// builds must be a valid manifest.
func TestFlippedPrevious(t *testing.T) {
	refused, taken := 0, 0
	for at := 0; at < len(flipped); at++ {
		for _, b := range []byte{flipped[at] ^ 1, flipped[at] ^ 0x20, flipped[at] ^ 0x80, 0, '\n', ' ', ':'} {
			data := []byte(flipped)
			data[at] = b
			m, err := bundle.ParseManifest("previous", data)
			if err != nil {
				if !bytes.HasPrefix([]byte(err.Error()), []byte("previous:")) {
					t.Fatalf("byte %d as %q: the error names no file: %v", at, b, err)
				}
				refused++
				continue
			}
			taken++
			again, err := bundle.ParseManifest("previous", m.Bytes())
			if err != nil || !reflect.DeepEqual(m, again) {
				t.Fatalf("byte %d as %q: writing and parsing differ: %v", at, b, err)
			}
			buildOn(t, m, data)
		}
	}
	t.Logf("%d refused, %d taken", refused, taken)
}

// buildOn makes the next release behind m.
func buildOn(t *testing.T, m *bundle.Manifest, data []byte) {
	t.Helper()
	in := &input{previous: []*previous{{"previous", m, bundle.Sum(data)}}}
	for _, c := range [][3]string{
		{"z", "first", "#!/bin/sh\n### BEGIN MIGRATION INFO\n# Revises: sha256:2222222222222222222222222222222222222222222222222222222222222222\n# Fresh: run\n### END MIGRATION INFO\n"},
		{"a", "new", "#!/bin/sh\n### BEGIN MIGRATION INFO\n# Supersedes: a:last\n# After: z:first\n### END MIGRATION INFO\n"},
	} {
		one, err := newCandidate(c[0], c[1], "s", nil, []byte(c[2]))
		if err != nil {
			t.Fatal(err)
		}
		in.candidates = append(in.candidates, one)
	}
	sortCandidates(in.candidates)
	made, _, errs := makeManifest(&Options{Release: "3.0"}, in)
	if made == nil && len(errs) == 0 {
		t.Fatalf("neither a manifest nor a fault behind\n%s", data)
	}
}
