// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// deviceCommands are the script commands that make devices and images and
// run migrate-runner on them:
//
//	device DIR                       a small rootfs with busybox
//	image DIR RELEASE SNIPPETS [F…]  builds a bundle of the snippets with the flags F and installs it into DIR,
//	                                 as an upgrade does; its manifest is kept as manifest-RELEASE
//	runner CODE [ARG…]               runs migrate-runner ARG… --root dev, which must exit with CODE
//	runner-start / runner-stop SIG CODE   the same in the background, ended by a signal
//	waitfile FILE                    waits until FILE exists
//	state ID WORD                    the state of ID in `status --json` of dev is WORD
//	device-state WORD                the same for the device
//	append-event KIND [KEY=VALUE…]   appends a well-formed event to dev's ledger
//	events WORD…                     the kinds of all events of dev's ledger are exactly WORD…
//	setbytes FILE OFFSET TEXT        overwrites bytes
//	tear FILE N                      cuts the last N lines off a ledger but for some bytes of the first of them
//	tmpfs DIR, smalltmpfs DIR (1 MiB), mountproc DIR         mounts until the script ends
//	digest-of FILE IN                writes FILE's digest into the file IN, where it says @digest@
func deviceCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"device": makeDevice, "image": makeImage, "runner": runRunner, "runner-start": startRunner,
		"runner-stop": stopRunner, "waitfile": waitFile, "state": checkState, "device-state": checkDeviceState,
		"append-event": appendEvent, "events": checkEvents, "setbytes": setBytes,
		"digest-of": digestOf, "tear": tearLedger,
		"tmpfs": mount("tmpfs"), "mountproc": mount("proc"),
		"smalltmpfs": mount("small"),
		"may-reboot": mayReboot,
	}
}

const deviceDir = "dev"

var applets = []string{
	"sh", "cat", "cp", "mv", "rm", "mkdir", "ls", "sleep", "env", "sed", "awk", "grep", "touch", "kill", "setsid",
	"true", "false", "seq", "head", "tr", "wc", "id", "chmod", "chown", "ln", "sync", "stat", "printf", "readlink", "umask", "dd",
}

func makeDevice(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: device DIR")
	}
	dir := ts.MkAbs(args[0])
	for _, d := range []string{"bin", "etc", "dev", "proc", "usr/lib", "var/lib", "data", "tmp"} {
		ts.Check(os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	box := busybox()
	if box == "" {
		ts.Fatalf("no static busybox on this machine")
	}
	data, err := os.ReadFile(box)
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(dir, "bin/busybox"), data, 0o755))
	for _, a := range applets {
		ts.Check(os.Symlink("busybox", filepath.Join(dir, "bin", a)))
	}
	null := filepath.Join(dir, "dev/null")
	if syscall.Mknod(null, syscall.S_IFCHR|0o666, 1<<8|3) != nil {
		// In a user namespace a file has to do.
		ts.Check(os.WriteFile(null, nil, 0o666))
	}
}

// busybox finds a static one, which runs alone in a chroot.
func busybox() string {
	for _, path := range []string{"/bin/busybox", "/usr/bin/busybox"} {
		out, err := exec.Command("ldd", path).CombinedOutput()
		if _, e := os.Stat(path); e == nil && err != nil && strings.Contains(string(out), "not a dynamic executable") {
			return path
		}
	}
	return ""
}

func makeImage(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: image DIR RELEASE SNIPPETS [FLAG...]")
	}
	dir, release := ts.MkAbs(args[0]), args[1]
	out := ts.MkAbs("bundle-" + release)
	ts.Check(ts.Exec("mkmigrations", append([]string{"build", "--release", release, "--snippets", args[2], "--output", out}, args[3:]...)...))
	for _, gone := range []string{bundle.Dir, "/usr/lib/migration", bundle.DropInDir} {
		ts.Check(os.RemoveAll(dir + gone))
	}
	ts.Check(ts.Exec("cp", "-a", out+"/.", dir))
	manifest, err := os.ReadFile(filepath.Join(out, bundle.Dir, bundle.ManifestName))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("manifest-"+release), manifest, 0o644))
}

func runRunner(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: runner CODE [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	all := args[1:]
	if len(all) == 0 || !strings.HasPrefix(strings.Join(all, " "), "--no-root") {
		all = append(append([]string{}, all...), "--root", deviceDir)
	} else {
		all = all[1:]
	}
	err = ts.Exec("migrate-runner", all...)
	if got := exitCode(err); got != want {
		ts.Fatalf("migrate-runner %s exits with %d, want %d", strings.Join(all, " "), got, want)
	}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

// background is the one runner that a script has running.
type background struct {
	cmd *exec.Cmd
	err strings.Builder
}

func startRunner(ts *testscript.TestScript, neg bool, args []string) {
	b := &background{cmd: exec.Command(filepath.Join(binDir, "migrate-runner"), append(args, "--root", ts.MkAbs(deviceDir))...)}
	b.cmd.Stderr = &b.err
	ts.Check(b.cmd.Start())
	ts.Defer(func() { b.cmd.Process.Kill(); b.cmd.Wait() })
	running.Store(ts, b)
}

// running holds the background of each script; scripts run in parallel.
var running sync.Map

func stopRunner(ts *testscript.TestScript, neg bool, args []string) {
	value, ok := running.LoadAndDelete(ts)
	if !ok || len(args) != 2 {
		ts.Fatalf("usage: runner-stop SIGNAL CODE, behind runner-start")
	}
	b := value.(*background)
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL, "NONE": 0}
	sig, known := signals[args[0]]
	if !known {
		ts.Fatalf("unknown signal %s", args[0])
	}
	ts.Check(b.cmd.Process.Signal(sig))
	got := exitCode(b.cmd.Wait())
	ts.Logf("[background stderr]\n%s", b.err.String())
	if want := args[1]; strconv.Itoa(got) != want {
		ts.Fatalf("the runner exits with %d, want %s", got, want)
	}
}

func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s did not appear", args[0])
}

