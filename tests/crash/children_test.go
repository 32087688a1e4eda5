// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux

package crash

import (
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// maxMemory is what a runner may need at most, whatever its script does. An
// idle one has 2 to 3 MB.
const maxMemory = 16 << 20

// A misbehaviour is a script that does not do its work and end, and what is
// to come of it.
type misbehaviour struct {
	name    string
	header  string
	script  string
	kind    ledger.Kind
	timeout when // recorded as the reason
	seconds int  // how long it may take in all
}

// when says whether something is to be seen.
type when int

const (
	never when = iota
	always
	either
)

// spoil is what each script does first. Where it fails, nothing of it must be
// left when the runner has ended.
const spoil = "echo spoilt >/data/kept/file; echo made >/data/kept/made\n"

var misbehaviours = []misbehaviour{
	{"daemon", "", `(setsid sh -c 'while :; do echo on >>/data/kept/log; sleep 0.05; done' </dev/null >/dev/null 2>&1 &)`, ledger.Applied, never, 20},
	{"daemon that ignores TERM", "", `(setsid sh -c 'trap "" TERM HUP; while :; do sleep 1; done' </dev/null >/dev/null 2>&1 &)`, ledger.Applied, never, 20},
	{"daemon that holds the output", "", `(setsid sh -c '(setsid sleep 300 &)' &)`, ledger.Applied, never, 20},
	{"daemon that stops itself", "", `(setsid sh -c 'kill -STOP $$; sleep 300' &)`, ledger.Applied, never, 20},
	{"closes its descriptors", "", `exec 0<&- 1>&- 2>&- 3>&-; sleep 0.2`, ledger.Applied, never, 20},
	{"closes its descriptors and hangs", "Timeout: 1", `exec 0<&- 1>&- 2>&- 3>&-; while :; do sleep 0.1; done`, ledger.Failed, always, 20},
	{"reads its input", "Timeout: 5", `if read -r line; then exit 1; fi`, ledger.Applied, never, 20},
	{"floods", "Timeout: 1", `yes & yes >&2`, ledger.Failed, always, 20},
	{"one line without an end", "Timeout: 1", `yes | tr -d '\n'`, ledger.Failed, always, 20},
	{"writes 1 GiB", "Timeout: 300", `yes | head -c 16777216 >/data/big; i=0; while [ $i -lt 64 ]; do cat /data/big; i=$((i + 1)); done`, ledger.Applied, never, 200},
	{"never reads", "Timeout: 1", `yes | sleep 300`, ledger.Failed, always, 20},
	{"ignores TERM", "Timeout: 1", `trap '' TERM; while :; do sleep 0.1; done`, ledger.Failed, always, 25},
	{"stops itself", "Timeout: 1", `kill -STOP $$`, ledger.Failed, always, 20},
	{"stops itself and ignores TERM", "Timeout: 1", `trap '' TERM; while :; do kill -STOP $$; done`, ledger.Failed, always, 25},
	{"its first thread ends", "", `(setsid threads &) ; sleep 0.5`, ledger.Applied, never, 20},
	{"many children", "Timeout: 30", `i=0; while [ $i -lt 100 ]; do sleep 300 & i=$((i + 1)); done`, ledger.Applied, never, 30},
}

// Fork bombs end by their Timeout, or when the shell that set them off cannot
// fork itself. None of their processes is left.
var bombs = []misbehaviour{
	{"fork bomb", "Timeout: 1", `bomb() { bomb & bomb & wait; }; bomb; sleep 300; exit 9`, ledger.Failed, either, 40},
	{"fork bomb that ignores TERM", "Timeout: 1", `trap '' TERM; bomb() { bomb & bomb & wait; }; bomb; sleep 300; exit 9`, ledger.Failed, either, 40},
	{"fork bomb behind an end", "", `trap '' TERM; bomb() { bomb & bomb & bomb & wait; }; bomb & sleep 0.3`, ledger.Applied, never, 40},
	{"fork bomb of sessions", "Timeout: 1", `trap '' TERM; echo 'setsid sh /data/bomb & setsid sh /data/bomb & wait' >/data/bomb; sh /data/bomb; sleep 300; exit 9`, ledger.Failed, either, 40},
	{"moving target", "Timeout: 1", `trap '' TERM; run() { run & exit; }; run & sleep 300; exit 9`, ledger.Failed, either, 40},
}

func (m *misbehaviour) image() *image {
	header := "Paths: /data/kept"
	if m.header != "" {
		header += "\n" + m.header
	}
	return &image{release: "1.0", snippets: []snippet{{"zulu:hostile", header, spoil + m.script}}}
}

// TestHostileScripts: whatever a script does, the runner ends in time, needs
// little memory, leaves no process behind, and records what happened.
func TestHostileScripts(t *testing.T) {
	c := newCage(t, 400)
	t.Cleanup(func() {
		if seen.Load() == 0 {
			t.Error("the memory of no runner was seen")
		}
	})
	// Most of them wait: side by side they take a part of the time. Bombs do
	// not leave each other room.
	t.Run("together", func(t *testing.T) {
		for _, m := range misbehaviours {
			m := m
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				m.try(t, c)
			})
		}
	})
	for _, m := range bombs {
		t.Run(m.name, func(t *testing.T) { m.try(t, c) })
	}
}

