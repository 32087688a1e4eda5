// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// programs are the test programs with instrumentation, by package.
type programs struct {
	dir   string
	cache string // Go's fuzz cache
	built map[string]string
}

// build makes the program of each target's package.
func (p *programs) build(all []target) error {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		return err
	}
	p.cache = filepath.Join(strings.TrimSpace(string(out)), "fuzz")
	p.built = map[string]string{}
	for _, t := range all {
		if p.built[t.pkg] != "" {
			continue
		}
		path := filepath.Join(p.dir, strings.ReplaceAll(t.pkg, "/", "-"))
		cmd := exec.Command("go", "test", "-c", "-fuzz=.", "-o", path, t.pkg)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("building the tests of %s: %w", t.pkg, err)
		}
		p.built[t.pkg] = path
	}
	return nil
}

// fuzz gives a target about so many seconds of processor time, by one worker.
// A turn that ends with a failing input is counted too; Go leaves the input
// in the target's testdata.
func (p *programs) fuzz(parent context.Context, t target, seconds float64) (total, string, error) {
	ctx, end := context.WithCancel(parent)
	defer end()
	cmd := exec.CommandContext(ctx, p.built[t.pkg], "-test.run=^$", "-test.fuzz=^"+t.name+"$", "-test.parallel=1",
		"-test.fuzzminimizetime=200x", "-test.fuzztime=24h",
		"-test.fuzzcachedir="+filepath.Join(p.cache, t.pkg))
	cmd.Dir = t.dir
	// The program ends its worker, and keeps what was found, when interrupted.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return total{}, "", err
	}
	// On a busy machine the time of day says nothing.
	go func() {
		for ctx.Err() == nil && used(cmd.Process.Pid) < seconds {
			time.Sleep(time.Second)
		}
		end()
	}()
	err := cmd.Wait()
	turn := parseProgress(out.String())
	// The system's count of the program and its worker, for which it waits.
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		turn.Seconds = time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
	}
	// Go's fuzzing itself sometimes takes the end of its time for a failure.
	if err != nil && !timeUp.MatchString(out.String()) && strings.Contains(out.String(), "--- FAIL") {
		turn.Failures = 1
	}
	return turn, out.String(), nil
}

var timeUp = regexp.MustCompile(`(?m)^    context deadline exceeded$`)

var progress = regexp.MustCompile(`execs: (\d+) .*new interesting: (\d+)`)

// parseProgress takes the counts of the last line of progress.
func parseProgress(out string) total {
	var t total
	for _, match := range progress.FindAllStringSubmatch(out, -1) {
		// Digits alone match, and counts are far below the limit.
		t.Executions, _ = strconv.ParseInt(match[1], 10, 64)
		t.Inputs, _ = strconv.ParseInt(match[2], 10, 64)
	}
	return t
}

// used is the processor time, in seconds, of a process and its children, by
// proc_pid_stat(5). It grows without end only where there is no /proc, and
// then at once.
func used(pid int) float64 {
	const ticks = 100 // a second; the kernel gives them to programs so
	sum := 0.0
	// A child is listed by the thread that started it.
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || lists == nil {
		return 1e9
	}
	ids := []string{strconv.Itoa(pid)}
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		ids = append(ids, strings.Fields(string(children))...)
	}
	for _, id := range ids {
		stat, err := os.ReadFile("/proc/" + id + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		for _, i := range []int{11, 12, 13, 14} { // utime, stime, and of children that were waited for
			n, _ := strconv.ParseFloat(fields[i], 64)
			sum += n / ticks
		}
	}
	return sum
}
