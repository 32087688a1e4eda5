// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import "path/filepath"

const noopTitle = "A boot with nothing to do"

// noop compares a boot on which the bundle is complete with what would tell
// the same in other ways, on a tmpfs.
func (b *bench) noop() (err error) {
	m, err := b.mountTmpfs("noop")
	if err != nil {
		b.skip(noopTitle, err)
		return nil
	}
	defer m.umount()
	d, err := b.newDevice(m.dir, 20, false)
	if err != nil {
		return err
	}
	if _, err := d.runner().run(); err != nil {
		return err
	}
	one := d.boot()
	one.env = append(one.env, "GOMAXPROCS=1")
	busybox := command{args: []string{"/bin/busybox", "true"}, root: d.root, env: deviceEnv}
	ours, alone, peer := d.boot().candidate("runner"), one.candidate("runner, GOMAXPROCS=1"), busybox.candidate("`busybox true`")
	all := []*candidate{ours, alone, peer,
		command{args: []string{"/bin/empty"}, root: d.root, env: deviceEnv}.candidate("an empty Go program"),
		d.shell("read -r a </usr/lib/migration/bundle; read -r b </usr/lib/migration/bundle; [ \"$a\" = \"$b\" ]").candidate("a shell that compares one digest"),
		d.shell("for f in /peer/*; do if [ -x \"$f\" ] && [ -e /none ]; then \"$f\"; fi; done").candidate("as run-postinsts: a shell, `[ -x ]` for 20 scripts"),
		d.shell("for f in /peer/*; do sha256sum \"$f\"; done").candidate("a shell, sha256sum for 20 scripts"),
	}
	if err := interleave(b.pick(400, 60), all...); err != nil {
		return err
	}
	t := b.report.comparison(noopTitle)
	if b.quick {
		// On a busy machine all that has threads waits longer than busybox.
		b.report.compare(t, ours.name, ours.cpu, all[3].name, all[3].cpu, seconds, limits{1.25, 0})
		return b.noopMemory(t, d, busybox)
	}
	b.report.compare(t, ours.name, ours.wall, peer.name, peer.wall, seconds, limits{2.5, 1.9})
	b.report.compare(t, alone.name, alone.wall, peer.name, peer.wall, seconds, limits{2.5, 1.9})
	for _, other := range all[3:] {
		b.report.compare(t, other.name, other.wall, peer.name, peer.wall, seconds, limits{})
	}
	return b.noopMemory(t, d, busybox)
}

func (b *bench) noopMemory(t *table, d *device, busybox command) error {
	for _, c := range []struct {
		name string
		command
		limits
	}{
		{"memory of the runner (peak)", d.boot(), limits{2.5 * (1 << 20), 1.6 * (1 << 20)}},
		{"memory of an empty Go program (peak)", command{args: []string{"/bin/empty"}, root: d.root}, limits{}},
		{"memory of `busybox true` (peak)", busybox, limits{}},
	} {
		var all series
		for range b.pick(20, 5) {
			most, err := c.peak()
			if err != nil {
				return err
			}
			all = append(all, float64(most))
		}
		b.report.figure(t, c.name, all.median(), bytes2, c.limits)
	}
	return nil
}

const coldTitle = "The first start from squashfs"

// cold compares the first start from a squashfs, when nothing of it is in the
// page cache: it is mounted anew for each. The image itself stays in memory,
// so what is measured is unpacking, not a disk.
func (b *bench) cold() error {
	mksquashfs, err := tool("mksquashfs")
	if err != nil {
		b.skip(coldTitle, err)
		return nil
	}
	base, err := b.mountTmpfs("cold")
	if err != nil {
		b.skip(coldTitle, err)
		return nil
	}
	defer base.umount()
	d, err := b.newDevice(base.dir, 20, false)
	if err != nil {
		return err
	}
	if _, err := d.runner().run(); err != nil {
		return err
	}
	for _, compressor := range []string{"xz", "zstd"} {
		m := &mount{dir: filepath.Join(b.dir, "squash"), image: filepath.Join(b.dir, compressor+".squashfs"), kind: "squashfs"}
		make := command{args: []string{mksquashfs, d.root, m.image, "-comp", compressor, "-noappend", "-quiet", "-no-progress", "-e", "proc"}}
		if _, err := make.run(); err != nil {
			return err
		}
		if err := b.coldStarts(m, compressor); err != nil {
			b.skip(coldTitle+", "+compressor, err)
		}
	}
	return nil
}

func (b *bench) coldStarts(m *mount, compressor string) error {
	if err := m.mount(); err != nil {
		return err
	}
	defer m.umount()
	again := func() error {
		if err := m.umount(); err != nil {
			return err
		}
		return m.mount()
	}
	start := func(name string, args ...string) *candidate {
		c := command{args: args, root: m.dir, env: deviceEnv}.candidate(name)
		c.prepare = again
		return c
	}
	runner := start("runner", "/usr/sbin/migrate-runner")
	empty := start("an empty Go program", "/bin/empty")
	busybox := start("`busybox true`", "/bin/busybox", "true")
	if err := interleave(b.pick(30, 7), runner, empty, busybox); err != nil {
		return err
	}
	t := b.report.comparison(coldTitle)
	b.report.compare(t, "runner, "+compressor, runner.wall, empty.name, empty.wall, seconds, limits{})
	b.report.compare(t, "runner, "+compressor, runner.wall, busybox.name, busybox.wall, seconds, limits{})
	return nil
}
