// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package attempt

import (
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

const (
	graceMillis = 5000  // between TERM and KILL
	endMillis   = 10000 // after which a process that KILL does not end is given up
	tickMillis  = 20    // how often is looked where the kernel does not tell
)

// A watch follows a script from its start to the end of its last process.
type watch struct {
	script *Script
	pid    int
	pidfd  int
	pipes  [2]int // its stdout and stderr, -1 once at their end
	begin  int64  // sys.Monotonic
	result Result
	ended  bool  // the script itself has ended
	termed int64 // when TERM was sent, 0 for not yet
}

func millisSince(t int64) int64 { return (sys.Monotonic() - t) / 1e6 }

// untilEnd waits for the script, passes its output on, and ends it when its
// time is over or the runner is told to end. Then all processes that it left
// are ended.
func (w *watch) untilEnd() (Result, error) {
	defer w.close()
	for !w.ended {
		if err := w.wait(); err != nil {
			w.end()
			return w.result, err
		}
		if err := w.reap(); err != nil {
			w.end()
			return w.result, err
		}
		w.limit()
	}
	w.result.Millis = millisSince(w.begin)
	w.end()
	w.drain()
	return w.result, nil
}

func (w *watch) close() {
	for _, fd := range []int{w.pipes[0], w.pipes[1], w.pidfd} {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
}

// wait returns when something happened or a limit may be reached.
func (w *watch) wait() error {
	fds := []sys.PollFd{
		{Fd: int32(w.pipes[0]), Events: sys.POLLIN}, {Fd: int32(w.pipes[1]), Events: sys.POLLIN},
		{Fd: int32(w.pidfd), Events: sys.POLLIN}, {Fd: int32(w.script.Signals), Events: sys.POLLIN},
	}
	if _, err := sys.Poll(fds, w.patience()); err != nil {
		return err
	}
	for i := range w.pipes {
		if fds[i].Revents != 0 {
			w.read(i)
		}
	}
	if fds[3].Revents != 0 {
		if _, ok, _ := sys.ReadSignal(w.script.Signals); ok {
			w.result.Stopped = true
		}
	}
	return nil
}

// patience is how long to wait at most, in milliseconds.
func (w *watch) patience() int {
	left := int64(w.script.Timeout)*1000 - millisSince(w.begin)
	if w.termed != 0 {
		left = graceMillis - millisSince(w.termed)
	}
	if w.pidfd < 0 && left > tickMillis {
		left = tickMillis
	}
	if left < 0 {
		left = 0
	}
	return int(left) + 1
}

// read passes on one piece of output, so that a script that floods one pipe
// does not keep the rest from being looked at.
func (w *watch) read(i int) (more bool) {
	var buf [16 << 10]byte
	n, err := sys.Read(w.pipes[i], buf[:])
	switch {
	case err == syscall.EAGAIN:
		return false
	case n <= 0:
		syscall.Close(w.pipes[i])
		w.pipes[i] = -1
		return false
	}
	w.script.Output(buf[:n], i == 1)
	return true
}

// drain takes what is left in the pipes when no process is left to write. A
// process that could not be ended must not keep this from ending.
func (w *watch) drain() {
	for i := range w.pipes {
		for left := 64; left > 0 && w.pipes[i] >= 0 && w.read(i); left-- {
		}
	}
}

// reap collects all children that have ended: the script, and processes that
// lost their parent and became the runner's.
func (w *watch) reap() error {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.ECHILD && !w.ended:
			// Somebody else took the script's status; what it did is unknown.
			return err
		case err == syscall.ECHILD || pid == 0:
			return nil
		case err != nil:
			return err
		}
		if pid == w.pid {
			w.ended = true
			if status.Signaled() {
				w.result.Signal = status.Signal()
			} else {
				w.result.Exit = status.ExitStatus()
			}
		}
	}
}

// limit asks the script to end when its time is over or the runner is told
// to end, and forces it when it does not.
func (w *watch) limit() {
	if w.ended {
		return
	}
	over := millisSince(w.begin) >= int64(w.script.Timeout)*1000
	switch {
	case w.termed == 0 && (over || w.result.Stopped):
		w.result.Timeout = over && !w.result.Stopped
		w.termed = sys.Monotonic()
		w.signal(syscall.SIGTERM)
		// A stopped process takes no TERM before it goes on.
		w.signal(syscall.SIGCONT)
	case w.termed != 0 && millisSince(w.termed) >= graceMillis:
		w.end()
	}
}

// signal sends sig to all that the script has started, as far as it is known:
// without /proc, to the script's own group.
func (w *watch) signal(sig syscall.Signal) {
	all := descendants()
	if len(all) == 0 {
		all = []int{-w.pid}
	}
	signalAll(all, sig)
}

// end ends every process that the script left, and waits for all of them.
func (w *watch) end() {
	begin := sys.Monotonic()
	for wait := 1; ; wait *= 2 {
		w.reap()
		if !hasChildren() {
			w.ended = true
			return
		}
		if millisSince(begin) > endMillis {
			w.result.Left = true
			w.ended = true
			return
		}
		killAll(w.pid)
		if wait > tickMillis {
			wait = tickMillis
		}
		w.pauseReading(wait)
	}
}

// pauseReading waits some milliseconds and keeps the pipes from filling up.
func (w *watch) pauseReading(millis int) {
	fds := []sys.PollFd{{Fd: int32(w.pipes[0]), Events: sys.POLLIN}, {Fd: int32(w.pipes[1]), Events: sys.POLLIN}}
	sys.Poll(fds, millis)
	for i := range w.pipes {
		if fds[i].Revents != 0 {
			w.read(i)
		}
	}
}
