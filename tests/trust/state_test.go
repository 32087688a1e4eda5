// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	bind       = syscall.MS_BIND
	readOnly   = syscall.MS_REMOUNT | syscall.MS_BIND | syscall.MS_RDONLY
	mountThere = `hint: mount persistent storage on /var or on /var/lib/migration before the runner starts \(--allow-volatile accepts it, for tests and live images\)`
	ownDir     = `hint: it must be a directory of root, mode 0700, not reached through a link; to keep it elsewhere bind-mount that place on it`
	refusing   = `^release 1.0: refused: `
)

// victim is a user's file that a link leads to.
func victim(d *device) string {
	data, err := os.ReadFile(d.path("home/victim"))
	var st syscall.Stat_t
	if err == nil {
		err = syscall.Stat(d.path("home/victim"), &st)
	}
	if err != nil || string(data) != "mine\n" || st.Uid != 1000 && st.Uid != 0 || st.Mode&0o777 != 0o644 {
		return "the user's file was changed"
	}
	entries, err := os.ReadDir(d.path("home"))
	if err != nil || len(entries) != 1 {
		return "something was put into the user's directory"
	}
	return ""
}

const (
	makeVictim = "echo mine > /data/home/victim; chown 1000:1000 /data/home/victim; "
	rootOwned  = "chown 0:0 /data/home/victim; " // so that its owner alone does not protect it
	makeState  = "mkdir -p /var/lib/migration; chmod 700 /var/lib/migration; "
)

