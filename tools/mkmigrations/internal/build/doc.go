// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package build makes a bundle from packages, and reads bundles back.
//
// [Build] runs in stages. Collecting (collect.go, installed.go, previous.go)
// reads the packages, the list of what is installed and the manifests of
// earlier releases. All between is pure (plan.go and what it calls): which
// migrations are in the image, what the earlier releases say of them, what is
// gone, the order, and the checks on the whole. Writing (write.go) puts the
// finished tree on disk, as a whole or not at all.
//
// All faults of one run are found and reported together; nothing is written
// while there is one. The bytes of a bundle depend on the migrations, the
// installed set, the previous manifests and the options alone: not on the
// format or order of the packages, the clock, the locale, the umask, the
// number of processors or where the output stands.
package build
