// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// architectures are those of the contract, and two more that cost nothing.
var architectures = strings.Fields("amd64 386 arm arm64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 loong64 s390x")

// TestBuildsEverywhere vets the package for each architecture: numbers and
// structures live in files that the host's own build never reads.
func TestBuildsEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("skipping 13 builds in short mode")
	}
	for _, arch := range architectures {
		cmd := exec.Command("go", "build", "-p", "2", ".")
		cmd.Env = append(os.Environ(), "GOARCH="+arch, "GOOS=linux", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("building for %s: %v\n%s", arch, err, out)
		}
	}
}

func openDir(t *testing.T, path string) int {
	t.Helper()
	fd, err := Openat(AT_FDCWD, path, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// without makes one system call look missing for a test.
func without(t *testing.T, m *missing) {
	old := *m
	m.seen = 1
	t.Cleanup(func() { *m = old })
}

// bothWays runs a test with the newest call and with its fallback.
func bothWays(t *testing.T, m *missing, f func(t *testing.T)) {
	t.Run("new", f)
	t.Run("old", func(t *testing.T) { without(t, m); f(t) })
}

func TestStatat(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	must(t, os.WriteFile(file, []byte("hello"), 0o640))
	must(t, os.Symlink("f", filepath.Join(dir, "l")))
	must(t, os.Link(file, filepath.Join(dir, "f2")))
	fd := openDir(t, dir)
	bothWays(t, &noStatx, func(t *testing.T) {
		must(t, Utimensat(fd, "f", Timespec{5, 7}, Timespec{-1, 999999999}, 0))
		st, err := Statat(fd, "f", AT_SYMLINK_NOFOLLOW)
		must(t, err)
		if st.Type() != syscall.S_IFREG || st.Perm() != 0o640 || st.Size != 5 || st.Nlink != 2 {
			t.Errorf("got %+v", st)
		}
		if st.Mtime != (Timespec{-1, 999999999}) || st.Atime != (Timespec{5, 7}) {
			t.Errorf("times: got %v %v", st.Atime, st.Mtime)
		}
		var old syscall.Stat_t
		must(t, syscall.Stat(file, &old))
		if st.Ino != old.Ino || st.Dev != device(uint64(old.Dev)) {
			t.Errorf("identity: got %d %v, want %d %v", st.Ino, st.Dev, old.Ino, device(uint64(old.Dev)))
		}
		link, err := Statat(fd, "l", AT_SYMLINK_NOFOLLOW)
		must(t, err)
		if link.Type() != syscall.S_IFLNK {
			t.Errorf("link has type %o", link.Type())
		}
		self, err := Fstat(fd)
		must(t, err)
		if self.Type() != syscall.S_IFDIR {
			t.Errorf("directory has type %o", self.Type())
		}
		if _, err := Statat(fd, "none", 0); err != syscall.ENOENT {
			t.Errorf("got %v, want ENOENT", err)
		}
	})
}

// TestTimesAfter2038 guards the 64-bit calls on 32-bit machines; run it by
// GOARCH=386 too.
func TestTimesAfter2038(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o600))
	fd := openDir(t, dir)
	want := Timespec{4e9, 123456789}
	must(t, Utimensat(fd, "f", Timespec{0, UtimeOmit}, want, AT_SYMLINK_NOFOLLOW))
	st, err := Statat(fd, "f", AT_SYMLINK_NOFOLLOW)
	must(t, err)
	if st.Mtime != want {
		t.Errorf("got %v, want %v (a file system with 32-bit times?)", st.Mtime, want)
	}
}

func TestDevices(t *testing.T) {
	for _, d := range []Device{{1, 3}, {0, 0}, {8, 255}, {259, 1048575}, {4095, 256}} {
		if got := device(uint64(Mkdev(d.Major, d.Minor))); got != d {
			t.Errorf("got %v, want %v", got, d)
		}
	}
	null := openDir(t, "/dev")
	st, err := Statat(null, "null", 0)
	must(t, err)
	if st.Rdev != (Device{1, 3}) {
		t.Errorf("/dev/null is %v", st.Rdev)
	}
}

