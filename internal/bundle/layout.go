// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

// Where the parts of a bundle stand in an image, and where a device keeps
// its state. All paths are absolute and below the image's or device's root.
const (
	Dir         = "/etc/migration.d"
	AnchorPath  = "/usr/lib/migration/bundle"
	CopyDir     = "/usr/lib/migration/bundle.d"
	LibraryPath = "/usr/lib/migration/functions.sh"
	InitPath    = "/usr/lib/migration/init.conf"
	DropInDir   = "/usr/lib/systemd/system/migrate-runner.service.d"

	ManifestName = "manifest"

	ConditionPath   = DropInDir + "/10-bundle.conf"
	FailurePath     = DropInDir + "/20-failure.conf"
	StateDir        = "/var/lib/migration"
	SnippetsPackage = "migration-snippets" // what a package with snippets provides
)

// ScriptPath is the PATH that a migration runs with; the build looks for the
// commands that it calls in the same places.
const ScriptPath = "/usr/sbin:/usr/bin:/sbin:/bin"

// MarkerPath is the file whose existence says that the bundle with this
// anchor is complete on the device.
func MarkerPath(anchor Digest) string { return StateDir + "/complete/" + anchor.Hex() }