// linked makes name in the state directory another name of the user's file:
// the mounts of a device keep a shell from it, one behind them not.
func linked(name string) func(d *device) {
	return func(d *device) {
		path := d.path("var/lib/migration/" + name)
		must(d.t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(d.t, os.Link(d.path("home/victim"), path))
	}
}

// TestState: links, owners and modes of the state directory and its files.
// Nothing is run, and no file that a link leads to is changed.
func TestState(t *testing.T) {
	opening := func(what, why string) []string {
		return []string{"error: opening " + what + ": " + why, ownDir}
	}
	const (
		dir   = "the state directory /var/lib/migration"
		link  = "a part of the path is a symbolic link"
		owner = "it, or a directory above it, is not owned by root"
		mode  = "it, or a directory above it, can be written by others than root"
		file  = "it is no regular file with one name"
	)
	testAll(t, []attack{
		{name: "a symbolic link", breaks: "state's links", exit: 7, do: makeVictim + "ln -s /data/home /var/lib/migration", says: opening(dir, link), check: victim},
		{name: "a link above it", breaks: "state's links", exit: 7, do: makeVictim + "rm -r /var/lib; ln -s /data/home /var/lib", says: opening(dir, link), check: victim},
		{name: "given to a user", breaks: "state's owner", exit: 7, do: makeState + "chown 1000 /var/lib/migration", says: opening(dir, owner)},
		{name: "a user's directory above it", breaks: "state's owner", exit: 7, do: makeState + "chown 1000 /var/lib", says: opening(dir, owner)},
		{name: "open to a group", breaks: "state's mode", exit: 7, do: makeState + "chmod 0770 /var/lib/migration", says: opening(dir, mode)},
		{name: "open to all above it", breaks: "state's mode", exit: 7, do: makeState + "chmod 0777 /var", says: opening(dir, mode)},
		{name: "a file", exit: 7, do: "echo x > /var/lib/migration", says: opening(dir, "not a directory")},
		{name: "lock a symbolic link", breaks: "file's links", exit: 7, do: makeVictim + makeState + "ln -s /data/home/victim /var/lib/migration/lock",
			says: opening("the lock", link), check: victim},
		{name: "lock a link to nothing", breaks: "file's links", exit: 7, do: makeVictim + makeState + "ln -s /data/home/new /var/lib/migration/lock",
			says: opening("the lock", link), check: victim},
		{name: "lock a fifo", breaks: "one name", exit: 7, do: makeState + "mkfifo /var/lib/migration/lock", says: opening("the lock", file)},
		{name: "lock a hard link", breaks: "one name", exit: 7, do: makeVictim, host: linked("lock"), says: opening("the lock", file), check: victim},
		{name: "ledger a symbolic link", breaks: "file's links", exit: 7, do: makeVictim + makeState + "ln -s /data/home/victim /var/lib/migration/ledger",
			says: opening("the ledger", link), check: victim},
		{name: "ledger a hard link", breaks: "one name", exit: 7, do: makeVictim, host: linked("ledger"), says: opening("the ledger", file), check: victim},
		{name: "ledger a fifo", breaks: "one name", exit: 7, do: makeState + "mkfifo /var/lib/migration/ledger", says: opening("the ledger", file)},
		{name: "ledger given to a user", breaks: "file's owner", exit: 7, do: makeState + ": > /var/lib/migration/ledger; chown 1000 /var/lib/migration/ledger",
			says: opening("the ledger", owner)},
		{name: "ledger open to all", breaks: "file's mode", exit: 7, do: makeState + ": > /var/lib/migration/ledger; chmod 0666 /var/lib/migration/ledger",
			says: opening("the ledger", mode)},
	})
}

// TestStateOutput: where the runner only writes what people read, a link is
// not followed, is said, and the migration takes effect all the same.
func TestStateOutput(t *testing.T) {
	const log = "/var/lib/migration/log"
	warned := []string{`warning: writing the log of zulu:first: .*, ignoring`}
	done := []string{`release 1.0: complete`}
	testAll(t, []attack{
		{name: "log a symbolic link", breaks: "file's links", ran: all, says: warned, status: done, check: victim,
			do: makeVictim + rootOwned + makeState + "mkdir " + log + "; ln -s /data/home/victim " + log + "/zulu:first"},
		{name: "log a link to nothing", breaks: "file's links", ran: all, says: warned, status: done, check: victim,
			do: makeVictim + makeState + "mkdir " + log + "; ln -s /data/home/new " + log + "/zulu:first"},
		{name: "log a hard link", breaks: "one name", ran: all, says: warned, status: done, check: victim, do: makeVictim + rootOwned, host: linked("log/zulu:first")},
		{name: "log a fifo", ran: all, says: warned, status: done, do: makeState + "mkdir " + log + "; mkfifo " + log + "/zulu:first"},
		{name: "log directory a link", breaks: "state's links", ran: all, says: warned, status: done, check: victim,
			do: makeVictim + makeState + "ln -s /data/home " + log},
	})
}

// TestStateDirectories: the other directories of the state.
func TestStateDirectories(t *testing.T) {
	failed := []string{`zulu:first: failed: .*symbolic link`}
	testAll(t, []attack{
		{name: "private directories a link", breaks: "state's links", exit: 3, says: failed, check: victim,
			do: makeVictim + makeState + "ln -s /data/home /var/lib/migration/state"},
		{name: "script directory a link", breaks: "state's links", exit: 3, says: failed, check: victim,
			do: makeVictim + makeState + "ln -s /data/home /var/lib/migration/script"},
		{name: "marker directory a link", exit: 7, says: []string{`error: removing the marker: a part of the path is a symbolic link`}, check: victim,
			do: makeVictim + makeState + "ln -s /data/home /var/lib/migration/complete"},
	})
}

// TestVolatile: a state that a power-off takes away is refused before
// anything runs.
func TestVolatile(t *testing.T) {
	lost := func(where string) []string {
		return []string{`error: /var/lib/migration is ` + where + `: what is recorded there is lost at the next boot`, mountThere}
	}
	over := func(target, lower, upper, work, more string) mountSpec {
		return mountSpec{"overlay", target, "overlay", 0, "lowerdir=" + lower + ",upperdir=" + upper + ",workdir=" + work + more}
	}
	inMemory := []mountSpec{
		{"tmpfs", "/run", "tmpfs", 0, "mode=755"}, {"", "/run/upper", makeDir, 0, ""}, {"", "/run/work", makeDir, 0, ""},
		over("/var", "/var", "/run/upper", "/run/work", ""),
	}
	testAll(t, []attack{
		{name: "tmpfs on /var", breaks: "tmpfs", exit: 7, says: lost("on a tmpfs"), status: []string{refusing},
			on: stage{Mounts: []mountSpec{{"tmpfs", "/var", "tmpfs", 0, "mode=755"}}}},
		{name: "tmpfs on the state directory", breaks: "tmpfs", exit: 7, says: lost("on a tmpfs"), status: []string{refusing},
			on: stage{Mounts: []mountSpec{{"", "/var/lib/migration", makeDir, 0, ""}, {"tmpfs", "/var/lib/migration", "tmpfs", 0, "mode=700"}}}},
		{name: "ramfs", breaks: "ramfs", exit: 7, says: lost("on a ramfs"), status: []string{refusing},
			on: stage{Mounts: []mountSpec{{"ramfs", "/var", "ramfs", 0, "mode=755"}}}},
	})
	// What is seen of an overlay is in /proc, and its path must mean something
	// where the runner is: see docs/security.md.
	for _, a := range []attack{
		{name: "overlay mounted volatile", breaks: "volatile", exit: 7, says: lost(`on an overlay mounted with the option "volatile"`),
			status: []string{refusing}, on: stage{Mounts: []mountSpec{over("/var", "/var", "@/vol/upper", "@/vol/work", ",volatile")}}},
		{name: "overlay whose upper is on a tmpfs", breaks: "upper on tmpfs", exit: 7, says: lost("on an overlay whose upper layer is on a tmpfs"),
			status: []string{refusing}, on: stage{Mounts: inMemory}},
	} {
		t.Run(a.name, func(t *testing.T) {
			for _, text := range a.try(t, modes["namespace"], "migrate-runner") {
				t.Error(text)
			}
			if a.breaks == "volatile" {
				for _, text := range a.try(t, modes["chroot"], "migrate-runner") {
					t.Error(text)
				}
			}
			if a.try(t, modes["namespace"], "broken-runner", breakVar+"="+a.breaks) == nil {
				t.Errorf("without the rule %q nothing is noticed", a.breaks)
			}
		})
	}
}

// TestReadOnly: a state that cannot be written, before and after there is one.
func TestReadOnly(t *testing.T) {
	says := []string{`error: opening the (state directory /var/lib/migration|lock): read-only file system`, `hint: mount the file system of /var read-write before the runner starts`}
	const readOnlyStatus = `release 1.0: refused: examining /var/lib/migration: read-only file system`
	locked := stage{Mounts: []mountSpec{{"", "/var", "", readOnly, ""}}}
	testAll(t, []attack{
		{name: "without a state", exit: 7, says: says, on: locked, status: []string{readOnlyStatus}},
		{name: "with a state", exit: 7, says: says, on: locked, status: []string{readOnlyStatus}, host: func(d *device) {
			must(d.t, os.MkdirAll(d.path("var/lib/migration"), 0o700))
		}},
	})
}

// TestFull: a full disk is said before anything runs.
func TestFull(t *testing.T) {
	l := needLab(t)
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t, mode)
			small := filepath.Join(l.dir, "full-"+name)
			must(t, mountExt4(small, "1M"))
			t.Cleanup(func() { _ = syscall.Unmount(small, syscall.MNT_DETACH) })
			must(t, os.MkdirAll(filepath.Join(small, "lib"), 0o755))
			f, err := os.Create(filepath.Join(small, "fill"))
			must(t, err)
			for err = nil; err == nil; {
				_, err = f.Write(make([]byte, 1024))
			}
			must(t, f.Close())
			must(t, syscall.Mount(small, d.path("var"), "", bind, ""))
			t.Cleanup(func() { _ = syscall.Unmount(d.path("var"), syscall.MNT_DETACH) })
			out := d.exec(nil, "/usr/sbin/migrate-runner", "run")
			if out.code != 7 || d.ran() != "" || !strings.Contains(out.stderr, "no space left on device") ||
				!strings.Contains(out.stderr, "hint: free space on the file system of /var/lib/migration") {
				t.Errorf("exits with %d, %q ran: %s", out.code, d.ran(), out.stderr)
			}
			must(t, os.Remove(filepath.Join(small, "fill")))
			if out := d.exec(nil, "/usr/sbin/migrate-runner", "run"); out.code != 0 || d.ran() != all {
				t.Errorf("with space it exits with %d, %q ran: %s", out.code, d.ran(), out.stderr)
			}
		})
	}
}