func TestOpenIn(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "a/b"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "a/b/f"), []byte("x"), 0o600))
	must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "out")))
	must(t, os.Symlink("a", filepath.Join(dir, "dirlink")))
	must(t, os.Symlink("a/b/f", filepath.Join(dir, "inlink")))
	root := openDir(t, dir)
	const p, n = O_PATH, O_PATH | syscall.O_NOFOLLOW
	tests := []struct {
		path  string
		flags int
		want  error
	}{
		{"a/b/f", 0, nil},
		{"/a//b/./f", 0, nil},
		{"", syscall.O_DIRECTORY, nil},
		{"/", syscall.O_DIRECTORY, nil},
		{"a/../a", 0, syscall.EINVAL},
		{"..", 0, syscall.EINVAL},
		{"none", 0, syscall.ENOENT},
		{"a/none/f", 0, syscall.ENOENT},
		{"a/b/f/g", 0, syscall.ENOTDIR},
		{"out", 0, syscall.ELOOP},
		{"inlink", 0, syscall.ELOOP},
		{"out", p, syscall.ELOOP},
		{"out", n, nil},
		{"dirlink/b/f", 0, syscall.ELOOP},
		{"dirlink/b/f", n, syscall.ELOOP},
		{"dirlink", syscall.O_DIRECTORY, syscall.ELOOP},
		{"a", syscall.O_CREAT, syscall.EINVAL},
		{"a\x00", 0, syscall.EINVAL},
	}
	bothWays(t, &noOpenat2, func(t *testing.T) {
		for _, test := range tests {
			fd, err := OpenIn(root, test.path, test.flags)
			if err != test.want {
				t.Errorf("%q %#x: got %v, want %v", test.path, test.flags, err, test.want)
			}
			if err == nil {
				if flags, _ := Fcntl(fd, syscall.F_GETFD, 0); flags&syscall.FD_CLOEXEC == 0 {
					t.Errorf("%q: not close-on-exec", test.path)
				}
				syscall.Close(fd)
			}
		}
	})
}

func TestReadDirNames(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := 0; i < 3000; i++ {
		name := fmt.Sprintf("%05d-\xff\n%s", i, strings.Repeat("x", i%200))
		want = append(want, name)
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	fd := openDir(t, dir)
	for range [2]int{} {
		got, err := ReadDirNames(fd)
		must(t, err)
		if strings.Join(got, "/") != strings.Join(want, "/") {
			t.Errorf("got %d names, want %d", len(got), len(want))
		}
	}
}

func TestReadWrite(t *testing.T) {
	dir := openDir(t, t.TempDir())
	fd, err := Openat(dir, "f", syscall.O_RDWR|syscall.O_CREAT, 0o600)
	must(t, err)
	defer syscall.Close(fd)
	data := bytes.Repeat([]byte("0123456789"), 10000)
	must(t, WriteAll(fd, data))
	for _, test := range []struct {
		limit int64
		err   error
	}{{int64(len(data)), nil}, {1 << 40, nil}, {int64(len(data)) - 1, ErrTooLong}, {0, ErrTooLong}, {7, ErrTooLong}} {
		_, err := Seek(fd, 0, SEEK_SET)
		must(t, err)
		got, err := ReadAll(fd, test.limit)
		if err != test.err || err == nil && !bytes.Equal(got, data) {
			t.Errorf("limit %d: got %d bytes, %v", test.limit, len(got), err)
		}
	}
	must(t, WriteAt(fd, []byte("zz"), 1<<32))
	end, err := Seek(fd, 0, SEEK_END)
	must(t, err)
	if end != 1<<32+2 {
		t.Errorf("length %d", end)
	}
	hole, err := Seek(fd, 0, SEEK_HOLE)
	must(t, err)
	if hole < int64(len(data)) {
		t.Errorf("hole at %d", hole)
	}
	proc, err := os.Open("/proc/self/status")
	must(t, err)
	defer proc.Close()
	if got, err := ReadAll(int(proc.Fd()), 1<<20); err != nil || !bytes.HasPrefix(got, []byte("Name:")) {
		t.Errorf("a file of unknown size: %d bytes, %v", len(got), err)
	}
}

func TestMemfdIsSealed(t *testing.T) {
	fd, err := Memfd("test")
	must(t, err)
	defer syscall.Close(fd)
	must(t, WriteAll(fd, []byte("echo $0-$1\n")))
	must(t, Seal(fd))
	if err := WriteAt(fd, []byte("x"), 0); err != syscall.EPERM {
		t.Errorf("write: got %v, want EPERM", err)
	}
	if err := Ftruncate(fd, 0); err != syscall.EPERM {
		t.Errorf("truncate: got %v, want EPERM", err)
	}
	if out, err := exec.Command("sh", fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd), "a").Output(); err != nil || !strings.HasSuffix(string(out), "-a\n") {
		t.Errorf("running it: %q, %v", out, err)
	}
}

