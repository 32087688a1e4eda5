// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What one package may cost, in a process of its own: the contract's budget.
// The time is that of the processor, so that a busy machine changes nothing.
const (
	maxSeconds = 2.0
	maxKiB     = 64 << 10
)

// hostile is one package that must not be accepted.
type hostile struct {
	name string // what it tries
	make func() []byte
	want string // part of the error
	size int64  // the file is made this long by a hole
}

// childVar holds a package's path in a process that reads just that.
const childVar = "PKGFILE_TEST_READ"

func TestMain(m *testing.M) {
	if file := os.Getenv(childVar); file != "" {
		readAndReport(file)
		return
	}
	os.Exit(m.Run())
}

// report is what the reading process says about itself.
type report struct {
	Err     string
	KiB     int
	Seconds float64
}

func readAndReport(file string) {
	_, _, err := readAll(NewReader(), file)
	rep := report{KiB: peakKiB(), Seconds: cpuSeconds()}
	if err != nil {
		rep.Err = err.Error()
	}
	check(json.NewEncoder(os.Stdout).Encode(rep))
}

// peakKiB is the process's own peak. Rusage's, as the parent sees it, begins
// with the parent's.
func peakKiB() int {
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	check(err)
	return kib
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func readInChild(t *testing.T, file string) report {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+file)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("reading process: %v\n%s", err, out)
	}
	var rep report
	if err := json.Unmarshal(out, &rep); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return rep
}

// allHostile are all hostile packages, by the layer that they attack.
func allHostile() map[string][]hostile {
	return map[string][]hostile{
		"file": hostileFiles(), "ar": hostileAr(), "tar": hostileTar(), "control": hostileControl(),
		"bomb": hostileBombs(), "rpm": hostileRpm(), "cpio": hostileCpio(),
	}
}

// listVar makes TestHostileList write the list anew.
const listVar = "UPDATE_HOSTILE"

// TestHostileList keeps testdata/hostile.md, for readers, what the tests are.
func TestHostileList(t *testing.T) {
	var b strings.Builder
	b.WriteString("<!-- SPDX-License-Identifier: Apache-2.0 -->\n<!-- SPDX-FileCopyrightText: The meta-migration authors -->\n\n" +
		"# Hostile packages\n\nEach is made and read by `go test ./tools/mkmigrations/internal/pkgfile -run TestHostile/LAYER`, in a\n" +
		"process of its own that may take 64 MiB and 2 s of processor time. `" + listVar + "=1` writes this list.\n\n" +
		"| layer | what it tries | the error holds |\n| --- | --- | --- |\n")
	for _, layer := range []string{"file", "ar", "tar", "control", "bomb", "rpm", "cpio"} {
		for _, c := range allHostile()[layer] {
			fmt.Fprintf(&b, "| %s | %s | `%s` |\n", layer, c.name, c.want)
		}
	}
	const path = "testdata/hostile.md"
	if os.Getenv(listVar) != "" {
		check(os.WriteFile(path, []byte(b.String()), 0o644))
	}
	if have, err := os.ReadFile(path); err != nil || string(have) != b.String() {
		t.Errorf("%s is stale: run this test with %s=1 (%v)", path, listVar, err)
	}
}

// TestHostile reads each hostile package in a process of its own: it must end
// in an error that names the file and says what was found, within the budget.
func TestHostile(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skipf("skipping: memory cannot be measured: %v", err)
	}
	for format, cases := range allHostile() {
		for _, c := range cases {
			t.Run(format+"/"+c.name, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "hostile.pkg")
				if err := os.WriteFile(file, c.make(), 0o644); err != nil {
					t.Fatal(err)
				}
				if c.size > 0 {
					if err := os.Truncate(file, c.size); err != nil {
						t.Skipf("skipping: no file of %d bytes: %v", c.size, err)
					}
				}
				c.judge(t, file, readInChild(t, file))
			})
		}
	}
}

func (c hostile) judge(t *testing.T, file string, rep report) {
	t.Helper()
	if rep.Err == "" {
		t.Fatal("accepted")
	}
	if !strings.Contains(rep.Err, fmt.Sprintf("%q", file)) {
		t.Errorf("error does not name the file: %s", rep.Err)
	}
	if !strings.Contains(rep.Err, c.want) {
		t.Errorf("error %q\ndoes not hold %q", rep.Err, c.want)
	}
	if strings.Contains(rep.Err, "malformed: ") {
		t.Errorf("a panic was caught, so a check is missing: %s", rep.Err)
	}
	if raceDetector {
		return // it multiplies both
	}
	if rep.Seconds > maxSeconds || rep.KiB > maxKiB {
		t.Errorf("cost %.2f s and %d KiB, allowed are %.0f s and %d KiB", rep.Seconds, rep.KiB, maxSeconds, maxKiB)
	}
	t.Logf("%.2f s %d KiB %s", rep.Seconds, rep.KiB, rep.Err)
}
