// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// A device boots in a process of its own: it makes the mounts, enters the
// root and becomes the program. When that ends the mounts are gone, as after
// a power-off.

// stageVar holds a stage in JSON, in the process that boots it.
const stageVar = "TRUST_TEST_STAGE"

// stageExit is the process's status where it could not boot.
const stageExit = 99

// A stage says how a device is booted and what runs on it.
type stage struct {
	Image  string // the mounted squashfs
	Data   string // the device's directory on ext4
	Merged string // an empty directory, for WholeRoot

	Stale     bool // the overlays are mounted outside, then plainly chroot: their paths mean nothing inside
	Usr       bool // /usr is a writable overlay, too
	WholeRoot bool // all of the root is one writable overlay
	NoProc    bool
	Old       bool // the kernel lacks openat2, memfd_create, close_range, pidfd_open and statx
	Mounts    []mountSpec

	Argv, Env []string
	Open      string // a file that is left open at descriptor 7 and 300
	Swap      bool   // scripts change places with those in /etc/evil.d all the time
}

// A mountSpec is one further mount. Target is below the root; @ at the
// beginning of a source or of a path in Options is the device's /data.
type mountSpec struct {
	Source, Target, Type string
	Flags                uintptr
	Options              string
}

// newCalls are openat2, memfd_create, close_range, pidfd_open and statx.
var newCalls = map[string][]uint32{
	"amd64": {437, 319, 436, 434, 332},
	"arm64": {437, 279, 436, 434, 291},
}

// boot returns the error that kept the program from being started.
func boot(text string) error {
	// A filter is a thread's, and the thread becomes the program.
	runtime.LockOSThread()
	var s stage
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	root, err := s.enter()
	if err != nil {
		return err
	}
	if err := s.mountAll(root); err != nil {
		return err
	}
	if s.Stale {
		if err := chroot(root); err != nil {
			return err
		}
	}
	if s.Open != "" {
		if err := leaveOpen(s.Open); err != nil {
			return err
		}
	}
	if s.Old {
		if err := forbid(newCalls[runtime.GOARCH]...); err != nil {
			return fmt.Errorf("seccomp: %w", err)
		}
	}
	if s.Swap {
		return s.runAndSwap()
	}
	return syscall.Exec(s.Argv[0], s.Argv, s.Env)
}

// enter makes the root and returns the path by which it is reached: "" once
// it is the root.
func (s *stage) enter() (string, error) {
	root := s.Image
	if s.WholeRoot {
		root = s.Merged
		options := fmt.Sprintf("lowerdir=%s,upperdir=%s/root/upper,workdir=%s/root/work", s.Image, s.Data, s.Data)
		if err := syscall.Mount("overlay", root, "overlay", 0, options); err != nil {
			return "", fmt.Errorf("mounting the root: %w", err)
		}
	}
	if err := syscall.Mount(s.Data, root+"/data", "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return "", fmt.Errorf("mounting /data: %w", err)
	}
	if s.Stale {
		return root, nil
	}
	if err := syscall.PivotRoot(root, root+"/mnt"); err != nil {
		return "", fmt.Errorf("pivot_root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return "", err
	}
	return "", syscall.Unmount("/mnt", syscall.MNT_DETACH)
}

func (s *stage) mountAll(root string) error {
	var all []mountSpec
	if !s.NoProc {
		all = append(all, mountSpec{"proc", "/proc", "proc", 0, ""})
	}
	if !s.WholeRoot {
		all = append(all, overlayOn("etc"))
	}
	if s.Usr {
		all = append(all, overlayOn("usr"))
	}
	all = append(all, mountSpec{"@/var", "/var", "", syscall.MS_BIND, ""})
	for _, m := range append(all, s.Mounts...) {
		source := strings.Replace(m.Source, "@", root+"/data", 1)
		options := strings.NewReplacer("=@", "="+root+"/data", "=/", "="+root+"/").Replace(m.Options)
		if m.Type == makeDir {
			if err := os.MkdirAll(root+m.Target, 0o755); err != nil {
				return err
			}
			continue
		}
		if strings.Contains(options, "volatile") {
			// The kernel refuses a volatile overlay that was not unmounted.
			if err := os.RemoveAll(filepath.Join(root, "data/vol", "work", "work")); err != nil {
				return err
			}
		}
		if err := syscall.Mount(source, root+m.Target, m.Type, m.Flags, options); err != nil {
			return fmt.Errorf("mounting %s on %s (%s): %w", m.Type, m.Target, options, err)
		}
	}
	return nil
}

// makeDir as the Type of a mountSpec makes Target a directory.
const makeDir = "directory"

// overlayOn lays /data/NAME/upper over /NAME.
func overlayOn(name string) mountSpec {
	return mountSpec{"overlay", "/" + name, "overlay", 0,
		"lowerdir=/" + name + ",upperdir=@/" + name + "/upper,workdir=@/" + name + "/work"}
}

func chroot(root string) error {
	if err := syscall.Chroot(root); err != nil {
		return err
	}
	return os.Chdir("/")
}

func leaveOpen(path string) error {
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		return err
	}
	for _, to := range []int{7, 300} {
		// Without close-on-exec, as a careless init script would leave them.
		if err := syscall.Dup3(fd, to, 0); err != nil {
			return err
		}
	}
	return syscall.Close(fd)
}

// A bpf instruction, and the program for the kernel.
type sockFilter struct {
	Code   uint16
	Jt, Jf uint8
	K      uint32
}

type sockFprog struct {
	Len    uint16
	Filter *sockFilter
}

// forbid makes these system calls end with ENOSYS, for this process and what
// it becomes, as they do in a kernel that has them not.
func forbid(calls ...uint32) error {
	const (
		load, jumpEqual, ret = 0x20, 0x15, 0x06 // BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K
		allow, errno         = 0x7fff0000, 0x00050000
		noNewPrivs, seccomp  = 38, 22 // prctl
	)
	// offsetof(struct seccomp_data, nr) is 0.
	program := []sockFilter{{load, 0, 0, 0}}
	for i, nr := range calls {
		program = append(program, sockFilter{jumpEqual, uint8(len(calls) - i), 0, nr})
	}
	program = append(program, sockFilter{ret, 0, 0, allow}, sockFilter{ret, 0, 0, errno | uint32(syscall.ENOSYS)})
	if _, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, noNewPrivs, 1, 0); e != 0 {
		return e
	}
	p := sockFprog{uint16(len(program)), &program[0]}
	if _, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, seccomp, 2, uintptr(unsafe.Pointer(&p))); e != 0 {
		return e
	}
	return nil
}
