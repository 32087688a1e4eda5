// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package updaters runs the examples of examples/updaters with the real
// updaters: RAUC, SWUpdate and Mender, as Debian packages them (tools.sh unpacks
// them), and by its calling convention what OpenBMC's updater calls.
//
// A device is a disk of loop devices: two slots, and a partition for the data
// and for the environment of U-Boot. An image is an ext4 or squashfs file with
// busybox, the real runner, a bundle made by the real mkmigrations, and the
// files of the example where its head says that they are installed. The device
// boots by mounting a slot and running the image's runner as the first boot
// does; what the test itself plays is U-Boot, which counts attempts and falls
// back, and the order in which systemd would start units.
//
// All of it needs root, loop devices and a mount namespace, in which the tests
// run; elsewhere they are skipped.
package updaters
