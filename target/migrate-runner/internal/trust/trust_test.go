// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"meta-migration/internal/bundle"
)

// Who owns, or may write to, a directory above a file can put another one in
// its place: all of them belong to root, the root directory as well.
func TestOwnersUpToTheRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipping: changing owners needs root")
	}
	for _, part := range []string{"", "usr", "usr/lib", "usr/lib/migration", "usr/lib/migration/bundle"} {
		for name, change := range map[string]func(string) error{
			"":                           func(string) error { return nil },
			errOwner.Error():             func(path string) error { return os.Chown(path, 1000, 0) },
			errWritable.Error():          func(path string) error { return os.Chmod(path, 0o775) },
			errWritable.Error() + "\x00": func(path string) error { return os.Chmod(path, 0o757) },
		} {
			top := t.TempDir()
			write(t, top)
			if err := change(filepath.Join(top, part)); err != nil {
				t.Fatal(err)
			}
			root, err := syscall.Open(top, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = ReadAnchor(root)
			syscall.Close(root)
			want := strings.TrimSuffix(name, "\x00")
			var fault *Error
			switch {
			case want == "" && err != nil:
				t.Errorf("%q as it should be: %v", part, err)
			case want != "" && (!errors.As(err, &fault) || !strings.HasSuffix(err.Error(), ": "+want)):
				t.Errorf("%q: got %v, want %s", part, err, want)
			}
		}
	}
}

func write(t *testing.T, top string) {
	t.Helper()
	path := filepath.Join(top, bundle.AnchorPath)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.Chmod(top, 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, bundle.AnchorText([]byte("manifest")), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