// threads builds a process that looks like a zombie and is none.
func threads(t *testing.T, path string) {
	cmd := exec.Command("go", "build", "-o", path, "./testdata/threads")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// seen is the memory that some runner was seen to need.
var seen atomic.Int64

func (m *misbehaviour) try(t *testing.T, c *cage) {
	root := newRoot(t)
	for _, name := range []string{"setsid", "sleep", "yes", "head", "tr"} {
		must(t, os.Symlink("busybox", root+"/bin/"+name))
	}
	if strings.Contains(m.script, "threads") {
		threads(t, root+"/bin/threads")
	}
	content(t, root)
	m.image().install(t, root)
	before := picture(t, root)
	r := c.run(t, command(t, root), nil, time.Duration(m.seconds)*time.Second*3)
	t.Logf("%.1f s, %.1f MB", r.elapsed.Seconds(), float64(r.memory)/1e6)
	if r.memory > 0 {
		seen.Store(r.memory)
	}
	if r.left != 0 {
		t.Errorf("%d processes are left", r.left)
	}
	if r.memory > maxMemory {
		t.Errorf("it needs %d bytes of memory", r.memory)
	}
	if limit := time.Duration(m.seconds) * time.Second; r.elapsed > limit {
		t.Errorf("it takes %v, may take %v", r.elapsed, limit)
	}
	m.judge(t, root, before, r)
}

// judge looks at the record and at the data.
func (m *misbehaviour) judge(t *testing.T, root, before string, r caged) {
	t.Helper()
	data, err := os.ReadFile(root + bundle.StateDir + "/ledger")
	must(t, err)
	log, err := ledger.Parse(data)
	must(t, err)
	var end *ledger.Event
	for i := range log.Events {
		if log.Events[i].Kind == m.kind {
			end = &log.Events[i]
		}
	}
	if end == nil || m.timeout != either && end.Timeout != (m.timeout == always) {
		t.Fatalf("the ledger holds %s, want %s (timeout %d)\n%s", strings.TrimRight(string(data), "\x00"), m.kind, m.timeout, r.output)
	}
	want := 3
	if m.kind == ledger.Applied {
		want = 0
	}
	if r.exit != want {
		t.Errorf("it exits with %d, want %d\n%s", r.exit, want, r.output)
	}
	after := picture(t, root)
	if kept := []string{"data/kept"}; (Part(after, kept) == Part(before, kept)) != (m.kind != ledger.Applied) {
		t.Errorf("the data of %s is\n%s", m.kind, Part(after, kept))
	}
	if st, err := os.Stat(root + bundle.StateDir + "/log/zulu:hostile"); err == nil && st.Size() > 64<<10 {
		t.Errorf("its log has %d bytes", st.Size())
	}
}

// TestNobodyReadsTheRunner: where the runner's own messages go nobody may
// read; that must not hold up the boot.
func TestNobodyReadsTheRunner(t *testing.T) {
	c := newCage(t, 400)
	read, write, err := os.Pipe()
	must(t, err)
	defer read.Close()
	defer write.Close()
	m := misbehaviour{"", "Timeout: 2", `yes`, ledger.Failed, always, 20}
	root := newRoot(t)
	must(t, os.Symlink("busybox", root+"/bin/yes"))
	content(t, root)
	m.image().install(t, root)
	before := picture(t, root)
	r := c.run(t, command(t, root), write, time.Minute)
	if r.elapsed > 20*time.Second {
		t.Errorf("it takes %v", r.elapsed)
	}
	m.judge(t, root, before, r)
}