func TestXattr(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o600))
	must(t, os.Symlink("none", filepath.Join(dir, "l")))
	fd := openDir(t, dir)
	wd, err := os.Getwd()
	must(t, err)
	t.Cleanup(func() { os.Chdir(wd) })
	if err := Setxattr(fd, "f", "user.b", []byte("1\x002")); err == syscall.EOPNOTSUPP {
		t.Skip("the file system of the temporary directory has no extended attributes")
	} else {
		must(t, err)
	}
	must(t, Setxattr(fd, "f", "user.a", nil))
	names, err := Listxattr(fd, "f")
	must(t, err)
	if got := strings.Join(names, " "); !strings.Contains(got, "user.a user.b") {
		t.Errorf("names %q", got)
	}
	if v, err := Getxattr(fd, "f", "user.b"); err != nil || string(v) != "1\x002" {
		t.Errorf("value %q, %v", v, err)
	}
	if v, err := Getxattr(fd, "f", "user.a"); err != nil || len(v) != 0 {
		t.Errorf("empty value %q, %v", v, err)
	}
	must(t, Removexattr(fd, "f", "user.a"))
	if _, err := Getxattr(fd, "f", "user.a"); err != syscall.ENODATA {
		t.Errorf("got %v, want ENODATA", err)
	}
	must(t, Setxattr(fd, "", "user.dir", []byte("d")))
	if v, err := Getxattr(fd, "", "user.dir"); err != nil || string(v) != "d" {
		t.Errorf("of the directory: %q, %v", v, err)
	}
	if os.Getuid() == 0 {
		must(t, Setxattr(fd, "l", "trusted.l", []byte("link")))
		if v, err := Getxattr(fd, "l", "trusted.l"); err != nil || string(v) != "link" {
			t.Errorf("of a link: %q, %v", v, err)
		}
	}
}

func TestNames(t *testing.T) {
	dir := t.TempDir()
	fd := openDir(t, dir)
	long := strings.Repeat("t/", 1500)
	must(t, Symlinkat(long, fd, "l"))
	if got, err := Readlinkat(fd, "l"); err != nil || got != long {
		t.Errorf("link of %d bytes: got %d, %v", len(long), len(got), err)
	}
	lfd, err := OpenIn(fd, "l", O_PATH|syscall.O_NOFOLLOW)
	must(t, err)
	defer syscall.Close(lfd)
	if got, err := Readlinkat(lfd, ""); err != nil || got != long {
		t.Errorf("link by descriptor: got %d bytes, %v", len(got), err)
	}
	must(t, Mknodat(fd, "p", syscall.S_IFIFO|0o600, 0))
	must(t, Linkat(fd, "p", fd, "q", 0))
	must(t, Fchownat(fd, "l", os.Getuid(), os.Getgid(), AT_SYMLINK_NOFOLLOW))
	must(t, Fchmodat(fd, "p", 0o4711))
	st, err := Statat(fd, "q", AT_SYMLINK_NOFOLLOW)
	must(t, err)
	if st.Mode != syscall.S_IFIFO|0o4711 || st.Nlink != 2 {
		t.Errorf("got %+v", st)
	}
	must(t, Mkdirat(fd, "d", 0o700))
	must(t, Renameat(fd, "q", fd, "r"))
	must(t, Unlinkat(fd, "d", AT_REMOVEDIR))
	must(t, Unlinkat(fd, "p", 0))
	names, err := ReadDirNames(fd)
	must(t, err)
	if len(names) != 2 {
		t.Errorf("left: %q", names)
	}
	must(t, Fsync(fd))
	must(t, Syncfs(fd))
}

