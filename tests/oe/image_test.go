// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
)

// An entry is one file of an image's tar.
type entry struct {
	header *tar.Header
	data   []byte
}

// image reads the tar that the build deployed, by path from the root.
func (b *build) image(t *testing.T, name string) map[string]entry {
	t.Helper()
	f, err := os.Open(b.deployed(t, "images/oetest/"+name+"-oetest.rootfs.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	entries := map[string]entry{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		entries["/"+strings.Trim(strings.TrimPrefix(h.Name, "./"), "/")] = entry{h, data}
	}
}

// digest is the digest of bytes as the formats write it.
func digest(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

// golden reads the bundle that the image must have. Only the digest of the
// shell library is not in it: that one is the library's own business.
func golden(t *testing.T, library []byte) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/bundle/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	bundle := map[string][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bundle[filepath.Base(file)] = bytes.ReplaceAll(data, []byte("@LIBRARY@"), []byte(digest(library)))
	}
	return bundle
}

// checkBundle compares the image's bundle with the golden one: bytes, both
// copies, owners, modes, nothing else, and the manifest beside the image.
func (b *build) checkBundle(t *testing.T, image map[string]entry) {
	t.Helper()
	want := golden(t, image["/usr/lib/migration/functions.sh"].data)
	for _, dir := range []string{"/etc/migration.d", "/usr/lib/migration/bundle.d"} {
		for name, data := range want {
			e, ok := image[dir+"/"+name]
			mode := int64(0o755)
			if name == "manifest" {
				mode = 0o644
			}
			switch {
			case !ok:
				t.Errorf("%s/%s is missing", dir, name)
			case !bytes.Equal(e.data, data):
				t.Errorf("%s/%s is\n%s\nnot\n%s", dir, name, e.data, data)
			case e.header.Mode&0o7777 != mode || e.header.Uid != 0 || e.header.Gid != 0:
				t.Errorf("%s/%s: mode %o, owner %d:%d", dir, name, e.header.Mode, e.header.Uid, e.header.Gid)
			}
		}
		if n := below(image, dir); len(n) != len(want) {
			t.Errorf("%s holds %v", dir, n)
		}
	}
	if got := string(image["/usr/lib/migration/bundle"].data); got != digest(want["manifest"])+"\n" {
		t.Errorf("anchor is %q", got)
	}
	for path, e := range image {
		if e.header.Uid != 0 || e.header.Gid != 0 {
			t.Errorf("%s belongs to %d:%d", path, e.header.Uid, e.header.Gid)
		}
	}
	for _, name := range []string{".rootfs.migration-manifest", ".rootfs-1.0.migration-manifest"} {
		data, err := os.ReadFile(b.deployed(t, "images/oetest/oetest-image-oetest"+name))
		if err != nil || !bytes.Equal(data, want["manifest"]) {
			t.Errorf("deployed %s: %v\n%s", name, err, data)
		}
	}
}

// below returns the sorted names of an image's files in dir.
func below(image map[string]entry, dir string) []string {
	var names []string
	for path := range image {
		if strings.HasPrefix(path, dir+"/") {
			names = append(names, path[len(dir)+1:])
		}
	}
	sort.Strings(names)
	return names
}

// checkNoSnippets: what the build reads is not installed.
func checkNoSnippets(t *testing.T, image map[string]entry) {
	t.Helper()
	if names := below(image, "/usr/share/migration"); names != nil {
		t.Errorf("/usr/share/migration is in the image: %v", names)
	}
}

// extract unpacks the deployed tar as a device's root would be.
func (b *build) extract(t *testing.T, name string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIP: a rootfs that belongs to root needs root")
	}
	root := t.TempDir()
	out, err := exec.Command("tar", "-C", root, "-xpf", b.deployed(t, "images/oetest/"+name+"-oetest.rootfs.tar")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	// Devices have it, and scripts use it.
	null := filepath.Join(root, "dev/null")
	if err := os.MkdirAll(filepath.Dir(null), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mknod(null, syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
		t.Skipf("SKIP: a rootfs needs /dev/null: %v", err)
	}
	if err := os.Chmod(null, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "usr/bin/busybox")); err != nil {
		if _, err := os.Stat(filepath.Join(root, "bin/busybox")); err != nil {
			t.Skip("SKIP: no migration can run in the image without a static busybox on the host")
		}
	}
	return root
}

// runner runs the image's own migrate-runner on an extracted root.
func runner(t *testing.T, root string, words ...string) (string, int) {
	t.Helper()
	path := filepath.Join(root, "usr/sbin/migrate-runner")
	cmd := exec.Command(path, append(words, "--root", root)...)
	out, err := cmd.CombinedOutput()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// checkRun lets the image's runner run the image's migrations.
func (b *build) checkRun(t *testing.T) {
	root := b.extract(t, "oetest-image")
	if out, code := runner(t, root, "run", "--allow-volatile"); code != 0 {
		t.Fatalf("run: exit %d\n%s", code, out)
	}
	for file, want := range map[string]string{
		"demo-layout": "layout by board:layout\nv1.2\n",
		"demo-users":  "layout by board:layout\nv1.2\ndaemon\n",
	} {
		data, err := os.ReadFile(filepath.Join(root, "etc", file))
		if err != nil || string(data) != want {
			t.Errorf("/etc/%s is %q: %v", file, data, err)
		}
	}
	out, code := runner(t, root, "status", "--json", "--allow-volatile")
	if code != 0 || !strings.Contains(out, `"state":"complete"`) {
		t.Errorf("status: exit %d: %s", code, out)
	}
	before, err := os.ReadFile(filepath.Join(root, "var/lib/migration/ledger"))
	if err != nil {
		t.Fatal(err)
	}
	if out, code := runner(t, root, "run", "--allow-volatile"); code != 0 {
		t.Errorf("second run: exit %d\n%s", code, out)
	}
	after, err := os.ReadFile(filepath.Join(root, "var/lib/migration/ledger"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the second run wrote to the ledger: %v\n%s", err, after)
	}
}

// checkRunner looks at the program in the image: static, stripped, and without
// a path of the build.
func (b *build) checkRunner(t *testing.T, image map[string]entry) {
	t.Helper()
	e := image["/usr/sbin/migrate-runner"]
	if !bytes.HasPrefix(e.data, []byte("\x7fELF")) {
		t.Fatalf("no program: %d bytes", len(e.data))
	}
	for _, text := range []string{"/ld-linux", "/ld-musl", ".debug_info", b.dir, b.core} {
		if bytes.Contains(e.data, []byte(text)) {
			t.Errorf("migrate-runner holds %q", text)
		}
	}
}
