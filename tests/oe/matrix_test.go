// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"
)

// TestMatrix is the main test: for each series and each package format a
// build from nothing, and what users do with it next. What the format has no
// part in is tested with the first one alone.
func TestMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: builds take minutes")
	}
	for _, c := range checkouts(t) {
		for _, format := range formats() {
			c, format := c, format
			t.Run(c.series+"/"+format, func(t *testing.T) { matrix(t, c, format) })
		}
	}
}

func matrix(t *testing.T, c checkout, format string) {
	b := newBuild(t, c, format, c.series+"-"+format)
	b.succeed(t, "-p")
	b.succeed(t, "accounts", "board", "cloud")
	b.succeed(t, "oetest-image")
	image := b.image(t, "oetest-image")
	t.Run("bundle", func(t *testing.T) { b.checkBundle(t, image) })
	t.Run("no-snippets", func(t *testing.T) { checkNoSnippets(t, image) })
	t.Run("runner", func(t *testing.T) { b.checkRunner(t, image) })
	t.Run("run", b.checkRun)
	if t.Failed() {
		t.FailNow()
	}
	t.Run("testimage", b.runtimeCases)
	if format == formats()[0] {
		t.Run("reproducible", b.reproducible)
		t.Run("volatile", b.volatile)
	}
	released := b.release(t)
	t.Run("next-release", func(t *testing.T) { b.nextRelease(t, released) })
	t.Run("read-only", b.readOnly)
	t.Run("other-names", b.otherNames)
	// What no format has to do with.
	if format == formats()[0] {
		t.Run("faults", func(t *testing.T) { b.imageFaults(t, released) })
		t.Run("image-classes", b.imageClasses)
	}
}

