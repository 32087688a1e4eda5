// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"sort"

	"meta-migration/internal/bundle"
)

// A previous is the manifest of an earlier release.
type previous struct {
	file     string
	manifest *bundle.Manifest
	digest   bundle.Digest
}

func readPrevious(file string) (*previous, error) {
	data, err := readSmall(file, maxManifest)
	if err != nil {
		return nil, err
	}
	m, err := bundle.ParseManifest(file, data)
	if err != nil {
		return nil, err
	}
	return &previous{file, m, bundle.Sum(data)}, nil
}

// A statement is what one manifest says of a migration.
type statement struct {
	release string
	gone    bundle.Gone       // ID, Since, Digest, Supersedes
	in      *bundle.Migration // nil where the manifest says that it is gone
}

// A record is what all previous manifests say of a migration.
type record struct {
	since  string      // the latest that is stated
	stated []statement // oldest release first
	// last is the statement of the latest release that is not later than the
	// one being built, nil where only later releases know it.
	last *statement
}

// A history holds the records of all migrations that a manifest states.
type history struct {
	records map[bundle.ID]*record
	ids     []bundle.ID // those that have a last statement, sorted
}

// newHistory joins the manifests. They may be of several branches. release is
// that of the build, "" where it is unknown; then no manifest is later.
func newHistory(all []*previous, release string) *history {
	all = append([]*previous(nil), all...)
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if c := bundle.CompareReleases(a.manifest.Release, b.manifest.Release); c != 0 {
			return c < 0
		}
		// Only to make the result independent of the options' order.
		return a.digest < b.digest
	})
	h := &history{records: map[bundle.ID]*record{}}
	for _, p := range all {
		earlier := release == "" || bundle.CompareReleases(p.manifest.Release, release) <= 0
		for i := range p.manifest.Migrations {
			one := &p.manifest.Migrations[i]
			line := bundle.Gone{ID: one.ID, Since: one.Since, Digest: one.Digest, Supersedes: one.Supersedes}
			h.add(statement{p.manifest.Release, line, one}, earlier)
		}
		for _, line := range p.manifest.Gone {
			h.add(statement{p.manifest.Release, line, nil}, earlier)
		}
	}
	for id, r := range h.records {
		if r.last != nil {
			h.ids = append(h.ids, id)
		}
	}
	sort.Slice(h.ids, func(i, j int) bool { return h.ids[i] < h.ids[j] })
	return h
}

func (h *history) add(s statement, earlier bool) {
	r := h.records[s.gone.ID]
	if r == nil {
		r = &record{}
		h.records[s.gone.ID] = r
	}
	if r.since == "" || bundle.CompareReleases(r.since, s.gone.Since) <= 0 {
		r.since = s.gone.Since
	}
	r.stated = append(r.stated, s)
	if !earlier {
		return
	}
	// Two manifests of one release, say of two images: what one of them still
	// has may not vanish, whichever is read last.
	if r.last != nil && r.last.in != nil && s.in == nil && bundle.CompareReleases(r.last.release, s.release) == 0 {
		return
	}
	r.last = &s
}

// released says whether an earlier manifest names id.
func (h *history) released(id bundle.ID) bool {
	r := h.records[id]
	return r != nil && r.last != nil
}

// line is the Gone line of a migration that is released.
func (h *history) line(id bundle.ID) bundle.Gone {
	r := h.records[id]
	line := r.last.gone
	line.Since = r.since
	return line
}

// checkReleases reports manifests of later releases than the one being built,
// unless an earlier one shows that this is a branch.
func checkReleases(all []*previous, release string, r *report) {
	var later []*previous
	for _, p := range all {
		if bundle.CompareReleases(p.manifest.Release, release) > 0 {
			later = append(later, p)
		}
	}
	if release == "" || len(later) < len(all) {
		return
	}
	for _, p := range later {
		r.errorf(p.file, "for a branch give the manifest of the release that it left, too",
			"is of release %s, later than --release %s", p.manifest.Release, release)
	}
}
