// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package crash

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// newerPieces make a runner of a later version: it writes events of a kind,
// and a key, that the present one does not know.
func newerPieces() map[string]map[string]string {
	return map[string]map[string]string{
		"target/migrate-runner/ledger/event.go": {
			`	Completed   Kind = "completed"`:          "	Completed   Kind = \"completed\"\n	Noted Kind = \"noted\"\n	Rekeyed Kind = \"rekeyed\"",
			"	Confirmed, Completed, Compacted, Fresh,": "	Confirmed, Completed, Compacted, Fresh, Noted, Rekeyed,",
			"	Reason  string // one line for people":   "	Reason  string\n	Extra string",
		},
		"target/migrate-runner/ledger/line.go": {
			`	{"reason", func`: `	{"extra", func(e *Event) string { return e.Extra }, func(e *Event, v string) bool { e.Extra = v; return true }},
	{"reason", func`,
		},
		"target/migrate-runner/engine/run.go": {
			"	ended, err := r.record(e)\n": "	e.Extra = \"said by a newer one\"\n	ended, err := r.record(e)\n" +
				"	if err == nil {\n		_, err = r.record(ledger.Event{Kind: ledger.Noted, ID: e.ID, Extra: \"noted too\"})\n	}\n",
		},
	}
}

// rekeyingPieces make one that goes further: a critical event, and then lines
// of another version.
func rekeyingPieces() map[string]map[string]string {
	files := newerPieces()
	line := files["target/migrate-runner/ledger/line.go"]
	line[`	head := version + " " + strconv.FormatUint(e.Seq, 10) + " "`] = `	head := version
	if e.Kind != Rekeyed {
		head = "2"
	}
	head += " " + strconv.FormatUint(e.Seq, 10) + " "`
	line[`	if parts[0] != version || !readUint`] = `	if parts[0] != version && parts[0] != "2" || !readUint`
	files["target/migrate-runner/engine/run.go"]["	if r.State.Critical == nil {\n"] =
		"	if _, err := r.record(ledger.Event{Kind: ledger.Rekeyed, Critical: true}); err != nil {\n		return 0, err\n	}\n	if r.State.Critical == nil {\n"
	return files
}

// A bootable is a device that several builds of the runner work on.
type bootable struct {
	t    *testing.T
	root string
}

func (b *bootable) run(program string, exit int, args ...string) string {
	b.t.Helper()
	if len(args) == 0 {
		args = []string{"run"}
	}
	args = append(args, "--root", b.root)
	if args[0] != "require" && args[0] != "status" {
		args = append(args, "--allow-volatile")
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	if got := status(err); got != exit {
		b.t.Fatalf("%s %v exits with %d, want %d\n%s", filepath.Base(filepath.Dir(program)), args, got, exit, out)
	}
	return string(out)
}

// cut kills the runner when its script has begun.
func (b *bootable) cut(program string) {
	b.t.Helper()
	begun := filepath.Join(b.root, "data/begun")
	cmd := exec.Command(program, "run", "--allow-volatile", "--root", b.root)
	must(b.t, cmd.Start())
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(begun); err == nil {
			break
		}
		if time.Now().After(deadline) {
			b.t.Fatal("the script has not begun after a minute")
		}
	}
	must(b.t, cmd.Process.Kill())
	_ = cmd.Wait()
	must(b.t, os.Remove(begun))
}

func (b *bootable) ledger() []byte {
	b.t.Helper()
	data, err := os.ReadFile(b.root + bundle.StateDir + "/ledger")
	must(b.t, err)
	return bytes.TrimRight(data, "\x00")
}

