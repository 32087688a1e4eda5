// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Threads is a process whose first thread has ended: in /proc it looks like a
// zombie, and lives on.
package main

import (
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func init() { runtime.LockOSThread() }

func main() {
	signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for {
			time.Sleep(time.Second)
		}
	}()
	// Not exit_group: it ends the calling thread.
	_, _, _ = syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0)
}
