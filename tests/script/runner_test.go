// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestRunner runs the scripts about migrate-runner: one for each row of the
// table of cases, each state and each exit code.
func TestRunner(t *testing.T) {
	if busybox() == "" {
		t.Skip("no static busybox (Debian: busybox-static)")
	}
	if os.Geteuid() != 0 {
		t.Skip("not root: scripts run chrooted; use `unshare --map-root-user`")
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/runner",
		Cmds:                deviceCommands(),
		Condition:           deviceCondition,
		RequireExplicitExec: true,
		Setup:               setup,
	})
}
