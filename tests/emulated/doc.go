// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package emulated runs the runner of other architectures under qemu's user
// emulation, each on the oldest processor that it is built for: an
// instruction that a device has not got ends it there, too.
package emulated
