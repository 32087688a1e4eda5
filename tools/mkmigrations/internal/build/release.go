// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"fmt"
	"strings"

	"meta-migration/internal/bundle"
)

// nextRelease is the release of what is new: the one that is built, or, for
// a lint that is told none, one behind all that are known.
func nextRelease(release string, all []*previous) string {
	if release != "" {
		return release
	}
	latest := ""
	for _, p := range all {
		if bundle.CompareReleases(p.manifest.Release, latest) > 0 {
			latest = p.manifest.Release
		}
	}
	// In the version format "1.0^next" follows "1.0" and precedes "1.0.1".
	return strings.TrimPrefix(latest+"^next", "^")
}

// setSince finds the release of each kept candidate. What earlier manifests
// say wins over what is written: a release is a fact, not an opinion.
func (p *plan) setSince() {
	for _, c := range p.kept {
		p.since[c.ID] = p.release
		known := p.history.records[c.ID]
		if known != nil {
			p.since[c.ID] = known.since
		}
		p.checkWritten(c, known)
	}
}

func (p *plan) checkWritten(c *Candidate, known *record) {
	written := c.header().Since
	if written == "" || p.o.Release == "" {
		return
	}
	order := bundle.CompareReleases(written, p.o.Release)
	switch {
	case order > 0:
		p.errorf(c.File, "leave Since out: the build knows it", "Since: %s is later than this release, %s", written, p.o.Release)
	case known != nil && bundle.CompareReleases(written, known.since) != 0:
		p.warnf(c.File, "leave Since out: the build knows it",
			"Since: %s is written, but the previous manifests say %s, which is taken", written, known.since)
	case known == nil && order < 0:
		p.warnf(c.File, "leave Since out, or give the manifest of that release with --previous",
			"Since: %s is written, but no previous manifest knows %q; this release, %s, is taken", written, c.ID, p.o.Release)
	}
}

// retire takes out what every device has that may upgrade to this release.
func (p *plan) retire() {
	wrong := p.o.Release == "" || bundle.CompareReleases(p.o.MinFrom, p.o.Release) > 0
	for _, c := range p.kept {
		if !p.isRetired(p.since[c.ID], c.header().Fresh) {
			continue
		}
		p.retired[c.ID] = true
		if !wrong && !p.history.released(c.ID) {
			p.warnf(c.File, "", "%q is new and retired at once: --min-from %s is not earlier than this release", c.ID, p.o.MinFrom)
		}
	}
	p.keep(func(c *Candidate) bool { return !p.retired[c.ID] })
}

// isRetired is the rule. One that also runs on fresh devices stays, for those
// have no earlier release to have run it.
func (p *plan) isRetired(since string, fresh bundle.Fresh) bool {
	return p.o.MinFrom != "" && fresh != bundle.RunFresh && bundle.CompareReleases(since, p.o.MinFrom) <= 0
}

// checkVanished reports released migrations that no package has any more, for
// no reason that is stated. found are those that were in the image.
func (p *plan) checkVanished(found map[bundle.ID]bool) {
	if p.in.incomplete || p.o.partial() {
		return
	}
	for _, id := range p.history.ids {
		r := p.history.records[id]
		if found[id] || p.dropped[id] || p.blamed[id] || p.by[id] != "" || r.last.in == nil {
			continue
		}
		if p.isRetired(r.since, r.last.in.Fresh) || p.out[id] != nil || !p.image.hasBase(id.Recipe(), r.last.in.Packages) {
			continue
		}
		p.errorf("", fmt.Sprintf("bring it back, name it in Supersedes of the migration that replaces it, or give --drop %s", id),
			"%q of release %s vanished: it is in the manifest of release %s, and nothing has it now", id, r.since, r.last.release)
	}
}

// checkChanged reports released migrations whose text is another one now and
// does not say so.
func (p *plan) checkChanged() {
	for _, c := range p.kept {
		known := p.history.records[c.ID]
		if known == nil || c.Script == nil {
			continue
		}
		p.checkDigest(c, known)
	}
}

func (p *plan) checkDigest(c *Candidate, known *record) {
	revised := map[bundle.Digest]bool{}
	var all []string
	for _, d := range c.header().Revises {
		revised[d] = true
		all = append(all, string(d))
	}
	release := ""
	for _, s := range known.stated {
		switch {
		case s.gone.Digest == c.Script.Digest:
			return
		case !revised[s.gone.Digest]:
			revised[s.gone.Digest] = true
			all = append(all, string(s.gone.Digest))
			release = s.release
		}
	}
	if release == "" {
		return
	}
	p.errorf(c.File, fmt.Sprintf("devices that ran it will not run it again: give the new text a new name, or state `Revises: %s`", strings.Join(all, " ")),
		"%q changed since release %s", c.ID, release)
}
