// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package vm boots images in a virtual machine: a real kernel, a real init, a
// real overlay, the runner in its place.
//
// An image is a read-only squashfs of Debian's packages (systemd, dbus, udev),
// with a bundle that mkmigrations made of packages, and with the runner as
// the layer's recipe installs it: do_install of the recipe is what lays it
// out. /etc is an overlay on a data disk, /var is on a disk; both stay as a
// device goes from image to image. Each boot is a qemu of its own, without
// KVM. A script that the test gives to the boot prints what is to be known to
// the serial port, where the test reads it.
//
// `go test ./tests/vm` boots a part of it, VM=full (make test-vm) all, VM=ci
// (.ci/run) all but what would be late on a slow host. Where
// qemu, mmdebstrap or a network for them is missing, it is skipped. Kernel and
// root file systems are kept below the user's cache directory.
package vm
