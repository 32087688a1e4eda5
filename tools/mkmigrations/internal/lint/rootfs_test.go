// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"errors"
	"io/fs"
	"testing"
)

func TestFind(t *testing.T) {
	r := image(t, "usr/bin/a", "bin -> usr/bin", "b -> /bin/a", "c -> b", "up -> ../../../../bin/a", "root -> /")
	for path, want := range map[string]string{
		"/usr/bin/a":             "/usr/bin/a",
		"/bin/a":                 "/usr/bin/a",
		"/b":                     "/usr/bin/a",
		"/c":                     "/usr/bin/a",
		"/up":                    "/usr/bin/a",
		"/../../bin/../bin/./a":  "/usr/bin/a",
		"/root/root/root/bin//a": "/usr/bin/a",
		"/root":                  "/",
		"/":                      "/",
	} {
		if p := r.find(path); p.info == nil || p.path != want {
			t.Errorf("find(%q) = %q, %v; want %q", path, p.path, p.err, want)
		}
	}
	for path, want := range map[string]string{"/bin/no": "/usr/bin/no", "/no/x/y": "/no/x/y", "/bin/a/x": "/usr/bin/a/x", "/root/no": "/no"} {
		if p := r.find(path); p.info != nil || p.path != want {
			t.Errorf("find(%q) = %q, %v; want missing at %q", path, p.path, p.info, want)
		}
	}
	if p := r.find("/bin/no"); p.link != "" || !errors.Is(p.err, fs.ErrNotExist) {
		t.Errorf("the link /bin was followed to its end, got %q, %v", p.link, p.err)
	}
}

// A host's file must never answer for the image's.
func TestFindStaysInside(t *testing.T) {
	r := image(t, "abs -> /bin/sh", "rel -> ../../../../../../../../../bin/sh", "dir -> ../..")
	for _, path := range []string{"/abs", "/rel", "/dir/bin/sh", "/../../../../../../../bin/sh"} {
		if p := r.find(path); p.info != nil {
			t.Errorf("find(%q) left the image: %q", path, p.path)
		}
	}
}
