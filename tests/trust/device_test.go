// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A device is a directory on the ext4 and the way it is booted.
type device struct {
	t    testing.TB
	lab  *lab
	data string
	stage
}

// modes are the ways in which each attack is tried.
var modes = map[string]stage{
	"namespace": {},                                     // pivot_root, as after an initramfs
	"chroot":    {Stale: true},                          // mounted outside: stale paths in the list of mounts
	"old":       {Stale: true, NoProc: true, Old: true}, // a bare chroot, on a kernel without the newer calls
}

// newDevice makes one that was never started.
func newDevice(t testing.TB, s stage) *device {
	t.Helper()
	l := needLab(t)
	l.Lock()
	l.n++
	n := l.n
	l.Unlock()
	d := &device{t: t, lab: l, data: filepath.Join(l.disk, fmt.Sprint(n)), stage: s}
	for _, dir := range strings.Fields("etc/upper etc/work usr/upper usr/work root/upper root/work var/lib home vol/upper vol/work") {
		must(t, os.MkdirAll(filepath.Join(d.data, dir), 0o755))
	}
	// What it holds is large in some tests, and the disk is small.
	t.Cleanup(func() { _ = os.RemoveAll(d.data) })
	must(t, os.Chown(d.path("home"), 1000, 1000))
	if d.Image == "" {
		d.Image = l.images["1.0"]
	}
	d.Data, d.Merged = d.data, l.merged
	return d
}

func (d *device) path(name string) string { return filepath.Join(d.data, name) }

// An outcome is what one program on the device did.
type outcome struct {
	code           int
	stdout, stderr string
	memory         int64 // bytes, its largest resident set
	cpu            time.Duration
}

// exec boots the device, and makes it run one program.
func (d *device) exec(env []string, argv ...string) outcome {
	d.t.Helper()
	s := d.stage
	s.Argv, s.Env = argv, append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, env...)
	text, err := json.Marshal(s)
	must(d.t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), stageVar+"="+string(text))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	err = cmd.Run()
	out := outcome{0, stdout.String(), stderr.String(), 0, 0}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		out.code = exit.ExitCode()
	} else if err != nil {
		d.t.Fatal(err)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		out.memory, out.cpu = usage.Maxrss<<10, time.Duration(usage.Utime.Nano()+usage.Stime.Nano())
	}
	if out.code == stageExit {
		d.t.Skipf("skipping: booting the device: %s", out.stderr)
	}
	return out
}

// shell is what somebody does who is logged in as root.
func (d *device) shell(script string) {
	d.t.Helper()
	s := d.stage
	defer func() { d.stage = s }()
	d.Old, d.Open = false, ""
	if out := d.exec(nil, "/bin/sh", "-e", "-c", script); out.code != 0 {
		d.t.Fatalf("%s\nexits with %d: %s", script, out.code, out.stderr)
	}
}

// ran is what the scripts have said, in one line.
func (d *device) ran() string {
	text, err := os.ReadFile(d.path("log"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// touched is a picture of all that /etc/migration.d consists of in the
// writable layers: any change of a name, a content or an attribute shows.
func (d *device) touched() string {
	var b strings.Builder
	for _, layer := range []string{"etc/upper", "root/upper/etc"} {
		err := filepath.WalkDir(d.path(layer), func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := strings.TrimPrefix(path, d.path(layer))
			if !strings.HasPrefix(name, "/migration.d") {
				return nil
			}
			var st syscall.Stat_t
			if err := syscall.Lstat(path, &st); err != nil {
				return err
			}
			content := ""
			switch st.Mode & syscall.S_IFMT {
			case syscall.S_IFCHR:
				// All whiteouts of an overlay are names of one file.
				st.Nlink, st.Ctim = 0, syscall.Timespec{}
			case syscall.S_IFREG:
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				content = fmt.Sprintf("%x", sha256.Sum256(data))
			}
			fmt.Fprintf(&b, "%q %d %o %d:%d %d %d %v %v %s\n", name, st.Ino, st.Mode, st.Uid, st.Gid, st.Nlink, st.Rdev, st.Mtim, st.Ctim, content)
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.t.Fatal(err)
		}
	}
	return b.String()
}
