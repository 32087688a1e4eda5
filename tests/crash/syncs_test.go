// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

package crash

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"meta-migration/internal/bundle"
	"meta-migration/tests/crash/ptrace"
)

// TestSyncsOfTheRunner checks what a kill cannot show: that each change of the
// state is on the medium before the next event is written, before a script
// starts, and before the runner ends; that a file is so before it gets its
// name; and that what a script wrote is synced before its end is recorded.
func TestSyncsOfTheRunner(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) { syncsOf(t, s) })
	}
	t.Run("compacting", func(t *testing.T) {
		newSweep(t, scenarios[0]) // skips where nothing can run
		planted = changed(t, map[string]map[string]string{"target/migrate-runner/device.go": {
			"const compactAbove = 128 << 10": "const compactAbove = 1", "if len(data) > log.End/2 {": "if false {",
		}})
		defer func() { planted = "" }()
		syncsOf(t, scenario{"compacting", func(t testing.TB, root string) {
			one.install(t, root)
			boot(t, root, 0)
			squashed.install(t, root)
		}, 0})
	})
}

func syncsOf(t *testing.T, s scenario) {
	w := newSweep(t, s)
	root := clone(t, w.before)
	state := root + bundle.StateDir
	dirty := map[string]string{} // path -> the call that made it so
	var story []string
	ran := false // a script has, since the last syncfs
	clean := func(what string) {
		for path, how := range dirty {
			t.Errorf("at %s: %s by %s is not synced\n%s", what, path, how, strings.Join(story, "\n"))
			delete(dirty, path)
		}
	}
	c := w.traced(t, root)
	c.Seen = func(_ int, call ptrace.Call) {
		if call.Name == "execve" && len(story) > 0 {
			clean("the start of a script")
			ran = true
			return
		}
		if !ofRunner(call) {
			return
		}
		at := func(arg int) string {
			path, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", call.Task, int32(call.Args[arg])))
			rel, in := strings.CutPrefix(path, state)
			// Saves have tests of their own; logs are for people.
			for _, other := range []string{"/saved", "/log", "/script", "/state", "/lock"} {
				in = in && !strings.HasPrefix(rel, other)
			}
			if !in {
				return ""
			}
			return "state" + rel
		}
		path := at(0)
		story = append(story, call.Name+" "+path)
		switch call.Name {
		case "pwrite64", "write":
			if path == "state/ledger" {
				delete(dirty, path) // zero bytes ahead, then the line
				clean("an event")
				if ran {
					t.Errorf("an end is recorded before what the script wrote is synced\n%s", strings.Join(story, "\n"))
				}
			}
			if path != "" {
				dirty[path] = call.Name
			}
		case "mkdirat", "unlinkat":
			if path != "" {
				dirty[path] = call.Name
			}
		case "openat":
			if path != "" && call.Args[2]&syscall.O_CREAT != 0 {
				dirty[path] = call.Name
			}
		case "renameat", "renameat2":
			if path != "" {
				delete(dirty, path) // where the new file was made
				clean("a rename")
				dirty[path] = call.Name
			}
		case "fsync", "fdatasync":
			delete(dirty, path)
		case "syncfs":
			ran = false
		case "exit_group":
			clean("the end")
		}
	}
	_, err := ptrace.Run(c, ptrace.Plan{})
	must(t, err)
	if len(story) == 0 {
		t.Error("no call of the runner was seen")
	}
}
