// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package attempt runs a migration's script once: in a fixed environment,
// from bytes that nobody can change, with a time limit, and such that no
// process of it is left when the attempt ends.
package attempt

import (
	"runtime"
	"strconv"
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/internal/sys"
)

// A Script is what is to be run.
type Script struct {
	Data        []byte // verified by the caller
	Interpreter bundle.Interpreter
	Env         []string
	Root        string // chroot into this directory; "" for none
	RootFD      int    // the same directory, or "/", open
	Timeout     int    // seconds
	Fallback    int    // a directory below RootFD for a copy of the script, open
	FallbackAt  string // its path below RootFD
	Signals     int    // from sys.SignalFd: readable when the runner is told to end

	Output func(data []byte, stderr bool) // called with each piece of output
}

// A Result says how an attempt ended.
type Result struct {
	Exit    int            // exit status, where Signal is 0
	Signal  syscall.Signal // the signal that ended the script
	Timeout bool           // it was ended because it took too long
	Stopped bool           // it was ended because the runner was told to end
	Left    bool           // a process could not be ended
	Millis  int64
}

// Run runs s. The error is one of the system that kept it from being run, or
// from being watched to its end; the script may have done anything then.
func Run(s *Script) (Result, error) {
	// A process that loses its parent becomes the runner's child, so that
	// none can get away by a second fork or a session of its own.
	if err := sys.SetSubreaper(); err != nil {
		return Result{}, err
	}
	sys.KeepFromChildren()
	file, path, cleanup, err := s.place()
	if err != nil {
		return Result{}, err
	}
	defer cleanup()
	w := &watch{script: s, begin: sys.Monotonic(), pidfd: -1}
	if err := w.start(file, path); err != nil {
		return Result{}, err
	}
	if file >= 0 {
		syscall.Close(file)
	}
	return w.untilEnd()
}

// place puts the script where its interpreter can read it and nobody can
// change it: a sealed file in memory, or, where the kernel or a chroot
// without /proc does not allow that, a copy that only root can write. file
// is the descriptor to hand to the child, -1 for a copy.
func (s *Script) place() (file int, path string, cleanup func(), err error) {
	cleanup = func() {}
	if _, e := sys.Statat(s.RootFD, "proc/self/fd", 0); e == nil {
		file, err = s.sealed()
		if err == nil {
			return file, "/proc/self/fd/" + strconv.Itoa(scriptFD), cleanup, nil
		}
	}
	const name = "script"
	sys.Unlinkat(s.Fallback, name, 0)
	const flags = syscall.O_WRONLY | syscall.O_CREAT | syscall.O_EXCL | syscall.O_NOFOLLOW | syscall.O_CLOEXEC
	fd, err := sys.Openat(s.Fallback, name, flags, 0o500)
	if err != nil {
		return -1, "", cleanup, err
	}
	err = sys.WriteAll(fd, s.Data)
	if e := syscall.Close(fd); err == nil {
		err = e
	}
	cleanup = func() { sys.Unlinkat(s.Fallback, name, 0) }
	return -1, s.FallbackAt + "/" + name, cleanup, err
}

func (s *Script) sealed() (int, error) {
	fd, err := sys.Memfd("migration")
	if err != nil {
		return -1, err
	}
	if err = sys.WriteAll(fd, s.Data); err == nil {
		err = sys.Seal(fd)
	}
	if err != nil {
		syscall.Close(fd)
	}
	return fd, err
}

// scriptFD is the script's descriptor in the child.
const scriptFD = 3

// arguments are those that the kernel would give the interpreter, with -e
// for /bin/sh and "up" for the script.
func (s *Script) arguments(path string) []string {
	args := []string{s.Interpreter.Path}
	if s.Interpreter.Path == "/bin/sh" {
		args = append(args, "-e")
	}
	if s.Interpreter.Argument != "" {
		args = append(args, s.Interpreter.Argument)
	}
	return append(args, path, "up")
}

// start starts the interpreter. The child gets an empty signal mask, which
// only works from a locked thread; it also dies with that thread, so the
// caller must be locked to one that lives as long as the process.
func (w *watch) start(file int, path string) error {
	null, err := sys.Openat(sys.AT_FDCWD, "/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(null)
	var ends [2]int
	for i := range w.pipes {
		p, err := pipe()
		if err != nil {
			return err
		}
		w.pipes[i], ends[i] = p[0], p[1]
		defer syscall.Close(p[1])
	}
	files := []uintptr{uintptr(null), uintptr(ends[0]), uintptr(ends[1])}
	if file >= 0 {
		files = append(files, uintptr(file))
	}
	attr := &syscall.ProcAttr{Dir: "/", Env: w.script.Env, Files: files,
		Sys: &syscall.SysProcAttr{Chroot: w.script.Root, Setsid: true, Pdeathsig: syscall.SIGKILL}}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	mask, err := sys.CurrentMask()
	if err == nil {
		err = sys.SetMask(sys.Mask{})
	}
	if err != nil {
		return err
	}
	umask := sys.Umask(0o022)
	w.pid, err = syscall.ForkExec(w.script.Interpreter.Path, w.script.arguments(path), attr)
	sys.Umask(umask)
	if e := sys.SetMask(mask); err == nil && e != nil {
		syscall.Kill(w.pid, syscall.SIGKILL)
		err = e
	}
	if err != nil {
		return err
	}
	// Without pidfd (kernels before 5.3) the end of the output, or a short
	// wait, tells that the script may have ended.
	if w.pidfd, err = sys.PidfdOpen(w.pid); err != nil {
		w.pidfd = -1
	}
	return nil
}

func pipe() (p [2]int, err error) {
	var fds [2]int
	err = syscall.Pipe2(fds[:], syscall.O_CLOEXEC)
	if err == nil {
		err = syscall.SetNonblock(fds[0], true)
	}
	return fds, err
}
