// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// launchFailed is the status of a launcher that could not start the script.
const launchFailed = 199

// init makes the test binary its own launcher: started with FUNCTIONS_ROOT in
// new namespaces, it mounts, changes root and becomes the shell. In init, since
// the main goroutine is then on the main thread, the one a tracer waits for.
func init() {
	if os.Getenv("FUNCTIONS_PROBE") != "" {
		check(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), "making mounts private")
		os.Exit(0)
	}
	if root := os.Getenv("FUNCTIONS_ROOT"); root != "" {
		runtime.LockOSThread()
		launch(root)
	}
}

func launch(root string) {
	check(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), "making mounts private")
	if layers := os.Getenv("FUNCTIONS_LAYERS"); layers != "" {
		check(overlayRoot(root, layers), "mounting an overlay over the root")
	}
	check(os.Chdir(root), "changing directory")
	check(syscall.Mount("/dev/null", "dev/null", "", syscall.MS_BIND, ""), "binding /dev/null")
	mountAll(os.Getenv("FUNCTIONS_MOUNTS"))
	check(syscall.Chroot("."), "changing root")
	check(os.Chdir("/"), "changing directory")
	null, err := os.Open("/dev/null")
	check(err, "opening /dev/null")
	check(syscall.Dup3(int(null.Fd()), 0, 0), "setting stdin")
	syscall.Umask(0o022)
	argv := strings.Split(os.Getenv("FUNCTIONS_ARGV"), "\n")
	filter := os.Getenv("FUNCTIONS_FILTER")
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "FUNCTIONS_") {
			env = append(env, v)
		}
	}
	if filter != "" {
		check(watchSyscalls(filter == "trace"), "filtering system calls")
	}
	check(syscall.Exec(argv[0], argv, env), "executing "+argv[0])
}

// overlayRoot puts an overlay over the whole root, as OpenBMC's static layout
// does, with cow and work below layers. As there, what the mount table says of
// its directories means nothing inside, and the lower layer and the upper one
// are at /run/initramfs/ro and /run/initramfs/rw/cow.
func overlayRoot(root, layers string) error {
	if err := syscall.Mount(root, layers+"/ro", "", syscall.MS_BIND, ""); err != nil {
		return err
	}
	options := "lowerdir=" + root + ",upperdir=" + layers + "/rw/cow,workdir=" + layers + "/rw/work"
	if err := syscall.Mount("overlay", root, "overlay", 0, options); err != nil {
		return err
	}
	return syscall.Mount(layers, root+"/run/initramfs", "", syscall.MS_BIND|syscall.MS_REC, "")
}

// mountAll does lines "bind SOURCE TARGET", "tmpfs TARGET" and
// "overlay LOWER UPPER WORK TARGET", with paths relative to the root, but for
// an absolute SOURCE.
func mountAll(lines string) {
	for _, line := range strings.Split(lines, "\n") {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		var err error
		switch f[0] {
		case "bind":
			err = syscall.Mount(f[1], f[2], "", syscall.MS_BIND|syscall.MS_REC, "")
		case "tmpfs":
			err = syscall.Mount("tmpfs", f[1], "tmpfs", 0, "")
		case "overlay":
			// Paths as they are inside the root, as in oe-core's preinit: the
			// library reads them from /proc/self/mounts.
			err = inRoot(func() error {
				options := "lowerdir=/" + f[1] + ",upperdir=/" + f[2] + ",workdir=/" + f[3] + ",index=off,xino=off,redirect_dir=off,metacopy=off"
				return syscall.Mount("/"+f[2], "/"+f[4], "overlay", 0, options)
			})
		default:
			err = fmt.Errorf("unknown mount %q", line)
		}
		check(err, "mount "+line)
	}
}

// inRoot runs f with the working directory as root, and goes back after it.
func inRoot(f func() error) error {
	old, err := os.Open("/")
	if err != nil {
		return err
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := syscall.Chroot("."); err != nil {
		return err
	}
	result := f()
	if err := syscall.Fchdir(int(old.Fd())); err != nil {
		return err
	}
	if err := syscall.Chroot("."); err != nil {
		return err
	}
	if err := os.Chdir(filepath.Clean(here)); err != nil {
		return err
	}
	return result
}

// check ends the launcher.
func check(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(launchFailed)
	}
}
