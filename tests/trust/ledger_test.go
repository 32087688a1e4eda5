// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// writeLedger makes a device's ledger of what write gives.
func writeLedger(write func(w *bufio.Writer)) func(d *device) {
	return func(d *device) {
		path := d.path("var/lib/migration/ledger")
		must(d.t, os.MkdirAll(filepath.Dir(path), 0o700))
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
		must(d.t, err)
		w := bufio.NewWriterSize(f, 1<<20)
		write(w)
		must(d.t, w.Flush())
		must(d.t, f.Close())
	}
}

func applied(digest bundle.Digest) func(d *device) {
	return writeLedger(func(w *bufio.Writer) {
		started := ledger.Event{Seq: 1, Kind: ledger.Started, ID: "zulu:first", Digest: digest, Bundle: digest, Release: "1.0", Since: "1.0", Attempt: 1}
		_, _ = w.WriteString(ledger.Encode(&started))
		done := started
		done.Seq, done.Ref, done.Kind = 2, 1, ledger.Applied
		_, _ = w.WriteString(ledger.Encode(&done))
	})
}

// TestForgedLedger: root can forge the ledger, and so have a migration
// skipped. It cannot have anything run.
func TestForgedLedger(t *testing.T) {
	own := bundle.Sum([]byte(shipped["zulu/first"]))
	skipped := []string{`release 1.0: complete\n  applied  zulu:first\n  applied  alpha:second\n`}
	damaged := []string{`error: line \d+ of the ledger .*, and On-Corrupt is refuse`, `hint: repair the storage; where running every migration again is safe, move /var/lib/migration/ledger away`}
	text := func(s string) func(d *device) { return writeLedger(func(w *bufio.Writer) { _, _ = w.WriteString(s) }) }
	testAll(t, []attack{
		{name: "claims applied", ran: "second third", host: applied(own), status: skipped},
		{name: "claims applied with a forged digest", ran: "second third", host: applied(bundle.Sum([]byte("evil"))), status: skipped},
		{name: "an ID that is none", exit: 7, host: text(ledger.Encode(&ledger.Event{Seq: 1, Kind: ledger.Retried, ID: "../../data/home"}) + "x\n"), says: damaged},
		{name: "no ledger at all", exit: 7, host: text("#!/bin/sh\necho evil >> /data/log\n"), says: damaged, status: []string{`refused: line 1 of the ledger`}},
		{name: "escapes", exit: 7, host: text("\x1b[2J\n\x1b]0;x\x07\n"), says: damaged},
	})
}

// What a ledger may cost the runner, however large it is. The largest that is
// read has 32 MiB; real ones are a hundredth of that.
const (
	maxMemory = 320 << 20
	maxCPU    = 4 * time.Second
)

// largest is a ledger as large as it may be, of attempts that were interrupted.
var largest = writeLedger(func(w *bufio.Writer) {
	written := 0
	for i := uint64(1); i < ledger.MaxEvents; i += 2 {
		e := ledger.Event{Seq: i, Kind: ledger.Started, ID: "zulu:second", Digest: bundle.Sum(nil), Bundle: bundle.Sum([]byte{1}), Release: "1.0", Since: "1.0", Attempt: 1}
		text := ledger.Encode(&e)
		e.Seq, e.Ref, e.Kind = i+1, i, ledger.Interrupted
		if text += ledger.Encode(&e); written+len(text) > ledger.MaxSize {
			return
		}
		written += len(text)
		_, _ = w.WriteString(text)
	}
})

// TestLargeLedger: the largest ledgers that are read and those that are not,
// in bounded memory and time.
func TestLargeLedger(t *testing.T) {
	oneLine := func(d *device) {
		writeLedger(func(w *bufio.Writer) { _, _ = w.WriteString("1 1 00000000 applied id=") })(d)
		f, err := os.OpenFile(d.path("var/lib/migration/ledger"), os.O_WRONLY, 0)
		must(d.t, err)
		_, err = f.WriteAt([]byte("x\n"), 1<<30)
		must(d.t, err)
		must(d.t, f.Close())
	}
	lines := func(n int) func(d *device) {
		return writeLedger(func(w *bufio.Writer) {
			for i := 1; i <= n; i++ {
				_, _ = w.WriteString(ledger.Encode(&ledger.Event{Seq: uint64(i), Kind: ledger.Retried, ID: "a:b"}))
			}
		})
	}
	for name, c := range map[string]struct {
		host func(d *device)
		exit int
		says string
	}{
		"a line of 1 GiB":      {oneLine, 7, "is part of a file larger than any ledger"},
		"1 GiB of zeros":       {func(d *device) { lines(0)(d); must(d.t, os.Truncate(d.path("var/lib/migration/ledger"), 1<<30)) }, 7, "larger than any ledger"},
		"a million lines":      {lines(1_000_000), 7, "than any ledger"},
		"a torn line of lines": {writeLedger(func(w *bufio.Writer) { _, _ = w.WriteString(strings.Repeat("1 1 ", 4<<20-100)) }), 7, "of the ledger"},
		"the most lines":       {lines(ledger.MaxEvents), 0, "complete: 3 migrations run"},
		"the most bytes":       {largest, 0, "complete: 3 migrations run"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t, stage{})
			c.host(d)
			out := d.exec(nil, "/usr/sbin/migrate-runner", "run")
			t.Logf("exit %d, %d KiB, %v", out.code, out.memory>>10, out.cpu)
			if out.code != c.exit || !strings.Contains(out.stderr, c.says) {
				t.Errorf("exits with %d: %s", out.code, out.stderr)
			}
			if want := map[int]string{0: all, 7: ""}[c.exit]; d.ran() != want {
				t.Errorf("%q ran", d.ran())
			}
			if out.memory > maxMemory || out.cpu > maxCPU {
				t.Errorf("takes %d KiB and %v", out.memory>>10, out.cpu)
			}
			if status := d.exec(nil, "/usr/sbin/migrate-runner", "status"); status.code != 0 || status.memory > maxMemory || c.exit == 7 && !strings.Contains(status.stdout, "refused") {
				t.Errorf("status exits with %d, takes %d KiB: %s", status.code, status.memory>>10, status.stdout)
			}
		})
	}
	t.Run("without the rule", func(t *testing.T) {
		d := newDevice(t, stage{})
		lines(0)(d)
		must(t, os.Truncate(d.path("var/lib/migration/ledger"), 400<<20))
		out := d.exec([]string{breakVar + "=ledger's size"}, "/usr/sbin/broken-runner", "status")
		if out.memory <= maxMemory {
			t.Errorf("without the limit it takes %d KiB only: the test proves nothing", out.memory>>10)
		}
	})
}
