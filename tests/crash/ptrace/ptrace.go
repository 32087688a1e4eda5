// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

package ptrace

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// Command is the program to run.
type Command struct {
	Path   string
	Args   []string // with the name of the program first
	Env    []string
	Dir    string
	Stdout *os.File // nil is /dev/null
	Stderr *os.File // nil is /dev/null
	// Timeout ends a program that hangs; 0 is one minute. It is an error.
	Timeout time.Duration
	// Close counts close(2) too.
	Close bool
	// Reads counts the calls that only look, and no others.
	Reads bool
	// Clock is what each reading of the wall clock by a system call gives, in
	// seconds since 1970, instead of the time. It may be nil.
	Clock func() int64
	// Select says whether a call counts; nil takes all.
	Select func(Call) bool
	// Seen is called at each call that counts, with its number, before
	// anything is done about it. It may be nil.
	Seen func(n int, c Call)
}

// Plan says what happens at a call.
type Plan struct {
	At    int           // the first call is 1; with 0 the calls are only counted
	Kill  bool          // kill all at the entry of the call
	Errno syscall.Errno // else: the call does nothing and returns this
	// Until, if larger than At, makes all calls up to it fail too.
	Until int
}

// Call is a system call at its entry.
type Call struct {
	Task   int // thread that makes it
	Name   string
	Number uint64
	Args   [6]uint64
}

func (c Call) String() string {
	return fmt.Sprintf("%s(%#x, %#x, %#x)", c.Name, c.Args[0], c.Args[1], c.Args[2])
}

// Result is what happened.
type Result struct {
	Calls   int  // counted
	Reached bool // At was reached
	At      Call // the call there
	// Status is that of the program itself; after a kill it says SIGKILL.
	Status syscall.WaitStatus
}

// Run runs the program under a plan and waits until it, and with a kill all
// its descendants, are gone. An error means that the program could not be
// started or traced, or did not end in time, not that it failed.
func Run(c *Command, plan Plan) (Result, error) {
	// The kernel ties tracing to the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	t := &tracer{command: c, plan: plan, tasks: map[int]*task{}}
	if err := t.start(); err != nil {
		return Result{}, fmt.Errorf("starting %q: %w", c.Path, err)
	}
	limit := c.Timeout
	if limit == 0 {
		limit = time.Minute
	}
	timer := time.AfterFunc(limit, func() {
		t.late.Store(true)
		syscall.Kill(t.main, syscall.SIGKILL)
	})
	err := t.follow()
	timer.Stop()
	if e := t.killAll(); err == nil {
		err = e
	}
	if t.late.Load() {
		err = fmt.Errorf("running %q: not ended after %v", c.Path, limit)
	}
	return t.result, err
}

type tracer struct {
	command *Command
	plan    Plan
	main    int
	tasks   map[int]*task
	result  Result
	late    atomic.Bool
}

// task is one traced thread.
type task struct {
	fresh bool          // its first stop has not been seen
	fail  syscall.Errno // what its present call is to return
	clock uintptr       // where its present call writes the time, 0 for nowhere
}

const options = syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE | syscall.PTRACE_O_TRACEFORK |
	syscall.PTRACE_O_TRACEVFORK | syscall.PTRACE_O_TRACEEXEC | 0x100000 // EXITKILL

const (
	wall     = 0x40000000 // __WALL: threads too
	noThread = 0x20000000 // __WNOTHREAD: not what other threads of the tracer started
)

func (t *tracer) start() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	files := []uintptr{null.Fd(), null.Fd(), null.Fd()}
	if t.command.Stdout != nil {
		files[1] = t.command.Stdout.Fd()
	}
	if t.command.Stderr != nil {
		files[2] = t.command.Stderr.Fd()
	}
	t.main, err = syscall.ForkExec(t.command.Path, t.command.Args, &syscall.ProcAttr{
		Dir: t.command.Dir, Env: t.command.Env, Files: files,
		Sys: &syscall.SysProcAttr{Ptrace: true, Setpgid: true},
	})
	if err != nil {
		return err
	}
	t.tasks[t.main] = &task{}
	var ws syscall.WaitStatus
	if _, err := wait(t.main, &ws); err != nil || !ws.Stopped() {
		return fmt.Errorf("waiting for the first stop: status %#x, %v", ws, err)
	}
	if err := syscall.PtraceSetOptions(t.main, options); err != nil {
		syscall.Kill(t.main, syscall.SIGKILL)
		return fmt.Errorf("setting trace options: %w", err)
	}
	return syscall.PtraceSyscall(t.main, 0)
}

