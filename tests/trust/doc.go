// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package trust attacks migrate-runner on real mounts: a squashfs root, an
// ext4 data partition, an overlay of both over /etc. Each attack says what is
// run, what is said, what `status` shows, and that nothing in
// /etc/migration.d was touched; and each is tried once more on a runner
// without the rule that stops it, where it must be seen to succeed.
//
// The tests need root, loop devices and mksquashfs. They run in a mount
// namespace of their own, so nothing is left when they end.
package trust
