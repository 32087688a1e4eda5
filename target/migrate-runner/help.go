// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strings"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/internal/report"
)

// pad puts blanks behind s up to width.
func pad(s string, width int) string {
	for len(s) < width {
		s += " "
	}
	return s
}

func quote(s string) string { return bundle.Quote(s) }

func printVersion(*options) (int, error) {
	return engine.ExitDone, report.Out("migrate-runner " + version + "\n")
}

func printHelp(*options) (int, error) {
	var b strings.Builder
	b.WriteString("Usage: migrate-runner [COMMAND] [FLAG]...\n\nMake each migration of this image's bundle take effect once.\n\nCommands:\n")
	for _, c := range commands() {
		name := c.name
		if c.takesID {
			name += " ID"
		}
		b.WriteString("  " + pad(name, 14) + c.about + "\n")
	}
	b.WriteString(`
Flags:
  --root DIR        work on the tree DIR; scripts run chrooted in it
  --image DIR       check: judge the bundle of the image in DIR against this device
  --json            status: print JSON
  --allow-volatile  accept a state directory that does not outlive a reboot
  --help            show this text

Exit codes:
  0  done, nothing to do, or only "not now" left
  1  I/O or internal error
  2  usage
  3  a migration failed or is blocked; require: not applied
  4  refused: the data is newer than this image allows
  5  refused: the device is older than Min-From
  6  refused: bundle not trusted
  7  refused: state volatile, corrupt, not writable or without room
  8  another runner holds the lock
`)
	return engine.ExitDone, report.Out(b.String())
}
