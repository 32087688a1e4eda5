// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"context"
	"time"
)

// Build makes the bundle that o describes and puts it into the directory
// output, replacing what is there as a whole. at is the time of all files.
// The error is [Faults], with all that is wrong with the migrations; or what
// kept the tree from being written; or that of ctx. After any error output is
// as it was.
func Build(ctx context.Context, o Options, output string, at time.Time) (warnings Faults, err error) {
	r := &report{}
	tree, err := prepare(ctx, &o, r)
	if err != nil {
		return nil, err
	}
	warnings, err = r.result()
	if err != nil {
		return warnings, err
	}
	late, err := writeTree(ctx, output, tree, at)
	return append(warnings, late...), err
}

// Lint does all that Build does before writing, for packages, snippets and
// single files. Where o names no release the inputs may be a part of an image
// only: what they lack is no error then.
func Lint(ctx context.Context, o Options) (warnings Faults, err error) {
	r := &report{}
	if _, err := prepare(ctx, &o, r); err != nil {
		return nil, err
	}
	return r.result()
}

// List returns the migrations in packages and snippets, by ID, then by where
// they were found. The error is about what could not be read; a script that
// does not parse is a warning.
func List(ctx context.Context, o Options) (list []*Candidate, warnings Faults, err error) {
	r := &report{}
	in, err := collect(ctx, &o, r)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range in.candidates {
		r.addWarning(c.Err)
	}
	warnings, err = r.result()
	return in.candidates, warnings, err
}

// prepare does all but writing. The tree is of use only while r has no
// errors; the error is that of ctx.
func prepare(ctx context.Context, o *Options, r *report) ([]file, error) {
	o.check(r)
	in, err := collect(ctx, o, r)
	if err != nil {
		return nil, err
	}
	checkLoose(in.loose, r)
	if in.deaf {
		for _, c := range in.candidates {
			r.add(c.Err)
		}
		return nil, checkScripts(ctx, append(in.loose, in.candidates...), in, o.Rootfs, r)
	}
	p, whole := makePlan(o, in, r)
	if err := checkScripts(ctx, append(in.loose, p.kept...), in, o.Rootfs, r); err != nil || !whole {
		return nil, err
	}
	return p.finish(), nil
}

// finish orders the migrations, checks the whole, and makes the tree. It
// returns nil where there is no order.
func (p *plan) finish() []file {
	m := p.manifest()
	p.check(m)
	o := p.arrange(m)
	if o == nil {
		return nil
	}
	p.place(m, o)
	p.overlaps(m, o)
	if len(p.errors) > 0 || p.o.partial() {
		return nil
	}
	// All of its rules are checked with better messages above. What gets
	// past those must still not get to a device.
	if err := m.Check(); err != nil {
		p.add(err)
		return nil
	}
	if size := len(m.Bytes()); size > maxManifest {
		p.errorf("", "retire old migrations by --min-from", "the manifest has %d bytes; at most %d are read", size, maxManifest)
		return nil
	}
	scripts := make([][]byte, len(p.kept))
	for i, c := range p.kept {
		scripts[i] = c.Data
	}
	return makeTree(m, scripts, p.in.library)
}
