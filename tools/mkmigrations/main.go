// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Command mkmigrations builds the bundle of migrations for an image, on the
// build host. See `mkmigrations --help`.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"meta-migration/tools/mkmigrations/internal/cli"
)

// version is set by the linker: -ldflags "-X main.version=1.2".
var version = "devel"

// memory is the size, in bytes, from which garbage is collected more often
// than is good for speed. It is no limit. A build has 64 MB; the program's own
// code and the decoders' windows are not the collector's.
const memory = 40 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := cli.Run(ctx, version, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}
