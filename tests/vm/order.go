// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"path"
	"sort"
	"strings"
)

// beforeRunner are services that may start before the runner has ended,
// because it needs them, or because they touch nothing that a migration
// changes. All others have to wait.
var beforeRunner = map[bool][]string{
	// Variant "early".
	true: {"systemd-journald.service", "systemd-remount-fs.service", "migrate-runner.service",
		"systemd-udev-load-credentials.service", "systemd-network-generator.service", "systemd-hwdb-update.service", "vm-stop.service"},
	// /var is a mount unit: what local-fs.target needs comes first.
	false: {"systemd-journald.service", "systemd-remount-fs.service", "migrate-runner.service", "systemd-udev-load-credentials.service",
		"systemd-network-generator.service", "systemd-sysusers.service", "systemd-tmpfiles-setup-dev.service",
		"systemd-tmpfiles-setup-dev-early.service", "systemd-udevd.service", "systemd-udev-trigger.service",
		"systemd-sysctl.service", "systemd-modules-load.service", "systemd-hwdb-update.service", "systemd-fsck*", "var-volatile-*"},
}

// order checks that the runner ran, and that what may use the data started
// when it had ended.
func (r *report) order(early bool) {
	r.t.Helper()
	ended := r.micros("migrate-runner.service", "ExecMainExitTimestampMonotonic")
	if ended == 0 {
		r.t.Errorf("the runner did not run: %v", r.units["migrate-runner.service"])
		return
	}
	for _, name := range r.startedBefore(ended) {
		allowed := false
		for _, pattern := range beforeRunner[early] {
			ok, _ := path.Match(pattern, name)
			allowed = allowed || ok
		}
		if !allowed {
			r.t.Errorf("%s was started before the runner had ended", name)
		}
	}
	behind := []string{"systemd-tmpfiles-setup.service", "sysinit.target", "dbus.service", "multi-user.target", "systemd-random-seed.service"}
	if early {
		behind = append(behind, "systemd-sysusers.service", "systemd-tmpfiles-setup-dev.service", "systemd-udevd.service")
	}
	for _, name := range behind {
		if began := r.micros(name, "InactiveExitTimestampMonotonic"); began < ended {
			r.t.Errorf("%s began at %d µs, the runner ended at %d", name, began, ended)
		}
	}
}

// startedBefore are the services that were started before a time.
func (r *report) startedBefore(end int) (names []string) {
	for name := range r.units {
		began := r.micros(name, "InactiveExitTimestampMonotonic")
		if strings.HasSuffix(name, ".service") && began != 0 && began < end {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// idle checks that no process of the runner was started.
func (r *report) idle() {
	r.t.Helper()
	r.unit("migrate-runner.service", "ConditionResult", "no", "ActiveState", "inactive", "ExecMainPID", "0",
		"ExecMainStartTimestampMonotonic", "0")
	if _, asked := r.sections["processes"]; !asked {
		r.t.Error("the script did not ask for processes")
	}
	if lines := strings.TrimSpace(r.sections["processes"]); lines != "" {
		r.t.Errorf("a process of the runner has said something:\n%s", lines)
	}
}