// reproducible builds once more from nothing, elsewhere: the image must be the
// same, byte for byte.
func (b *build) reproducible(t *testing.T) {
	other := newBuild(t, b.checkout, b.format, b.series+"-"+b.format+"-once-more-at-a-longer-path")
	other.sstate = filepath.Join(other.dir, "sstate")
	other.succeed(t, "oetest-image")
	var tars, manifests [2][]byte
	for i, at := range []*build{b, other} {
		for name, data := range map[string]*[]byte{"tar": &tars[i], "migration-manifest": &manifests[i]} {
			var err error
			if *data, err = os.ReadFile(at.deployed(t, "images/oetest/oetest-image-oetest.rootfs."+name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(manifests[0], manifests[1]) {
		t.Errorf("two builds, two manifests:\n%s\n%s", manifests[0], manifests[1])
	}
	names := differing(b.image(t, "oetest-image"), other.image(t, "oetest-image"))
	switch {
	case names != nil:
		t.Errorf("two builds, two images, which differ in %s", names)
	case !bytes.Equal(tars[0], tars[1]) && b.series == "scarthgap":
		t.Log("scarthgap's tar holds the times of access and change; but for these two builds make one image")
	case !bytes.Equal(tars[0], tars[1]):
		t.Error("two builds, two images, which differ in the order of files")
	}
}

// differing names the files that are not the same in two images. The times
// of access and change do not count.
func differing(a, b map[string]entry) []string {
	timeless := func(h *tar.Header) tar.Header {
		copied := *h
		copied.AccessTime, copied.ChangeTime, copied.PAXRecords = time.Time{}, time.Time{}, map[string]string{}
		for key, value := range h.PAXRecords {
			if key != "atime" && key != "ctime" {
				copied.PAXRecords[key] = value
			}
		}
		return copied
	}
	var names []string
	for path := range a {
		x, y := a[path], b[path]
		if y.header == nil || !reflect.DeepEqual(timeless(x.header), timeless(y.header)) || !bytes.Equal(x.data, y.data) {
			names = append(names, path)
		}
	}
	for path := range b {
		if a[path].header == nil {
			names = append(names, path)
		}
	}
	sort.Strings(names)
	return names
}

// release keeps the manifest of the image that was built as a product would,
// and returns the line that names it.
func (b *build) release(t *testing.T) string {
	t.Helper()
	path := filepath.Join(b.dir, "released-1.0")
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := copyFile(b.deployed(t, "images/oetest/oetest-image-oetest.rootfs-1.0.migration-manifest"), path); err != nil {
		t.Fatal(err)
	}
	return "MIGRATION_PREVIOUS = \"" + path + "\"\n"
}

// nextRelease builds release 2.0 with one recipe more and one less.
func (b *build) nextRelease(t *testing.T, released string) {
	b.setCase(t, map[string]string{
		"conf": released + "MIGRATION_RELEASE = \"2.0\"\nOETEST_INSTALL = \"accounts cloud\"\n",
	})
	b.succeed(t, "oetest-image")
	image := b.image(t, "oetest-image")
	want := []string{"0010-accounts:split-users", "0020-cloud:agent", "0030-cloud:keys", "manifest"}
	if got := below(image, "/etc/migration.d"); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("bundle holds %v", got)
	}
	manifest := string(image["/etc/migration.d/manifest"].data)
	for _, text := range []string{"Release: 2.0\n", "\n board:layout 1.0 sha256:", "\n board:v1.2 1.0 sha256:",
		"Migration: accounts:split-users\n", "Since: 1.0\n", "Since: 2.0\n"} {
		if !strings.Contains(manifest, text) {
			t.Errorf("manifest has no %q:\n%s", text, manifest)
		}
	}
}

// imageFaults: what the image's build refuses, with what the user reads.
func (b *build) imageFaults(t *testing.T, released string) {
	hash := "0123456789abcdef0123456789abcdef01234567"
	for _, fault := range []struct {
		name     string
		files    map[string]string
		messages []string
	}{
		{"cycle", map[string]string{
			"accounts.bbappend": "FILESEXTRAPATHS:prepend := \"${TOPDIR}/case/files:\"\n",
			"files/split-users.migration": "#!/bin/sh\n### BEGIN MIGRATION INFO\n# After: board:layout\n### END MIGRATION INFO\n" +
				"true\n",
			"board.bbappend": "MIGRATION_AFTER[layout] = \"accounts:split-users\"\n",
		}, []string{
			"oetest-image: the bundle could not be built\n",
			`mkmigrations: error: cycle: "accounts:split-users" -> "board:layout" -> "accounts:split-users"`,
			"mkmigrations: hint: ",
		}},
		{"changed", map[string]string{
			"conf":           released + "MIGRATION_RELEASE = \"2.0\"\n",
			"board.bbappend": "migration_up:layout:append() {\n    true\n}\n",
		}, []string{`mkmigrations: error: `, `board:layout`, `changed since release 1.0`, "Revises"}},
		{"command", map[string]string{
			"board.bbappend": "migration_up:v1.2:append() {\n    frobnicate --all\n}\n",
		}, []string{"mkmigrations: error: ", "board/v1.2:", `frobnicate`}},
		{"requires", map[string]string{
			"conf": "OETEST_INSTALL = \"board cloud\"\n",
		}, []string{"mkmigrations: error: ", `cloud:agent`, `accounts:split-users`}},
		{"vanished", map[string]string{
			"conf":           released + "MIGRATION_RELEASE = \"2.0\"\n",
			"board.bbappend": "MIGRATIONS:remove = \"layout\"\nMIGRATION_AFTER[v1.2] = \"cloud\"\n" + noLayout,
		}, []string{"mkmigrations: error: ", `board:layout`, "--drop"}},
		{"same-recipe-name", map[string]string{
			"conf": "OETEST_INSTALL = \"board board-x\"\n",
			"board-x_1.0.bb": "SUMMARY = \"case\"\nrequire recipes-demo/includes/oetest.inc\ninherit allarch migration\nBPN = \"board\"\n" +
				"MIGRATIONS = \"layout\"\nmigration_up:layout() {\n    true\n}\nALLOW_EMPTY:${PN} = \"1\"\n" +
				"do_configure[noexec] = \"1\"\ndo_compile[noexec] = \"1\"\ndo_install[noexec] = \"1\"\n",
		}, []string{`mkmigrations: error: duplicate ID: "board:layout" comes from the recipes `, `board-x`}},
		{"hash", map[string]string{
			"conf": "MIGRATION_RELEASE = \"1.0+git" + hash + "\"\n",
		}, []string{`oetest-image: MIGRATION_RELEASE = "1.0+git` + hash + `": holds a git hash`}},
		{"feeds", map[string]string{
			"conf": "BUILD_IMAGES_FROM_FEEDS = \"1\"\n",
		}, []string{`oetest-image: BUILD_IMAGES_FROM_FEEDS = "1": the packages come from feeds of another build`}},
		{"previous", map[string]string{
			"conf": "MIGRATION_PREVIOUS = \"${TOPDIR}/none\"\n",
		}, []string{`oetest-image: MIGRATION_PREVIOUS = "` + b.dir + `/none": no such file`}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			b.setCase(t, fault.files)
			b.refuse(t, "oetest-image", fault.messages...)
		})
	}
	t.Run("dropped", func(t *testing.T) {
		b.setCase(t, map[string]string{
			"conf":           released + "MIGRATION_RELEASE = \"2.0\"\nMIGRATION_DROP = \"board:layout\"\n",
			"board.bbappend": "MIGRATIONS:remove = \"layout\"\n" + noLayout,
		})
		b.succeed(t, "oetest-image")
	})
}

// noLayout takes board:layout's function and flags out of the recipe.
const noLayout = `python () {
    d.delVar("migration_up:layout")
    for field in ("DESCRIPTION", "PATHS", "ON_FAILURE", "TIMEOUT"):
        d.delVarFlag("MIGRATION_" + field, "layout")
}
`

// readOnly: base-passwd is dropped from a read-only-rootfs image, its
// migration is not.
func (b *build) readOnly(t *testing.T) {
	b.setCase(t, map[string]string{
		"conf": "OETEST_INSTALL = \"accounts base-passwd\"\nIMAGE_FEATURES = \"read-only-rootfs\"\n",
	})
	b.succeed(t, "oetest-image")
	image := b.image(t, "oetest-image")
	if _, there := image["/usr/share/base-passwd/readme"]; there {
		t.Error("base-passwd is still in the image, so this test shows nothing")
	}
	want := "0010-accounts:split-users 0020-base-passwd:static-groups manifest"
	if got := strings.Join(below(image, "/etc/migration.d"), " "); got != want {
		t.Errorf("bundle holds %s", got)
	}
}

// imageClasses: by IMAGE_CLASSES all images get a bundle but initramfs ones,
// unless they ask; one without migrations gets an empty one.
func (b *build) imageClasses(t *testing.T) {
	const all = "IMAGE_CLASSES += \"migration-image\"\n"
	const initramfs = all + "IMAGE_FSTYPES:pn-oetest-plain-image = \"cpio\"\n"
	for _, c := range []struct {
		name, conf string
		want       []string
	}{
		{"all", all, []string{"0010-accounts:split-users", "manifest"}},
		{"none", all + "PACKAGE_INSTALL:pn-oetest-plain-image = \"busybox-standin\"\n", []string{"manifest"}},
		{"without", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.setCase(t, map[string]string{"conf": c.conf})
			b.succeed(t, "oetest-plain-image")
			got := below(b.image(t, "oetest-plain-image"), "/etc/migration.d")
			if strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("bundle holds %v", got)
			}
		})
	}
	t.Run("initramfs", func(t *testing.T) {
		b.setCase(t, map[string]string{"conf": initramfs})
		b.succeed(t, "oetest-plain-image")
		list, err := exec.Command("sh", "-c", "cpio -t <\"$0\"", b.deployed(t, "images/oetest/oetest-plain-image-oetest.rootfs.cpio")).Output()
		if err != nil || !strings.Contains(string(list), "usr/share/accounts/version") {
			t.Fatalf("%v\n%s", err, list)
		}
		if strings.Contains(string(list), "migrat") {
			t.Errorf("an initramfs gets a bundle by IMAGE_CLASSES:\n%s", list)
		}
		b.setCase(t, map[string]string{"conf": initramfs + "MIGRATION_IMAGE:pn-oetest-plain-image = \"1\"\n"})
		out := b.succeed(t, "-e", "oetest-plain-image")
		if regexp.MustCompile(`(?m)^(POPULATE_)?SDK[A-Z_]*="[^"]*migration_image`).MatchString(out) {
			t.Error("an SDK runs the class' functions")
		}
		if !strings.Contains(out, "migration_image_bundle") || !strings.Contains(out, "\nMIGRATION_IMAGE=\"1\"\n") {
			t.Error("an initramfs that asks gets no bundle")
		}
	})
}
