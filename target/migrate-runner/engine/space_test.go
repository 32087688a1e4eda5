// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"testing"

	"meta-migration/internal/bundle"
)

// TestSpaceIsAskedFor: for the Paths of all that may run, each alone or, with
// Keep: good, together, beside what is dropped before. It guards devices with
// little space from a refusal for saves that are not made, and others from a
// disk that fills up in the middle. What is refused so leaves the marker.
func TestSpaceIsAskedFor(t *testing.T) {
	d := newSimulated()
	for _, c := range []struct {
		image   string
		scripts map[bundle.ID]string
		asked   string
	}{
		{"1.0: a(paths) b c(paths,#1)", map[bundle.ID]string{"r:c": "fail"}, "[[/data/a] [/data/c]] false []"},
		// a is applied, c has no attempts left.
		{"1.0: a(paths) b c(paths,#1)", nil, ""},
		{"1.1 keep=good: a(paths,@1.0) b(@1.0) d(paths) e(paths)", nil, "[[/data/d] [/data/e]] true []"},
		// Nobody has confirmed 1.1: its saves are dropped by a later release.
		{"1.2 keep=good: a(paths,@1.0) b(@1.0) d(paths,@1.1) e(paths,@1.1) f(paths)", nil, "[[/data/f]] true [7 9]"},
	} {
		d.scripts = c.scripts
		if _, err := d.boot(image(c.image)); err != nil {
			t.Fatal(err)
		}
		if d.asked != c.asked {
			t.Errorf("%s asks for %q, not %q", c.image, d.asked, c.asked)
		}
	}
	marker := d.marker
	d.full = true
	if _, err := d.boot(image("1.3: a(paths,@1.0) g(paths)")); err == nil || d.marker != marker {
		t.Errorf("without space: error %v, marker %q, was %q", err, d.marker, marker)
	}
}

// TestReleaseByHand: the device's release follows the image also where all that
// it brings was recorded by hand: Min-From asks for it.
func TestReleaseByHand(t *testing.T) {
	play(t, `
		image 1: a
		run => a applied, complete 1, exit 0
		image 2: a(@1)
		baseline =>
		device => release 2, a done
		image 1: a
		run => complete 1, exit 0
		device => release 1, a done`)
}