// foreign are the lines that only the newer runner understands wholly.
func (b *bootable) foreign() string {
	var lines []string
	for _, line := range strings.Split(string(b.ledger()), "\n") {
		if strings.Contains(line, " noted") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// slow waits, when it is told to, with its work half done.
const slow = `
echo half >/data/kept/file
if [ -e /data/slowly ]; then touch /data/begun; sleep 60; fi
echo whole >/data/kept/file
echo "$MIGRATION_ID" >>/data/log`

// release is an image with the first n migrations, each of a release of its
// own.
func release(number string, n int, m bundle.Manifest) *image {
	im := &image{release: number, manifest: m}
	for i := 0; i < n; i++ {
		since := string(rune('1'+i)) + ".0"
		im.snippets = append(im.snippets, snippet{bundle.ID("kilo:m" + since[:1]), "Paths: /data/kept\nAttempts: 9\nSince: " + since, slow})
	}
	return im
}

func newBootable(t *testing.T) *bootable {
	if os.Geteuid() != 0 {
		t.Skip("skipping: not root: the scripts run chrooted")
	}
	if busybox() == "" {
		t.Skip("skipping: no static busybox (Debian: busybox-static)")
	}
	b := &bootable{t, newRoot(t)}
	for _, name := range []string{"touch", "sleep"} {
		must(t, os.Symlink("busybox", b.root+"/bin/"+name))
	}
	content(t, b.root)
	return b
}

func (b *bootable) logged(want string) {
	b.t.Helper()
	data, _ := os.ReadFile(b.root + "/data/log")
	if got := strings.Join(strings.Fields(string(data)), " "); got != want {
		b.t.Errorf("what ran is %q, want %q", got, want)
	}
}

// TestNewerRunner lets two builds of the runner work on one device in turn, as
// the two slots of an A/B device do. The older one keeps what it does not know,
// through a compaction, too, and ends what the newer one left open.
func TestNewerRunner(t *testing.T) {
	b := newBootable(t)
	older := changed(t, map[string]map[string]string{"target/migrate-runner/device.go": {
		"const compactAbove = 128 << 10": "const compactAbove = 1",
		"if len(data) > log.End/2 {":     "if false {",
	}})
	newer := changed(t, newerPieces())
	release("1.0", 1, bundle.Manifest{}).install(t, b.root)
	b.run(older, 0)
	release("2.0", 2, bundle.Manifest{}).install(t, b.root)
	b.run(newer, 0)
	foreign := b.foreign()
	if !strings.Contains(foreign, "id=kilo:m2 extra=noted%20too") {
		t.Fatalf("the newer runner wrote\n%s", b.ledger())
	}
	release("1.0", 1, bundle.Manifest{}).install(t, b.root)
	b.run(older, 0)
	b.run(older, 3, "require", "kilo:m2")

	release("3.0", 3, bundle.Manifest{}).install(t, b.root)
	must(t, os.WriteFile(b.root+"/data/slowly", nil, 0o644))
	b.cut(newer)
	must(t, os.Remove(b.root+"/data/slowly"))
	b.run(older, 0)
	b.logged("kilo:m1 kilo:m2 kilo:m2 kilo:m3")
	if !strings.Contains(string(b.ledger()), "interrupted") || !strings.HasPrefix(string(b.ledger()), "1 0 ") {
		t.Errorf("nothing is interrupted, or nothing was compacted\n%s", b.ledger())
	}
	if got := b.foreign(); !strings.HasPrefix(got, foreign) {
		t.Errorf("the newer runner's events were\n%s\nand are\n%s", foreign, got)
	}
	// And on: the newer one reads what the older one made of it.
	release("4.0", 4, bundle.Manifest{}).install(t, b.root)
	b.run(newer, 0)
	b.logged("kilo:m1 kilo:m2 kilo:m2 kilo:m3 kilo:m4")
}

// TestNewerRunnerCritical: behind a critical event the older runner does
// nothing at all, whatever image and command, and the newer one goes on.
func TestNewerRunnerCritical(t *testing.T) {
	b := newBootable(t)
	older, newer := program(t), changed(t, rekeyingPieces())
	release("1.0", 1, bundle.Manifest{}).install(t, b.root)
	b.run(older, 0)
	release("2.0", 2, bundle.Manifest{}).install(t, b.root)
	must(t, os.WriteFile(b.root+"/data/slowly", nil, 0o644))
	b.cut(newer)
	must(t, os.Remove(b.root+"/data/slowly"))

	for _, m := range []bundle.Manifest{{}, {OnCorrupt: bundle.Rerun}, {Keep: bundle.KeepGood}} {
		release("3.0", 3, m).install(t, b.root)
		before, saves := See(t, b.root), len(entries(t, b.root+bundle.StateDir+"/saved"))
		for _, args := range [][]string{{"run"}, {"check"}, {"require", "kilo:m1"}, {"retry", "kilo:m1"}, {"forget", "kilo:m1"}, {"baseline"}, {"confirm"}} {
			if out := b.run(older, 4, args...); !strings.Contains(out, `an event of kind "rekeyed" that this runner does not know`) {
				t.Errorf("%v says %s", args, out)
			}
		}
		if out := b.run(older, 0, "status", "--json"); !strings.Contains(out, `"state":"refused"`) {
			t.Errorf("status is %s", out)
		}
		after := See(t, b.root)
		if before.Data != after.Data || !bytes.Equal(before.Ledger, after.Ledger) || len(entries(t, b.root+bundle.StateDir+"/saved")) != saves {
			t.Error("the older runner has changed something")
		}
	}
	if log, err := ledger.Parse(b.ledger()); err != nil || log.Events[len(log.Events)-1].Kind != "rekeyed" || !log.Torn {
		t.Errorf("the older runner reads %+v, %v", log, err)
	}
	b.run(newer, 0)
	b.logged("kilo:m1 kilo:m2 kilo:m3")
}

func entries(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	all, err := os.ReadDir(dir)
	must(t, err)
	return all
}
