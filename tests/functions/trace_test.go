//go:build linux && amd64

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
)

const (
	waitNoThread = 0x20000000 // __WNOTHREAD: only children of this thread
	eventSeccomp = 7          // PTRACE_EVENT_SECCOMP
	// EXITKILL, TRACESECCOMP, TRACECLONE, TRACEFORK, TRACEVFORK, TRACEEXEC
	traceOptions = 0x100000 | 1<<7 | 1<<3 | 1<<1 | 1<<2 | 1<<4
)

// event is a system call that changes or syncs something.
type event struct {
	nr   uint32
	path string // of a rename: old and new, with " -> " between
}

func (e event) syncs() bool {
	for _, nr := range syncing {
		if nr == e.nr {
			return true
		}
	}
	return false
}

// writes is about the content of a file.
func (e event) writes() bool {
	return e.nr == syscall.SYS_WRITE || e.nr == syscall.SYS_SENDFILE || e.nr == 326
}

// trace runs a script and returns the changing and syncing system calls of all
// its processes, in order. With kill > 0 all of them are killed by SIGKILL when
// one enters the call of that number: it has not happened, all before it have.
// The second result says whether the script was killed. The method is that of
// a debugger, with a seccomp filter that stops only at the calls wanted.
func (b *box) trace(script string, kill int) (events []event, killed bool) {
	b.t.Helper()
	type outcome struct {
		events []event
		killed bool
		err    string
	}
	done := make(chan outcome)
	go func() {
		// Only the thread that forked may trace, so the goroutine keeps it.
		runtime.LockOSThread()
		var o outcome
		o.events, o.killed, o.err = b.traceHere(script, kill)
		done <- o
	}()
	o := <-done
	if o.err != "" {
		b.t.Fatal(o.err)
	}
	return o.events, o.killed
}

func (b *box) traceHere(script string, kill int) (events []event, killed bool, problem string) {
	cmd := b.command(script, []string{"FUNCTIONS_FILTER=trace"})
	log, err := os.CreateTemp(b.t.TempDir(), "output")
	if err != nil {
		return nil, false, err.Error()
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, false, err.Error()
	}
	main, live := cmd.Process.Pid, map[int]bool{cmd.Process.Pid: true}
	started := false
	for len(live) > 0 {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WALL|waitNoThread, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return events, killed, "waiting: " + err.Error()
		}
		if ws.Exited() || ws.Signaled() {
			delete(live, pid)
			if pid == main && !killed && ws.ExitStatus() != 0 {
				output, _ := os.ReadFile(log.Name())
				problem = "the traced script failed: " + string(output)
			}
			continue
		}
		live[pid] = true
		if !started {
			// The first stop: the launcher became the shell.
			started = true
			if err := syscall.PtraceSetOptions(pid, traceOptions); err != nil {
				return events, killed, "setting trace options: " + err.Error()
			}
			syscall.PtraceCont(pid, 0)
			continue
		}
		signal := 0
		switch {
		case ws.StopSignal() == syscall.SIGTRAP && ws.TrapCause() == eventSeccomp:
			e, ok := look(pid)
			if !ok {
				break
			}
			events = append(events, e)
			if len(events) == kill {
				killed = true
				for p := range live {
					syscall.Kill(p, syscall.SIGKILL)
				}
				continue
			}
		case ws.StopSignal() == syscall.SIGTRAP || ws.StopSignal() == syscall.SIGSTOP:
			// Fork, exec, or a new process's first stop.
		default:
			signal = int(ws.StopSignal())
		}
		syscall.PtraceCont(pid, signal)
	}
	return events, killed, problem
}

// look reads the number and paths of the call that pid stopped at. Calls that
// do not reach a file system are not ok: writes to a pipe, opening /dev/null.
func look(pid int) (e event, ok bool) {
	var regs syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(pid, &regs); err != nil {
		return event{}, false
	}
	e = event{nr: uint32(regs.Orig_rax)}
	switch e.nr {
	case syscall.SYS_WRITE, syscall.SYS_SENDFILE:
		target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, regs.Rdi))
		return e, !strings.HasPrefix(target, "pipe:") && !strings.HasSuffix(target, "/null")
	case syscall.SYS_RENAME:
		e.path = peek(pid, regs.Rdi) + " -> " + peek(pid, regs.Rsi)
	case syscall.SYS_RENAMEAT, 316:
		e.path = peek(pid, regs.Rsi) + " -> " + peek(pid, regs.R10)
	case syscall.SYS_OPENAT, syscall.SYS_UNLINKAT:
		e.path = peek(pid, regs.Rsi)
	case syscall.SYS_OPEN, syscall.SYS_UNLINK:
		e.path = peek(pid, regs.Rdi)
	}
	return e, e.path != "/dev/null"
}

// peek reads a string of a stopped process.
func peek(pid int, address uint64) string {
	var s strings.Builder
	for word := make([]byte, 8); ; address += 8 {
		if n, err := syscall.PtracePeekData(pid, uintptr(address), word); err != nil || n != 8 {
			return s.String()
		}
		for _, c := range word {
			if c == 0 {
				return s.String()
			}
			s.WriteByte(c)
		}
	}
}
