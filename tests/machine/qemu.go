// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package machine

// Qemu is the program that runs a machine.
const Qemu = "qemu-system-x86_64"

// Args begins qemu's command line: a machine with one serial port, which is
// the process' stdin and stdout, and nothing else. append is the kernel's
// command line behind what every machine has.
//
// It does not use KVM, even where it seems to be there: on hosts that are
// virtual themselves such a guest may never start.
func (k *Kernel) Args(initrd, append string) []string {
	return []string{"-accel", "tcg", "-cpu", "qemu64", "-m", "512", "-nodefaults", "-no-user-config", "-display", "none",
		"-serial", "stdio", "-monitor", "none", "-kernel", k.Image, "-initrd", initrd,
		"-append", "console=ttyS0 panic=-1 quiet no_timer_check mitigations=off " + append}
}
