// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A command is a process to be measured.
type command struct {
	args []string
	root string // of a chroot
	dir  string
	env  []string
	out  bool // wants a pipe on stdout, read to its end
	ok   func(code int) bool
}

// run starts the command, waits for it, and returns what it took. Its input
// and output are /dev/null.
func (c command) run() (usage, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return usage{}, err
	}
	defer null.Close()
	start := time.Now()
	p, err := os.StartProcess(c.args[0], c.args, &os.ProcAttr{
		Dir: c.dir, Env: c.env, Files: []*os.File{null, null, null}, Sys: &syscall.SysProcAttr{Chroot: c.root},
	})
	if err != nil {
		return usage{}, err
	}
	state, err := p.Wait()
	if err != nil {
		return usage{}, err
	}
	u := usage{wall: time.Since(start), cpu: state.UserTime() + state.SystemTime()}
	if code := state.ExitCode(); code != 0 && (c.ok == nil || !c.ok(code)) {
		return u, fmt.Errorf("%s: %v%s", strings.Join(c.args, " "), state, c.again())
	}
	return u, nil
}

// again runs a command that did not succeed once more, for its message.
func (c command) again() string {
	var text bytes.Buffer
	cmd := exec.Command(c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stderr, cmd.SysProcAttr = c.dir, c.env, &text, &syscall.SysProcAttr{Chroot: c.root}
	_ = cmd.Run()
	return ": " + strings.TrimSpace(text.String())
}

func (c command) candidate(name string) *candidate { return &candidate{name: name, run: c.run} }

const traceExit = 0x40 | 0x100000 // PTRACE_O_TRACEEXIT, PTRACE_O_EXITKILL

// peak runs the command and returns the most memory that it had, in bytes, as
// the kernel says at its end. The figure of wait4 would be that of this
// program, at the least: a child begins with its parent's.
func (c command) peak() (int64, error) {
	// The kernel takes one thread for the tracer.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	fd := null.Fd()
	pid, err := syscall.ForkExec(c.args[0], c.args, &syscall.ProcAttr{
		Dir: c.dir, Env: c.env, Files: []uintptr{fd, fd, fd}, Sys: &syscall.SysProcAttr{Chroot: c.root, Ptrace: true},
	})
	if err != nil {
		return 0, err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
		return 0, err
	}
	if err := syscall.PtraceSetOptions(pid, traceExit); err != nil {
		return 0, err
	}
	var most int64
	for signal := 0; ; {
		if err := syscall.PtraceCont(pid, signal); err != nil {
			return 0, err
		}
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
			return 0, err
		}
		signal = 0
		switch {
		case status.Exited():
			if code := status.ExitStatus(); code != 0 && (c.ok == nil || !c.ok(code)) {
				return 0, fmt.Errorf("%s: exit status %d%s", strings.Join(c.args, " "), code, c.again())
			}
			return most, nil
		case status.Signaled():
			return 0, fmt.Errorf("%s: %v", c.args[0], status.Signal())
		case status.StopSignal() != syscall.SIGTRAP:
			signal = int(status.StopSignal())
		default:
			if most, err = highWater(pid); err != nil {
				return 0, err
			}
		}
	}
}

func highWater(pid int) (int64, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(data), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("no VmHWM in /proc/PID/status")
}
