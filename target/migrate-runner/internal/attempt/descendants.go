// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package attempt

import (
	"strings"
	"syscall"
	"unsafe"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/internal/sys"
)

// hasChildren says whether any child is left, ended or not. Being the
// subreaper, the runner is in the end the parent of every process that a
// script left, however it was started.
func hasChildren() bool {
	const wexited, wnohang, wnowait, pAll = 4, 1, 0x01000000, 0
	var info [32]uint64 // siginfo_t is 128 bytes
	for {
		_, _, e := syscall.Syscall6(syscall.SYS_WAITID, pAll, 0, uintptr(unsafe.Pointer(&info)), wexited|wnohang|wnowait, 0, 0)
		if e != syscall.EINTR {
			return e != syscall.ECHILD
		}
	}
}

// descendants lists all processes below this one, from /proc; nil where
// there is no /proc.
func descendants() []int {
	fd, err := sys.Openat(sys.AT_FDCWD, "/proc", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	names, err := sys.ReadDirNames(fd)
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, name := range names {
		if pid, ok := bundle.Number(name); ok {
			if parent, ok := parentOf(fd, name); ok {
				children[parent] = append(children[parent], int(pid))
			}
		}
	}
	all := append([]int(nil), children[syscall.Getpid()]...)
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// parentOf reads the parent from /proc/<pid>/stat: the second field behind
// the last ")", as a program's name may hold anything (proc_pid_stat(5)).
// A zombie may be the first thread of a process whose others live on, so none
// is left out.
func parentOf(proc int, pid string) (parent int, ok bool) {
	fd, err := sys.Openat(proc, pid+"/stat", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	defer syscall.Close(fd)
	var buf [512]byte
	n, err := sys.Read(fd, buf[:])
	if err != nil {
		return 0, false
	}
	text := string(buf[:n])
	_, text, _ = strings.Cut(text[strings.LastIndexByte(text, ')')+1:], " ")
	_, text, _ = strings.Cut(text, " ")
	number, _, _ := strings.Cut(text, " ")
	above, ok := bundle.Number(number)
	return int(above), ok
}

func signalAll(pids []int, sig syscall.Signal) {
	for _, pid := range pids {
		syscall.Kill(pid, sig)
	}
}

// killAll stops all descendants until a look finds no new one, so that none
// can fork while the others are killed, and then kills them. Where /proc is
// missing it kills the script's own session's group.
func killAll(script int) {
	stopped := map[int]bool{}
	for round := 0; round < 50; round++ {
		found := false
		for _, pid := range descendants() {
			if !stopped[pid] {
				found = true
				stopped[pid] = true
				syscall.Kill(pid, syscall.SIGSTOP)
			}
		}
		if !found {
			break
		}
	}
	for pid := range stopped {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	if len(stopped) == 0 {
		syscall.Kill(-script, syscall.SIGKILL)
	}
}
