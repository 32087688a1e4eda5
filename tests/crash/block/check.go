// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package block

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"meta-migration/internal/bundle"
	"meta-migration/tests/crash"
)

// A bench is where disks are mounted and looked at: one for each thread.
type bench struct {
	t      testing.TB // only to hand it on: it must not fail here
	image  string
	point  string
	runner string
}

func newBench(t testing.TB, dir, runner string) (*bench, error) {
	b := &bench{catcher{t}, filepath.Join(dir, "image"), filepath.Join(dir, "mnt"), runner}
	return b, os.Mkdir(b.point, 0o755)
}

// A catcher turns the end of a test into a panic, which a bench turns into a
// finding: the test goes on with the next disk, and ends in its goroutine.
type catcher struct{ testing.TB }

type caught string

func (c catcher) Fatal(args ...any)            { panic(caught(fmt.Sprint(args...))) }
func (c catcher) Fatalf(f string, args ...any) { panic(caught(fmt.Sprintf(f, args...))) }

// with mounts the disk for as long as look runs.
func (b *bench) with(disk *base, writes []write, look func() error) (err error) {
	if err := disk.writeFile(b.image, writes); err != nil {
		return err
	}
	if err := mountImage(b.image, b.point); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			text, ok := p.(caught)
			if !ok {
				panic(p)
			}
			err = violation(string(text))
		}
		if e := unmount(b.point); e != nil && err == nil {
			err = fmt.Errorf("unmounting the image: %w", e)
		}
	}()
	return look()
}

// A violation is a finding; any other error is the test's own trouble.
type violation string

func (v violation) Error() string { return string(v) }

// isViolation tells a finding from the test's own trouble.
func isViolation(err error) bool {
	var v violation
	return errors.As(err, &v)
}

func (b *bench) run() (exit int, output string) {
	limit, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(limit, b.runner, "run", "--root", b.point)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		return -1, err.Error()
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// calm runs the disk undisturbed.
func (b *bench) calm(d *disk) error {
	return b.with(d.base, nil, func() (err error) {
		before := crash.See(b.t, b.point)
		if exit, out := b.run(); exit != d.scenario.Exit {
			return fmt.Errorf("running %s undisturbed: exit %d, want %d\n%s", d.name, exit, d.scenario.Exit, out)
		}
		d.expect, err = crash.Expect(d.scenario, before, crash.See(b.t, b.point))
		return err
	})
}

// A sight is what was met on a disk, to show what a sweep has covered.
type sight struct{ open, torn, saved bool }

// check mounts the disk in a state, looks at it, and lets the runner end what
// it finds there. The error is a violation, or the test's own trouble.
func (b *bench) check(d *disk, s *state) (seen sight, err error) {
	err = b.with(d.base, s.writes, func() error {
		log, found, wrong := d.expect.Found(crash.See(b.t, b.point), s.claimed)
		if wrong != "" {
			return violation(wrong)
		}
		seen.open, seen.torn = found.Open != nil || found.Fallback != nil, log.Torn
		saves, _ := os.ReadDir(b.point + bundle.StateDir + "/saved")
		seen.saved = len(saves) > 0
		exit, output := b.run()
		if wrong := d.expect.Ran(found, exit, output, crash.See(b.t, b.point)); wrong != "" {
			return violation(wrong)
		}
		return nil
	})
	var refused *mountError
	if errors.As(err, &refused) {
		err = violation(refused.Error())
	}
	return seen, err
}
