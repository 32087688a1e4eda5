// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package machine is what tests need to boot a virtual machine: Debian's
// kernel and its modules, an initramfs, and qemu.
//
// Downloads are kept below the user's cache directory, in
// meta-migration-tests; nothing is installed.
package machine
