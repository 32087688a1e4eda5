// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package report is what the runner says to people and to the init system:
// lines on stderr, in the kernel's log where no journal takes stderr, and
// status messages by the sd_notify(3) protocol.
package report

import (
	"strings"
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

const program = "migrate-runner: "

// maxRecord is the longest line given to the kernel's log, which cuts off
// longer records itself, in bytes.
const maxRecord = 900

var (
	kernelLog = -1 // /dev/kmsg, where it is wanted
	notifyTo  string
)

// Open finds out where messages go. environ is the runner's environment.
func Open(environ []string) {
	journal := false
	for _, v := range environ {
		if to, ok := strings.CutPrefix(v, "NOTIFY_SOCKET="); ok {
			notifyTo = to
		}
		journal = journal || strings.HasPrefix(v, "JOURNAL_STREAM=")
	}
	if !journal && unseen(2) {
		if fd, err := sys.Openat(sys.AT_FDCWD, "/dev/kmsg", syscall.O_WRONLY|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0); err == nil {
			kernelLog = fd
		}
	}
}

// unseen says whether what is written to fd is kept nowhere and read by
// nobody: it is the system console, /dev/null, or closed. A terminal, a pipe
// or a file has somebody at its other end.
func unseen(fd int) bool {
	st, err := sys.Fstat(fd)
	return err != nil || st.Rdev == sys.Device{Major: 5, Minor: 1} || st.Rdev == sys.Device{Major: 1, Minor: 3}
}

// midLine is set while a script's output has not ended its line.
var midLine bool

// say writes a message that begins a line.
func say(text string) {
	if midLine {
		text = "\n" + text
		midLine = false
	}
	write([]byte(text))
}

// patienceMillis is how long a reader of stderr may take nothing.
const patienceMillis = 1000

// stuck is set while the reader of stderr takes nothing.
var stuck bool

// write writes to stderr as far as its reader takes it. One that takes
// nothing, such as a console that is held or a program that hangs, must not
// hold up a boot: what it does not take in time is lost to it.
func write(data []byte) {
	// A pipe that polls writable takes this much without blocking.
	const atomic = 4096
	for len(data) > 0 {
		if stuck = !takes(); stuck {
			return
		}
		n := min(len(data), atomic)
		if sys.WriteAll(2, data[:n]) != nil {
			return
		}
		data = data[n:]
	}
}

func takes() bool {
	until := sys.Monotonic()
	if !stuck {
		until += patienceMillis * 1e6
	}
	for {
		n, err := sys.Poll([]sys.PollFd{{Fd: 2, Events: sys.POLLOUT}}, int(max(until-sys.Monotonic(), 0)/1e6))
		if n > 0 || err != nil {
			return true
		}
		if sys.Monotonic() >= until {
			return false
		}
	}
}

// Line says one line.
func Line(text string) {
	say(program + text + "\n")
	kernel("<6>" + program + text)
}

// Error says what went wrong and, where hint is not "", what to do.
func Error(text, hint string) {
	out := program + "error: " + text + "\n"
	if hint != "" {
		out += program + "hint: " + hint + "\n"
	}
	say(out)
	kernel("<3>" + program + "error: " + text)
	if hint != "" {
		kernel("<3>" + program + "hint: " + hint)
	}
}

// Warning says what is not as it should be and does no harm.
func Warning(text string) {
	say(program + "warning: " + text + "\n")
	kernel("<4>" + program + "warning: " + text)
}

// Script passes a script's output on as it is.
func Script(data []byte) {
	write(data)
	midLine = len(data) > 0 && data[len(data)-1] != '\n'
}

// ScriptLine puts one line of a script's output into the kernel's log.
func ScriptLine(id, line string) { kernel("<6>" + program + id + ": " + line) }

func kernel(record string) {
	if kernelLog < 0 {
		return
	}
	if len(record) > maxRecord {
		record = record[:maxRecord]
	}
	// One write is one record; a full or missing log must not stop a run.
	syscall.Write(kernelLog, []byte(record))
}

// Notify sends assignments such as "STATUS=…" to the service manager, if it
// asked for them.
func Notify(assignments ...string) {
	if notifyTo == "" {
		return
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	// SockaddrUnix turns a leading "@" into the zero byte of an abstract name.
	syscall.Sendto(fd, []byte(strings.Join(assignments, "\n")), syscall.MSG_NOSIGNAL, &syscall.SockaddrUnix{Name: notifyTo})
	syscall.Close(fd)
}

// Out writes data to stdout. Its error is the caller's to judge.
func Out(text string) error { return sys.WriteAll(1, []byte(text)) }
