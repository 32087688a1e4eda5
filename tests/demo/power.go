// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// slowText is a migration that is in the middle of its work long enough to be
// killed there, and only at its first attempt.
const slowText = `#!/bin/sh
### BEGIN MIGRATION INFO
# Description: Add two lines, and take long between them
# Paths: /etc/slow.conf
### END MIGRATION INFO
echo "first line of attempt $MIGRATION_ATTEMPT" >>/etc/slow.conf
if [ "$MIGRATION_ATTEMPT" -eq 1 ]; then
    sleep 600
fi
echo "second line of attempt $MIGRATION_ATTEMPT" >>/etc/slow.conf
`

const slowID = "slow:two-lines"

// A stepError says which command the demo cannot go on without.
type stepError struct {
	command string
	code    int
}

func (e *stepError) Error() string { return fmt.Sprintf("%s exits %d", e.command, e.code) }

func (t *story) powerCut() error {
	t.step("The power goes in the middle of a migration", `
The runner is killed (SIGKILL) while a migration has added one line of two, which
is as near to a power cut as a program can get. At the next boot the file is put
back first, then the migration runs again: no line is there twice. (It is a
snippet without a package.)`)
	if err := t.prepareSlow(); err != nil {
		return err
	}
	half, err := t.killRunner()
	if err != nil {
		return err
	}
	t.say("  Killed. /etc/slow.conf is now:")
	t.indented(half)
	t.expect(half, "as it was before", "first line of attempt 1")
	t.device.runner(0, "status")
	printed, changed, err := t.device.boot(0)
	if err != nil {
		return err
	}
	t.expect(printed, slowID)
	t.expect(changed, "- first line of attempt 1", "+ first line of attempt 2", "+ second line of attempt 2")
	t.refuse(changed, "- as it was before")
	t.device.expectStates("complete", map[string]string{slowID: "applied"})
	return nil
}

// prepareSlow makes a device with the slow migration's bundle.
func (t *story) prepareSlow() error {
	var err error
	if t.device, err = newDevice(t.show, filepath.Join(t.dir, "slow-device"), true); err != nil {
		return err
	}
	snippets, bundle := filepath.Join(t.dir, "slow", "snippets"), filepath.Join(t.dir, "slow", "bundle")
	file := filepath.Join(snippets, strings.ReplaceAll(slowID, ":", "/"))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(slowText), 0o755); err != nil {
		return err
	}
	t.command(0, "mkmigrations", "build", "--snippets", snippets, "--release", "1.0", "--output", bundle)
	if err := t.device.write(map[string]string{"/etc/slow.conf": "as it was before\n"}); err != nil {
		return err
	}
	return t.device.install(bundle, nil)
}

// killRunner starts the runner, kills it when the file is half written, and
// returns what it holds then.
func (t *story) killRunner() (string, error) {
	args := []string{"run", "--root", t.device.root}
	if t.device.volatile {
		args = append(args, "--allow-volatile")
	}
	t.line("migrate-runner", append(args, "&"))
	cmd := t.program("migrate-runner", args...)
	if err := cmd.Start(); err != nil {
		return "", err
	}
	file := filepath.Join(t.device.root, "etc/slow.conf")
	var text []byte
	err := error(nil)
	for try := 0; try < 600 && err == nil && !strings.Contains(string(text), "first"); try++ {
		time.Sleep(50 * time.Millisecond)
		text, err = os.ReadFile(file)
	}
	t.line("kill", []string{"-KILL", "%1"})
	if killed := cmd.Process.Kill(); killed != nil {
		return "", killed
	}
	// It ends by the signal, which is what Wait reports.
	_ = cmd.Wait()
	return string(text), err
}
