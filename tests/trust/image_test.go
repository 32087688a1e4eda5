// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"meta-migration/tests/crash"
)

// What the images ship. Each script says that it ran.
var shipped = map[string]string{
	"zulu/first":   "#!/bin/sh\necho first >> /data/log\n",
	"alpha/second": "#!/bin/sh\n### BEGIN MIGRATION INFO\n# After: zulu\n### END MIGRATION INFO\n" + lookAround,
	"mike/third":   "#!/bin/sh\n### BEGIN MIGRATION INFO\n# After: alpha\n### END MIGRATION INFO\n" + writeSelf,
}

const all = "first second third"

// lookAround keeps what a script gets besides its text.
const lookAround = `echo second >> /data/log
env > /data/env
: > /data/fds
for f in /proc/$$/fd/*; do
    # The descriptor by which the shell lists them is closed by now.
    if readlink "$f" > /dev/null; then echo "$f" >> /data/fds; fi
done
`

// writeSelf tries to change the text that is being run, where that is a
// descriptor: the shell reads it piece by piece. With the copy that stands in
// for it the script, being root, could.
const writeSelf = `. "$MIGRATION_LIB"
case $0 in /proc/*)
    for file in "$0" /proc/self/fd/3 /proc/$$/fd/3; do
        if (echo 'echo evil >> /data/log' >> "$file") 2>/dev/null; then echo "evil: wrote $file" >> /data/log; fi
        if (: > "$file") 2>/dev/null; then echo "evil: emptied $file" >> /data/log; fi
    done
    if (echo 'echo evil >> /data/log' >&3) 2>/dev/null; then echo 'evil: wrote 3' >> /data/log; fi ;;
esac
echo third >> /data/log
`

// A lab is what all tests share.
type lab struct {
	dir    string // everything is below it
	images map[string]string
	disk   string // an ext4 for the devices' data
	merged string // where a root overlay is mounted
	why    error  // why it could not be set up
	n      int
	sync.Mutex
}

var (
	shared *lab
	once   sync.Once
)

// needLab sets the lab up once, or skips the test with the reason.
func needLab(t testing.TB) *lab {
	t.Helper()
	once.Do(func() {
		shared = &lab{images: map[string]string{}}
		shared.why = shared.setUp()
	})
	var lack lacking
	if errors.As(shared.why, &lack) {
		t.Skipf("skipping: %v", lack)
	}
	// What our programs get wrong must not look like a machine without tools.
	must(t, shared.why)
	return shared
}

// lacking is what the machine has not.
type lacking string

func (l lacking) Error() string { return string(l) }

func dismantle() {
	if shared == nil || shared.dir == "" {
		return
	}
	for _, dir := range append([]string{shared.disk}, shared.mounted()...) {
		_ = syscall.Unmount(dir, syscall.MNT_DETACH)
	}
	_ = os.RemoveAll(shared.dir)
}

func (l *lab) mounted() []string {
	var all []string
	for _, dir := range l.images {
		all = append(all, dir)
	}
	return all
}

func (l *lab) setUp() (err error) {
	switch {
	case os.Geteuid() != 0:
		return lacking("mounting needs root")
	case os.Getenv(insideVar) == noNamespace:
		return lacking("no mount namespace can be made here")
	case newCalls[runtime.GOARCH] == nil:
		return lacking("the numbers of system calls of " + runtime.GOARCH + " are not in the table")
	case crash.Busybox() == "":
		return lacking("no static busybox (Debian: busybox-static)")
	}
	for _, tool := range []string{"mksquashfs", "mke2fs"} {
		if _, err := exec.LookPath(tool); err != nil {
			return lacking(tool + " is not installed (tests/install-tools.sh)")
		}
	}
	if l.dir, err = os.MkdirTemp("", "trust-test-"); err != nil {
		return err
	}
	l.disk, l.merged = filepath.Join(l.dir, "disk"), filepath.Join(l.dir, "merged")
	if err := os.Mkdir(l.merged, 0o755); err != nil {
		return err
	}
	if err := buildPrograms(l.dir); err != nil {
		return err
	}
	if err := mountExt4(l.disk, "512M"); err != nil {
		return err
	}
	return l.addImage("1.0", shipped)
}

