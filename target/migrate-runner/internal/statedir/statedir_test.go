// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package statedir

import (
	"os"
	"syscall"
	"testing"
)

// TestOpenAtOnce guards against the error of a runner that met a state
// directory which another one, started at the same moment, had made between
// its look and its mkdir.
func TestOpenAtOnce(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a state directory belongs to root")
	}
	for round := 0; round < 300 && !t.Failed(); round++ {
		openAtOnce(t, t.TempDir())
	}
}

func openAtOnce(t *testing.T, top string) {
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := syscall.Open(top, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(root)
	const many = 8
	start, ended := make(chan struct{}), make(chan error)
	for i := 0; i < many; i++ {
		go func() {
			<-start
			dir, err := Open(root, true)
			if err == nil {
				syscall.Close(dir.FD)
			}
			ended <- err
		}()
	}
	close(start)
	for i := 0; i < many; i++ {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
