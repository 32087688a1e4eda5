// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux

package crash

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A cage is where a runner with a hostile script runs: a process namespace of
// its own, whose end takes every process with it, in which no more than some
// hundred processes can be, so that the machine outlives a fork bomb.
type cage struct {
	group string // the directory of its cgroup, "" for no limit
}

// A caged run is what was seen of a runner in a cage.
type caged struct {
	exit    int
	output  string // of the runner, the last part
	left    int    // processes that the runner has left behind
	memory  int64  // the most that it had in memory at once, in bytes
	elapsed time.Duration
}

// newCage makes a cage for at most limit processes. With 0 there is no limit.
func newCage(t *testing.T, limit int) *cage {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipping: not root, which namespaces need")
	}
	if busybox() == "" {
		t.Skip("skipping: no static busybox (Debian: busybox-static)")
	}
	if out, err := exec.Command("unshare", "--pid", "--mount-proc", "--fork", "--kill-child", "true").CombinedOutput(); err != nil {
		t.Skipf("skipping: no process namespaces here: %v: %s", err, out)
	}
	if limit == 0 {
		return &cage{}
	}
	// Version 1 has a directory for each controller, version 2 one for all.
	for _, top := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup"} {
		dir := filepath.Join(top, fmt.Sprintf("migration-test-%d", os.Getpid()))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		if os.WriteFile(filepath.Join(dir, "pids.max"), []byte(strconv.Itoa(limit)), 0o644) == nil {
			t.Cleanup(func() { removeGroup(t, dir) })
			return &cage{dir}
		}
		os.Remove(dir)
	}
	t.Skip("skipping: no cgroup with a limit of processes can be made here")
	return nil
}

// removeGroup waits until the last process has gone.
func removeGroup(t *testing.T, dir string) {
	var err error
	for i := 0; i < 100; i++ {
		if err = os.Remove(dir); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("removing the cgroup: %v", err)
}

// inside is the first process of the cage. It counts what is left when the
// runner has ended: itself is not.
const inside = `
"$@"
code=$?
n=0
for process in /proc/[0-9]*; do n=$((n + 1)); done
echo "left $((n - 1))" >&3
exit $code`

// run runs the command in the cage, at most for limit. Its output goes to
// stderr; without one the last part of it is kept.
func (c *cage) run(t *testing.T, cmd *exec.Cmd, stderr *os.File, limit time.Duration) caged {
	t.Helper()
	read, write, err := os.Pipe()
	must(t, err)
	defer read.Close()
	enter := ":"
	if c.group != "" {
		enter = "echo $$ >" + c.group + "/cgroup.procs"
	}
	outer := exec.Command("sh", append([]string{"-c", enter + ` && exec unshare --pid --mount-proc --fork --kill-child sh -c "$0" sh "$@"`, inside}, cmd.Args...)...)
	outer.ExtraFiles = []*os.File{write}
	var output tail
	outer.Stderr = &output
	if stderr != nil {
		outer.Stderr = stderr
	}
	begin := time.Now()
	must(t, outer.Start())
	write.Close()
	timer := time.AfterFunc(limit, func() { outer.Process.Kill() })
	memory, stop := make(chan int64), make(chan bool)
	go func() { memory <- watchMemory(outer.Process.Pid, stop) }()
	r := caged{exit: status(outer.Wait()), elapsed: time.Since(begin)}
	close(stop)
	r.memory = <-memory
	if !timer.Stop() {
		t.Fatalf("the runner has not ended after %v", limit)
	}
	var said bytes.Buffer
	_, err = said.ReadFrom(read)
	must(t, err)
	if _, err := fmt.Sscanf(said.String(), "left %d", &r.left); err != nil {
		t.Fatalf("the cage says %q: %v\n%s", said.String(), err, output.text)
	}
	r.output = output.text
	return r
}

// A tail keeps the last part of what is written.
type tail struct{ text string }

func (k *tail) Write(p []byte) (int, error) {
	k.text += string(p[max(0, len(p)-4096):])
	k.text = k.text[max(0, len(k.text)-4096):]
	return len(p), nil
}

// watchMemory follows the runner below a process and returns its high-water
// mark in bytes. A figure of getrusage would begin with that of this test.
func watchMemory(top int, stop chan bool) (most int64) {
	for {
		for _, pid := range below(top, 4) {
			if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); strings.TrimSpace(string(name)) != "migrate-runner" {
				continue
			}
			if n := highWater(pid); n > most {
				most = n
			}
		}
		select {
		case <-stop:
			return most
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func highWater(pid int) int64 {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for _, line := range strings.Split(string(data), "\n") {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); err == nil {
			return kilobytes << 10
		}
	}
	return 0
}

// below lists the descendants of a process, depth generations of them.
func below(pid, depth int) (all []int) {
	generation := map[int]bool{pid: true}
	parents := map[int]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		data, _ := os.ReadFile("/proc/" + e.Name() + "/stat")
		if fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:])); len(fields) > 1 {
			parents[child], _ = strconv.Atoi(fields[1])
		}
	}
	for ; depth > 0; depth-- {
		next := map[int]bool{}
		for child, parent := range parents {
			if generation[parent] {
				next[child] = true
				all = append(all, child)
			}
		}
		generation = next
	}
	return all
}