func wait(pid int, ws *syscall.WaitStatus) (int, error) {
	for {
		got, err := syscall.Wait4(pid, ws, wall|noThread, nil)
		if err != syscall.EINTR {
			return got, err
		}
	}
}

// follow lets the tasks run until the program ends or is to be killed.
func (t *tracer) follow() error {
	for {
		var ws syscall.WaitStatus
		id, err := wait(-1, &ws)
		if err != nil {
			return fmt.Errorf("waiting for tasks: %w", err)
		}
		if ws.Exited() || ws.Signaled() {
			delete(t.tasks, id)
			if id == t.main {
				t.result.Status = ws
				return nil
			}
			continue
		}
		one := t.tasks[id]
		if one == nil {
			// It may stop before the event that announces it.
			one = &task{fresh: true}
			t.tasks[id] = one
		}
		stop, sig, err := t.stopped(id, one, ws)
		if err != nil || stop {
			return err
		}
		// ESRCH: killed while it was stopped; its end is reported next.
		if err := syscall.PtraceSyscall(id, sig); err != nil && err != syscall.ESRCH {
			return fmt.Errorf("continuing a task: %w", err)
		}
	}
}

// stopped handles one stop and says which signal to hand on.
func (t *tracer) stopped(id int, one *task, ws syscall.WaitStatus) (stop bool, signal int, err error) {
	sig := ws.StopSignal()
	switch {
	case sig == syscall.SIGTRAP|0x80:
		stop, err = t.systemCall(id, one)
		return stop, 0, err
	case ws>>16 != 0, sig == syscall.SIGTRAP:
		return false, 0, nil
	case sig == syscall.SIGSTOP && one.fresh:
		one.fresh = false
		return false, 0, nil
	}
	return false, int(sig), nil
}

// systemCall handles the entry or the exit of a call.
func (t *tracer) systemCall(id int, one *task) (stop bool, err error) {
	info, err := callInfo(id)
	if err == syscall.ESRCH {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading a system call: %w", err)
	}
	switch info.op {
	case opExit:
		if one.clock != 0 {
			if err := t.setClock(id, one); err != nil {
				return false, err
			}
		}
		if one.fail != 0 {
			err = setReturn(id, one.fail)
			one.fail = 0
		}
		return false, err
	case opEntry:
		if t.command.Clock != nil && info.nr == clockGettime && info.args[0] == clockRealtime {
			one.clock = uintptr(info.args[1])
		}
		return t.entry(id, one, Call{Task: id, Name: names[info.nr], Number: info.nr, Args: info.args})
	}
	return false, nil
}

const clockRealtime = 0

// setClock changes the seconds that a call has written to struct timespec.
func (t *tracer) setClock(id int, one *task) error {
	data := binary.LittleEndian.AppendUint64(nil, uint64(t.command.Clock()))
	_, err := syscall.PtracePokeData(id, one.clock, data)
	one.clock = 0
	if err == syscall.ESRCH {
		return nil
	}
	return err
}

func (t *tracer) entry(id int, one *task, c Call) (stop bool, err error) {
	counted := counts(c, t.command.Close)
	if t.command.Reads {
		c.Name = reads[c.Number]
		counted = c.Name != ""
	}
	if !counted || t.command.Select != nil && !t.command.Select(c) {
		return false, nil
	}
	t.result.Calls++
	n := t.result.Calls
	if t.command.Seen != nil {
		t.command.Seen(n, c)
	}
	if t.plan.At == 0 || n < t.plan.At || n > max(t.plan.At, t.plan.Until) {
		return false, nil
	}
	if n == t.plan.At {
		t.result.Reached, t.result.At = true, c
	}
	if t.plan.Kill {
		return true, nil
	}
	if t.plan.Errno != 0 {
		one.fail = t.plan.Errno
		err = skipCall(id)
	}
	return false, err
}

// killAll kills every task and waits for each: none may write when Run has
// returned.
func (t *tracer) killAll() error {
	for id := range t.tasks {
		syscall.Kill(id, syscall.SIGKILL)
	}
	for {
		var ws syscall.WaitStatus
		id, err := wait(-1, &ws)
		switch {
		case err == syscall.ECHILD:
			return nil
		case err != nil:
			return fmt.Errorf("waiting for killed tasks: %w", err)
		case id == t.main && (ws.Exited() || ws.Signaled()):
			t.result.Status = ws
		case ws.Stopped():
			// A child that was born at the same moment.
			syscall.Kill(id, syscall.SIGKILL)
			_ = syscall.PtraceCont(id, 0)
		}
	}
}
