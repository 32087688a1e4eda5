// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Migrate-runner makes each migration of an image's bundle take effect once
// on the device. See migrate-runner(8).
package main

import (
	"runtime"
	"syscall"

	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/internal/early"
	"meta-migration/target/migrate-runner/internal/report"
)

// version is set by the build.
var version = "0.0.0"

func init() {
	// Scripts die with the thread that started them, which must be the one
	// that lives as long as the process: the main one.
	runtime.LockOSThread()
}

func main() { syscall.Exit(runMain(early.Args()[1:], syscall.Environ())) }

// runMain runs one command and returns the exit code. It is the one place
// where errors are printed.
func runMain(args, environ []string) int {
	report.Open(environ)
	o, err := parseArgs(args)
	if err != nil {
		report.Error(err.Error(), "migrate-runner --help shows the commands")
		return engine.ExitUsage
	}
	code, err := o.command.run(o)
	if err != nil {
		report.Error(err.Error(), hintOf(err))
		return exitOf(err, code)
	}
	return code
}
