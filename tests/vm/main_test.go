// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	status := m.Run()
	if built.Load() {
		if dir, err := programs(); err == nil {
			_ = os.RemoveAll(dir)
		}
	}
	os.Exit(status)
}
