// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux

package crash

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// traces are all that a touch of any file would change: numbers, sizes, and
// times to the nanosecond.
func traces(t *testing.T, root string) string {
	t.Helper()
	var lines []string
	must(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			return err
		}
		lines = append(lines, fmt.Sprint(strings.TrimPrefix(path, root), st.Ino, st.Mode, st.Nlink, st.Size, st.Mtim, st.Ctim))
		return nil
	}))
	return strings.Join(lines, "\n")
}

// TestLockedOut: while one runner works, the others exit 8 and touch nothing,
// whatever they were told to do.
func TestLockedOut(t *testing.T) {
	b := newBootable(t)
	release("1.0", 1, bundle.Manifest{}).install(t, b.root)
	must(t, os.WriteFile(b.root+"/data/slowly", nil, 0o644))
	first := exec.Command(program(t), "run", "--allow-volatile", "--root", b.root)
	must(t, first.Start())
	defer func() {
		_ = first.Process.Kill()
		_ = first.Wait()
	}()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(b.root + "/data/begun"); err == nil {
			break
		}
	}
	before := traces(t, b.root)
	for _, args := range [][]string{{"run"}, {"retry", "kilo:m1"}, {"forget", "kilo:m1"}, {"baseline"}, {"confirm"}} {
		if out := b.run(program(t), 8, args...); !strings.Contains(out, "another runner is at work") {
			t.Errorf("%v says %s", args, out)
		}
	}
	b.run(program(t), 0, "status")
	b.run(program(t), 3, "require", "kilo:m1")
	if after := traces(t, b.root); after != before {
		t.Errorf("the others have touched\n%s", difference(after, before))
	}
}

// TestManyAtOnce: of many runners that start at the same moment one works; the
// others find it at work, or its work done.
func TestManyAtOnce(t *testing.T) {
	for round := 0; round < 5; round++ {
		b := newBootable(t)
		release("2.0", 2, bundle.Manifest{}).install(t, b.root)
		exits := make(chan int)
		const many = 12
		for i := 0; i < many; i++ {
			go func() {
				exits <- status(exec.Command(program(t), "run", "--allow-volatile", "--root", b.root).Run())
			}()
		}
		seen := map[int]int{}
		for i := 0; i < many; i++ {
			seen[<-exits]++
		}
		if seen[0] == 0 || seen[0]+seen[8] != many {
			t.Errorf("exits: %v", seen)
		}
		b.logged("kilo:m1 kilo:m2")
		log, err := ledger.Parse(b.ledger())
		must(t, err)
		kinds := ""
		for _, e := range log.Events {
			kinds += string(e.Kind) + " "
		}
		if kinds != "started applied started applied completed " {
			t.Errorf("the ledger holds %s", kinds)
		}
	}
}