// buildPrograms makes both programs, and the runner whose rules can be broken.
func buildPrograms(dir string) error {
	overlay, err := plant(dir)
	if err != nil {
		return err
	}
	for name, args := range map[string][]string{
		"mkmigrations":   {"meta-migration/tools/mkmigrations"},
		"migrate-runner": {"meta-migration/target/migrate-runner"},
		"broken-runner":  {"-overlay", overlay, "meta-migration/target/migrate-runner"},
	} {
		cmd := exec.Command("go", append([]string{"build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(dir, name)}, args...)...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			// A test that cannot be built must not look like one that was skipped.
			panic(fmt.Sprintf("building %s: %v\n%s", name, err, out))
		}
	}
	return nil
}

// mountExt4 makes an ext4 of this size and mounts it on a new directory.
func mountExt4(dir, size string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if out, err := exec.Command("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", dir+".img", size).CombinedOutput(); err != nil {
		return fmt.Errorf("making an ext4: %w: %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", dir+".img", dir).CombinedOutput(); err != nil {
		return lacking(fmt.Sprintf("mounting an ext4: %v: %s", err, out))
	}
	return nil
}

var applets = strings.Fields("sh cat cp mv rm mkdir ls env sed grep touch chmod chown ln mknod mkfifo printf mount dd truncate true sleep readlink")

// addImage makes a squashfs of a root with a bundle of these migrations, and
// mounts it.
func (l *lab) addImage(release string, migrations map[string]string, flags ...string) error {
	name := "image-" + release
	tree, snippets := filepath.Join(l.dir, name+".tree"), filepath.Join(l.dir, name+".snippets")
	for _, dir := range strings.Fields("bin dev etc proc sys tmp run var data mnt usr/bin usr/sbin usr/lib") {
		if err := os.MkdirAll(filepath.Join(tree, dir), 0o755); err != nil {
			return err
		}
	}
	for _, c := range [][]string{
		{"cp", crash.Busybox(), tree + "/bin/busybox"},
		{"cp", l.dir + "/migrate-runner", l.dir + "/broken-runner", tree + "/usr/sbin"},
		{"mknod", "-m", "666", tree + "/dev/null", "c", "1", "3"},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", c, err, out)
		}
	}
	for _, a := range applets {
		if err := os.Symlink("busybox", filepath.Join(tree, "bin", a)); err != nil {
			return err
		}
	}
	for path, text := range migrations {
		file := filepath.Join(snippets, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	args := append([]string{"build", "--release", release, "--snippets", snippets, "--output", tree + ".bundle"}, flags...)
	if out, err := exec.Command(filepath.Join(l.dir, "mkmigrations"), args...).CombinedOutput(); err != nil {
		return fmt.Errorf("building the bundle: %w: %s", err, out)
	}
	if out, err := exec.Command("cp", "-a", tree+".bundle/.", tree).CombinedOutput(); err != nil {
		return fmt.Errorf("installing the bundle: %w: %s", err, out)
	}
	return l.mountImage(release, tree)
}

func (l *lab) mountImage(release, tree string) error {
	file, dir := tree+".squashfs", filepath.Join(l.dir, "root-"+release)
	// Packing costs more than it saves here.
	out, err := exec.Command("mksquashfs", tree, file, "-all-root", "-noappend", "-no-progress", "-noI", "-noD", "-noF", "-noX").CombinedOutput()
	if err != nil {
		return fmt.Errorf("mksquashfs: %w: %s", err, out)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if out, err := exec.Command("mount", "-o", "loop,ro", file, dir).CombinedOutput(); err != nil {
		return lacking(fmt.Sprintf("mounting a squashfs: %v: %s", err, out))
	}
	l.images[release] = dir
	return nil
}

// image mounts a further image when a test first asks for it.
func (l *lab) image(t testing.TB, release string, migrations map[string]string, flags ...string) string {
	t.Helper()
	l.Lock()
	defer l.Unlock()
	if l.images[release] == "" {
		must(t, l.addImage(release, migrations, flags...))
	}
	return l.images[release]
}
