// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Maintainer scripts of this machine's packages are right: no error may be
// found in them, but for what the shell itself refuses.
func TestMaintainerScripts(t *testing.T) {
	var files []string
	for _, kind := range []string{"preinst", "postinst", "prerm", "postrm", "config"} {
		more, _ := filepath.Glob("/var/lib/dpkg/info/*." + kind)
		files = append(files, more...)
	}
	seen := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || read(file, data).shell == noShell {
			continue
		}
		seen++
		for _, f := range Script(file, data, []byte(library), nil, nil) {
			if !f.Warning && exec.Command("sh", "-n", file).Run() == nil {
				t.Error(show(f))
			}
		}
		if calls, _ := Commands(file, data); len(calls) == 0 && strings.Contains(string(data), "update-alternatives") {
			t.Errorf("%s: no command found", file)
		}
	}
	if seen == 0 {
		t.Skip("no maintainer scripts on this machine")
	}
	t.Logf("%d scripts", seen)
}
