// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Command mkmigrations builds the bundle of migrations for an image, on the
// build host. See `mkmigrations --help`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"meta-migration/tools/mkmigrations/internal/cli"
)

// version is set by the linker: -ldflags "-X main.version=1.2".
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := cli.Run(ctx, version, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}
