// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Each target that is said to be exposed exists, and those come first.
func TestExposedTargets(t *testing.T) {
	top, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(strings.TrimSpace(string(top))); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chdir(old) }()
	all, err := findTargets(regexp.MustCompile("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < len(exposed) {
		t.Fatalf("%d targets", len(all))
	}
	for i, name := range exposed {
		if all[i].name != name {
			t.Errorf("turn %d is that of %s, want %s", i, all[i].name, name)
		}
	}
}

func TestParseProgress(t *testing.T) {
	const out = `fuzz: elapsed: 0s, gathering baseline coverage: 192/192 completed, now fuzzing with 1 workers
fuzz: elapsed: 3s, execs: 325017 (108336/sec), new interesting: 11 (total: 202)
fuzz: elapsed: 6s, execs: 680218 (118402/sec), new interesting: 22 (total: 213)
PASS
`
	if got := parseProgress(out); got != (total{Executions: 680218, Inputs: 22}) {
		t.Errorf("%+v", got)
	}
	if got := parseProgress("PASS\n"); got != (total{}) {
		t.Errorf("%+v", got)
	}
}

// Two runs at a time count together, and a file that is no count is said.
func TestTotals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache", "totals.json")
	one := target{name: "FuzzOne", pkg: "a/b"}
	for i := 0; i < 2; i++ {
		all, err := readTotals(path)
		if err != nil {
			t.Fatal(err)
		}
		other, err := readTotals(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range []*totals{all, other} {
			if err := run.add(one, total{1.5, 10, 1, 0}); err != nil {
				t.Fatal(err)
			}
		}
	}
	all, err := readTotals(path)
	if err != nil || all.get(one) != (total{6, 40, 4, 0}) {
		t.Errorf("%+v, %v", all.get(one), err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readTotals(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
}

// The schedule gives the first target its turns until it has its share, and
// none to one that has failed.
func TestSchedule(t *testing.T) {
	all, err := readTotals(filepath.Join(t.TempDir(), "totals.json"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := target{name: "FuzzA"}, target{name: "FuzzB"}
	s := &schedule{targets: []target{a, b}, all: all, seconds: 100, busy: map[string]bool{}, failed: map[string]bool{}}
	var turns []string
	for i := 0; i < 4; i++ {
		got, left, ok := s.next()
		if !ok {
			break
		}
		turns = append(turns, got.name)
		turn := total{Seconds: min(left, 60)}
		if got == b {
			turn.Failures = 1
		}
		s.done(got, turn, "", nil)
	}
	if got := strings.Join(turns, " "); got != "FuzzA FuzzA FuzzB" {
		t.Errorf("turns: %s", got)
	}
	if err := s.result(); err == nil || !strings.Contains(err.Error(), "FuzzB") {
		t.Errorf("%v", err)
	}
}

// used counts a process and its children while they run.
func TestUsed(t *testing.T) {
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skipf("skipping: %v", err)
	}
	cmd := exec.Command("sh", "-c", "sh -c 'while :; do :; done' & wait")
	if err := cmd.Start(); err != nil {
		t.Skipf("skipping: %v", err)
	}
	defer func() {
		lists, _ := filepath.Glob("/proc/" + pidText(cmd) + "/task/*/children")
		for _, list := range lists {
			children, _ := os.ReadFile(list)
			for _, id := range strings.Fields(string(children)) {
				_ = exec.Command("kill", id).Run()
			}
		}
		_ = cmd.Wait()
	}()
	for deadline := time.Now().Add(time.Minute); used(cmd.Process.Pid) < 0.1; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it has used %v s", used(cmd.Process.Pid))
		}
	}
}

func pidText(cmd *exec.Cmd) string { return strconv.Itoa(cmd.Process.Pid) }
