// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"meta-migration/internal/bundle"
)

func exampleTree() []file {
	m := &bundle.Manifest{Release: "1.0", Library: bundle.Sum(nil)}
	var scripts [][]byte
	for i := 0; i < 1000; i++ {
		one := bundle.Migration{ID: bundle.ID(fmt.Sprintf("a+b:m-%d", i)), Digest: bundle.Sum(nil)}
		one.File = bundle.FileName(i, 1000, one.ID)
		m.Migrations, scripts = append(m.Migrations, one), append(scripts, nil)
	}
	return makeTree(m, scripts, nil)
}

func TestBelongs(t *testing.T) {
	tree := exampleTree()
	for _, f := range tree {
		if !belongs(f.path, false) || belongs(f.path, true) {
			t.Errorf("%q must belong, as a file only", f.path)
		}
	}
	for _, dir := range dirsOf(tree) {
		if !belongs(dir, true) || belongs(dir, false) {
			t.Errorf("%q must belong, as a directory only", dir)
		}
	}
	for _, foreign := range []string{
		"etc/passwd", "home", "usr/bin", "etc/migration.d/notes", "etc/migration.d/010-a:b", "etc/migration.d/0010-a",
		"etc/migration.d/x0010-a:b", "usr/lib/migration/other", "usr/lib/systemd/system/migrate-runner.service",
		"usr/lib/migration/bundle.d/0010-a:b/c", "etc/migration.d/0010-A:b", "et", "etc/migration", "manifest", "x", "etc/migration.d/x",
	} {
		if belongs(foreign, true) || belongs(foreign, false) {
			t.Errorf("%q must not belong", foreign)
		}
	}
}

// TestSwapByRename holds the way for file systems that cannot exchange names.
func TestSwapByRename(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"stage/new", "out/old"} {
		if err := os.MkdirAll(at(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := swapByRename(at("stage"), at("out")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"out/new", "stage/old"} {
		if _, err := os.Stat(at(name)); err != nil {
			t.Error(err)
		}
	}
	// The second step fails: the first is undone.
	if err := swapByRename(at("missing"), at("out")); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(at("out/new")); err != nil {
		t.Errorf("not undone: %v", err)
	}
	if names, err := filepath.Glob(at("*")); err != nil || len(names) != 2 {
		t.Errorf("left over: %q, %v", names, err)
	}
}

// TestWriteTreeCancelled: at whatever file it is stopped, nothing is left.
func TestWriteTreeCancelled(t *testing.T) {
	tree := exampleTree()[:12]
	for _, after := range []int{0, 1, 5, 13, 20, 25} {
		dir := t.TempDir()
		ctx := &countdown{Context: context.Background(), left: int64(after)}
		_, err := writeTree(ctx, filepath.Join(dir, "out"), tree, time.Unix(0, 0))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after %d: %v", after, err)
		}
		if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
			t.Errorf("after %d: left over %v, %v", after, names, err)
		}
	}
}

// A countdown is cancelled when it was asked for the left-th time.
type countdown struct {
	context.Context
	left int64
}

func (c *countdown) Err() error {
	if atomic.AddInt64(&c.left, -1) < 0 {
		return context.Canceled
	}
	return nil
}

func TestParseEpoch(t *testing.T) {
	for value, want := range map[string]int64{"0": 0, "1700000000": 1700000000, "007": 7, "253402300799": maxEpoch} {
		if at, err := ParseEpoch(value); err != nil || at.Unix() != want {
			t.Errorf("%q: %v, %v", value, at, err)
		}
	}
	for _, value := range []string{"", " 1", "1 ", "+1", "-1", "-0", "1.5", "1e9", "0x10", "1_000", "253402300800", strings.Repeat("9", 40), "now"} {
		if at, err := ParseEpoch(value); err == nil {
			t.Errorf("%q gives %v", value, at)
		}
	}
}