func TestClocks(t *testing.T) {
	bothWays(t, &noClock64, func(t *testing.T) {
		sec, nsec := Realtime()
		if d := time.Since(time.Unix(sec, int64(nsec))); d < -time.Second || d > time.Second {
			t.Errorf("wall clock is off by %v", d)
		}
		a := Monotonic()
		time.Sleep(2 * time.Millisecond)
		if d := Monotonic() - a; d < 1e6 || d > 5e9 {
			t.Errorf("2 ms took %d ns", d)
		}
	})
}

func TestPollAndPidfd(t *testing.T) {
	cmd := exec.Command("sleep", "0.05")
	must(t, cmd.Start())
	fd, err := PidfdOpen(cmd.Process.Pid)
	if err == syscall.ENOSYS {
		t.Skip("kernel without pidfd_open")
	}
	must(t, err)
	defer syscall.Close(fd)
	fds := []PollFd{{Fd: int32(fd), Events: POLLIN}}
	if n, err := Poll(fds, 0); n != 0 || err != nil {
		t.Errorf("while it runs: %d, %v", n, err)
	}
	deadline := Monotonic() + 10e9
	for n := 0; n == 0 && Monotonic() < deadline; {
		n, err = Poll(fds, 1000)
		must(t, err)
	}
	if fds[0].Revents&POLLIN == 0 {
		t.Error("no event when the process ended")
	}
	cmd.Wait()
	if n, err := Poll(nil, 1); n != 0 || err != nil {
		t.Errorf("empty poll: %d, %v", n, err)
	}
}

func TestSubreaper(t *testing.T) {
	must(t, SetSubreaper())
	t.Cleanup(func() { Prctl(prSetChildSubreaper, 0, 0, 0, 0) })
}

// TestSignalFd runs this test binary as a child that must survive SIGTERM and
// see it, whatever thread takes it, while what it starts still dies of one.
func TestSignalFd(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Env = append(os.Environ(), "SYS_TEST_SIGNAL=1")
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	guard := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer guard.Stop()
	buf := make([]byte, 6)
	if n, _ := stdout.Read(buf); string(buf[:n]) != "ready\n" {
		t.Errorf("child said %q", buf[:n])
	}
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err != nil {
		t.Errorf("child: %v", err)
	}
}

func init() {
	if os.Getenv("SYS_TEST_SIGNAL") == "" {
		return
	}
	runtime.LockOSThread()
	fail := func(what string, v any) { fmt.Fprintln(os.Stderr, what, v); os.Exit(1) }
	fd, err := SignalFd(syscall.SIGTERM, syscall.SIGINT)
	if err != nil {
		fail("first SignalFd", err)
	}
	if _, err := SignalFd(syscall.SIGTERM); err != syscall.EBUSY {
		fail("second SignalFd", err)
	}
	// A child must die of the signal, and start with the caller's mask.
	blocked := Mask{1 << (syscall.SIGUSR1 - 1)}
	if err := SetMask(blocked); err != nil {
		fail("blocking", err)
	}
	if m, err := CurrentMask(); err != nil || m != blocked {
		fail("current mask", err)
	}
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "kill -USR1 $$; kill -TERM $$; exit 3"}, &syscall.ProcAttr{})
	var ws syscall.WaitStatus
	if _, e := syscall.Wait4(pid, &ws, 0, nil); err != nil || e != nil || ws.Signal() != syscall.SIGTERM {
		fail("child", ws)
	}
	if err := SetMask(Mask{}); err != nil {
		fail("setting the mask", err)
	}
	if _, ok, err := ReadSignal(fd); ok || err != nil {
		fail("signal before it was sent", err)
	}
	os.Stdout.WriteString("ready\n")
	for n := 0; n == 0; {
		if n, err = Poll([]PollFd{{Fd: int32(fd), Events: POLLIN}}, 5000); err != nil {
			fail("poll", err)
		}
	}
	if sig, ok, err := ReadSignal(fd); !ok || err != nil || sig != syscall.SIGTERM {
		fail("reading the signal", fmt.Sprint(sig, ok, err))
	}
	os.Exit(0)
}

func TestKernelAtLeast(t *testing.T) {
	if !KernelAtLeast(3, 2) || KernelAtLeast(1000, 0) || KernelAtLeast(999, 9) {
		t.Error("the kernel's release is not understood")
	}
}
