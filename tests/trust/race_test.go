// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// renameExchange makes two files change places at once.
func renameExchange(a, b string, number uintptr) error {
	pa, err := syscall.BytePtrFromString(a)
	if err != nil {
		return err
	}
	pb, err := syscall.BytePtrFromString(b)
	if err != nil {
		return err
	}
	const exchange, cwd = 2, ^uintptr(99) // RENAME_EXCHANGE, AT_FDCWD
	_, _, e := syscall.Syscall6(number, cwd, uintptr(unsafe.Pointer(pa)), cwd, uintptr(unsafe.Pointer(pb)), exchange, 0)
	if e != 0 {
		return e
	}
	return nil
}

// runAndSwap runs the program as a child, and lets each script change places
// with an evil one until it ends. It says how often, and exits as the child.
func (s *stage) runAndSwap() error {
	number := map[string]uintptr{"amd64": 316, "arm64": 276}[runtime.GOARCH] // renameat2
	entries, err := os.ReadDir("/etc/evil.d")
	if err != nil {
		return err
	}
	cmd := exec.Command(s.Argv[0], s.Argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.Env, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for swaps := 0; ; swaps++ {
		name := entries[swaps%len(entries)].Name()
		if err := renameExchange("/etc/migration.d/"+name, "/etc/evil.d/"+name, number); err != nil {
			return err
		}
		select {
		case err := <-ended:
			fmt.Fprintf(os.Stdout, "swaps: %d\n", swaps)
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				os.Exit(exit.ExitCode())
			}
			os.Exit(0)
		// Often enough, and the scripts get a processor, too.
		case <-time.After(50 * time.Microsecond):
		}
	}
}

// many are n migrations that say that they are good.
func many(n int) map[string]string {
	all := map[string]string{}
	for i := 0; i < n; i++ {
		all[fmt.Sprintf("zulu/m%04d", i)] = "#!/bin/sh\necho good >> /data/log\n"
	}
	return all
}

// race runs n migrations, whose scripts somebody swaps all the time, and
// returns which ran.
func race(t *testing.T, n int, program string, env ...string) (good, evil, swaps int, out outcome) {
	t.Helper()
	l := needLab(t)
	d := newDevice(t, stage{Image: l.image(t, fmt.Sprint("race", n), many(n))})
	d.shell(`mkdir /etc/evil.d
		for f in /etc/migration.d/0*; do
			printf '#!/bin/sh\necho evil >> /data/log\n' > /etc/evil.d/${f##*/}; chmod 755 /etc/evil.d/${f##*/}
		done`)
	d.Swap = true
	// In memory: a thousand flushes of a disk would only take time.
	d.Mounts = []mountSpec{{"tmpfs", "/var", "tmpfs", 0, "mode=755"}}
	out = d.exec(env, "/usr/sbin/"+program, "run", "--allow-volatile")
	if _, err := fmt.Sscanf(out.stdout, "swaps: %d", &swaps); err != nil {
		t.Fatalf("%v: %s%s", err, out.stdout, out.stderr)
	}
	for _, word := range strings.Fields(d.ran()) {
		switch word {
		case "good":
			good++
		case "evil":
			evil++
		}
	}
	return good, evil, swaps, out
}

// TestSwappedScripts: 1,000 scripts, each swapped again and again between the
// first check and its execution. What was checked is what runs.
func TestSwappedScripts(t *testing.T) {
	t.Parallel()
	const tries = 1000
	good, evil, swaps, out := race(t, tries, "migrate-runner")
	t.Logf("%d good, %d evil, %d swaps", good, evil, swaps)
	if good != tries || evil != 0 || out.code != 0 {
		t.Errorf("exits with %d, %d good and %d evil ran: %.2000s", out.code, good, evil, out.stderr)
	}
	// On an idle machine there are some five a try, on a busy one two.
	if swaps < tries/2 {
		t.Errorf("only %d swaps in %d tries", swaps, tries)
	}
	if !strings.Contains(out.stderr, "was replaced (another content); the image's copy is used") {
		t.Errorf("no swap is reported: %.2000s", out.stderr)
	}
}

// TestSwappedScriptsUnchecked: a runner that reads a script once more without
// checking it runs some of the evil ones, so the race above can be lost.
func TestSwappedScriptsUnchecked(t *testing.T) {
	t.Parallel()
	good, evil, swaps, _ := race(t, 60, "broken-runner", breakVar+"=second look")
	t.Logf("%d good, %d evil, %d swaps", good, evil, swaps)
	if evil == 0 {
		t.Error("without the second look nothing is noticed: the test proves nothing")
	}
}