type statusJSON struct {
	Release, Bundle, State, Reason string
	Migrations                     []struct {
		ID, Digest, State, Since, Release, Finished, Reason string
		Attempts, Exit                                      int
		Duration                                            int `json:"duration_ms"`
	}
}

func readStatus(ts *testscript.TestScript) (s statusJSON) {
	ts.Check(ts.Exec("migrate-runner", "status", "--json", "--root", deviceDir))
	ts.Check(strictJSON(ts.ReadFile("stdout"), &s))
	return s
}

func checkState(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: state ID WORD")
	}
	for _, m := range readStatus(ts).Migrations {
		if m.ID == args[0] {
			if (m.State == args[1]) == neg {
				ts.Fatalf("%s is %s", m.ID, m.State)
			}
			return
		}
	}
	if !neg {
		ts.Fatalf("status does not list %s", args[0])
	}
}

func checkDeviceState(ts *testscript.TestScript, neg bool, args []string) {
	if got := readStatus(ts).State; got != args[0] {
		ts.Fatalf("the device is %s, want %s", got, args[0])
	}
}

func ledgerPath(ts *testscript.TestScript) string {
	return ts.MkAbs(deviceDir + bundle.StateDir + "/ledger")
}

func readLedger(ts *testscript.TestScript) *ledger.Log {
	data, err := os.ReadFile(ledgerPath(ts))
	if !os.IsNotExist(err) {
		ts.Check(err)
	}
	log, err := ledger.Parse(data)
	ts.Check(err)
	return log
}

// appendEvent writes an event as a runner would. Unknown kinds and critical
// ones ("kind!") are what a newer runner may write.
func appendEvent(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: append-event KIND [KEY=VALUE...]")
	}
	log := readLedger(ts)
	e := ledger.Event{Seq: log.Next, Kind: ledger.Kind(strings.TrimSuffix(args[0], "!")), Critical: strings.HasSuffix(args[0], "!")}
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "id":
			e.ID = bundle.ID(value)
		case "release":
			e.Release = value
		case "since":
			e.Since = value
		case "bundle":
			e.Bundle = bundle.Digest(value)
		case "digest":
			e.Digest = bundle.Digest(value)
		case "ref":
			n, err := strconv.ParseUint(value, 10, 64)
			ts.Check(err)
			e.Refs = append(e.Refs, n)
		case "item":
			e.Items = append(e.Items, ledger.Item{ID: bundle.ID(value)})
		default:
			ts.Fatalf("unknown key %s", key)
		}
	}
	f, err := os.OpenFile(ledgerPath(ts), os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.WriteAt([]byte(ledger.Encode(&e)), int64(log.End))
	ts.Check(err)
	ts.Check(f.Close())
}

func checkEvents(ts *testscript.TestScript, neg bool, args []string) {
	var kinds []string
	for _, e := range readLedger(ts).Events {
		kinds = append(kinds, string(e.Kind))
	}
	if got, want := fmt.Sprint(kinds), fmt.Sprint(args); got != want {
		ts.Fatalf("the ledger holds %s, want %s", got, want)
	}
}

func setBytes(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: setbytes FILE OFFSET TEXT")
	}
	offset, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.WriteAt([]byte(args[2]), offset)
	ts.Check(err)
	ts.Check(f.Close())
}

// strictJSON refuses what the contract does not name.
func strictJSON(text string, v any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

func digestOf(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: digest-of FILE IN")
	}
	in := ts.ReadFile(args[1])
	digest := string(bundle.Sum([]byte(ts.ReadFile(args[0]))))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.ReplaceAll(in, "@digest@", digest)), 0o644))
}

func tearLedger(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	lines := strings.SplitAfter(strings.TrimRight(string(data), "\x00"), "\n")
	lines = lines[:len(lines)-1]
	cut := len(lines) - n
	torn := strings.Join(lines[:cut], "") + lines[cut][:len(lines[cut])/2]
	ts.Check(os.WriteFile(path, append([]byte(torn), make([]byte, len(data)-len(torn))...), 0o600))
}

func mount(kind string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		dir := ts.MkAbs(args[0])
		fs, options := kind, ""
		switch kind {
		case "tmpfs":
			options = "mode=755"
		case "small":
			fs, options = "tmpfs", "mode=755,size=1m"
		}
		ts.Check(syscall.Mount(fs, dir, fs, 0, options))
		ts.Defer(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	}
}

// deviceCondition knows what the machine can do.
func deviceCondition(cond string) (bool, error) {
	if cond != "tmpfs" {
		return false, fmt.Errorf("unknown condition %q", cond)
	}
	dir, err := os.MkdirTemp("", "mount")
	if err != nil {
		return false, err
	}
	defer os.Remove(dir)
	if syscall.Mount("tmpfs", dir, "tmpfs", 0, "") != nil {
		return false, nil
	}
	return true, syscall.Unmount(dir, syscall.MNT_DETACH)
}
