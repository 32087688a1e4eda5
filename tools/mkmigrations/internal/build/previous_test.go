// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"fmt"
	"testing"

	"meta-migration/internal/bundle"
)

// stating makes a manifest of a release that states IDs as `ID since`.
func stating(release string, in, gone []string) *previous {
	m := &bundle.Manifest{Release: release, Library: bundle.Sum(nil)}
	read := func(text string) (id bundle.ID, since string) {
		if _, err := fmt.Sscan(text, &id, &since); err != nil {
			panic(err)
		}
		return id, since
	}
	for _, text := range in {
		id, since := read(text)
		one := bundle.Migration{ID: id, Digest: bundle.Sum([]byte(release))}
		one.Since = since
		m.Migrations = append(m.Migrations, one)
	}
	for _, text := range gone {
		id, since := read(text)
		m.Gone = append(m.Gone, bundle.Gone{ID: id, Since: since, Digest: bundle.Sum([]byte(release))})
	}
	return &previous{"manifest-" + release, m, bundle.Sum(m.Bytes())}
}

// TestHistoryOfOneRelease: of two manifests of one release, which two images
// may have, the one that has a migration decides, whatever their digests and
// order are.
func TestHistoryOfOneRelease(t *testing.T) {
	a := stating("1.0", []string{"one:x 1.0"}, []string{"two:x 1.0"})
	b := stating("1.0", []string{"two:x 1.0"}, []string{"one:x 1.0"})
	for _, all := range [][]*previous{{a, b}, {b, a}} {
		h := newHistory(all, "1.1")
		for _, id := range []bundle.ID{"one:x", "two:x"} {
			if r := h.records[id]; r.last == nil || r.last.in == nil {
				t.Errorf("%s counts as gone: %+v", id, r.last)
			}
		}
	}
	// A later release that has dropped it still decides.
	h := newHistory([]*previous{a, b, stating("1.1", nil, []string{"one:x 1.0"})}, "1.2")
	if h.records["one:x"].last.in != nil {
		t.Error("what 1.1 has dropped is there")
	}
}

// TestHistoryOfBranches: Since is the latest that any manifest states; what a
// migration was is said by the latest one that is not later than the build.
func TestHistoryOfBranches(t *testing.T) {
	all := []*previous{
		stating("2.0", []string{"both:x 2.0", "later:x 2.0"}, []string{"went:x 1.0"}),
		stating("1.1", []string{"both:x 1.1", "went:x 1.0"}, []string{"old:x 0.9"}),
		stating("1.0", []string{"went:x 1.0", "old:x 0.9"}, nil),
	}
	for _, test := range []struct {
		release, id, since, last string // last: release of the manifest that decides, "" for none
		gone                     bool
	}{
		{"1.2", "both:x", "2.0", "1.1", false},
		{"1.2", "later:x", "2.0", "", false},
		{"1.2", "went:x", "1.0", "1.1", false},
		{"1.2", "old:x", "0.9", "1.1", true},
		{"2.1", "both:x", "2.0", "2.0", false},
		{"2.1", "went:x", "1.0", "2.0", true},
		{"1.0", "old:x", "0.9", "1.0", false},
	} {
		h := newHistory(all, test.release)
		r := h.records[bundle.ID(test.id)]
		if r.since != test.since || h.released(bundle.ID(test.id)) != (test.last != "") {
			t.Errorf("%s for %s: since %s, %+v", test.id, test.release, r.since, r.last)
			continue
		}
		if test.last == "" {
			continue
		}
		if r.last.release != test.last || (r.last.in == nil) != test.gone {
			t.Errorf("%s for %s: decided by %s, gone %v", test.id, test.release, r.last.release, r.last.in == nil)
		}
		if line := h.line(bundle.ID(test.id)); line.Since != test.since || line.Digest != bundle.Sum([]byte(test.last)) {
			t.Errorf("%s for %s: Gone line %+v", test.id, test.release, line)
		}
	}
}

func TestNextRelease(t *testing.T) {
	all := []*previous{stating("1.9", nil, nil), stating("1.10", nil, nil)}
	next := nextRelease("", all)
	if bundle.CompareReleases(next, "1.10") <= 0 || bundle.CompareReleases(next, "1.10.1") >= 0 || bundle.CheckRelease(next) != nil {
		t.Errorf("behind 1.10 comes %s", next)
	}
	if bundle.CheckRelease(nextRelease("", nil)) != nil || nextRelease("3", all) != "3" {
		t.Error("without manifests, or with a release, it is another one")
	}
}
