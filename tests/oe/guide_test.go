// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGuide follows the layer's README to the letter, from a build directory
// without the layer: its commands, recipes and image lines are what is run.
func TestGuide(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: builds take minutes")
	}
	for _, c := range checkouts(t) {
		t.Run(c.series, func(t *testing.T) {
			b := newBuild(t, c, formats()[0], c.series+"-guide")
			g := &guide{build: b, blocks: readBlocks(t, filepath.Join(b.source, "meta-migration/README.md"))}
			g.addLayer(t)
			g.firstRelease(t)
			g.nextRelease(t)
			g.squashAndRetire(t)
			g.workedExample(t)
			t.Run("examples", b.examples)
		})
	}
}

// A guide is a build by the README. Its recipes and files are in case/, which
// stands for the product's layer.
type guide struct {
	*build
	blocks []string
	files  map[string]string
}

// readBlocks returns the indented blocks of a Markdown file, without the
// indentation.
func readBlocks(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile(`(?m)(?:^    .*\n)+`).FindAllString(string(data), -1) {
		blocks = append(blocks, regexp.MustCompile(`(?m)^    `).ReplaceAllString(m, ""))
	}
	return blocks
}

// block returns the one block that holds all the texts.
func (g *guide) block(t *testing.T, texts ...string) string {
	t.Helper()
	var found []string
	for _, block := range g.blocks {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(block, text)
		}
		if all {
			found = append(found, block)
		}
	}
	if len(found) != 1 {
		t.Fatalf("README has %d blocks with %q: %q", len(found), texts, found)
	}
	return found[0]
}

// recipe is what any recipe has, and the guide's lines.
func recipe(lines string) string {
	return "SUMMARY = \"case\"\nLICENSE = \"Apache-2.0\"\n" +
		"LIC_FILES_CHKSUM = \"file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10\"\n" +
		"INHIBIT_DEFAULT_DEPS = \"1\"\nS = \"${UNPACKDIR}\"\nALLOW_EMPTY:${PN} = \"1\"\n" + lines
}

// image writes the image's recipe: what an image has, and the guide's lines.
func (g *guide) image(install, lines string) {
	g.files["product-image_1.0.bb"] = "SUMMARY = \"case\"\nrequire recipes-demo/images/oetest-image.inc\n" +
		"PACKAGE_INSTALL = \"busybox-standin " + install + "\"\nIMAGE_FSTYPES = \"tar\"\n" + lines
}

// addLayer: the two commands of the guide's first section, where the clone is
// a copy of this checkout.
func (g *guide) addLayer(t *testing.T) {
	commands := strings.Split(g.block(t, "bitbake-layers add-layer"), "\n")
	if !strings.HasPrefix(commands[0], "git clone ") {
		t.Fatalf("no clone: %q", commands)
	}
	clone := filepath.Join(g.dir, commands[0][strings.LastIndex(commands[0], " ")+1:])
	if err := os.RemoveAll(clone); err != nil {
		t.Fatal(err)
	}
	copyRepository(t, repository(t), clone)
	if err := g.owner.own(clone); err != nil {
		t.Fatal(err)
	}
	layers := filepath.Join(g.dir, "conf/bblayers.conf")
	data, err := os.ReadFile(layers)
	if err != nil {
		t.Fatal(err)
	}
	without := strings.Replace(string(data), "    ${OETEST_SOURCE}/meta-migration \\\n", "", 1)
	if err := os.WriteFile(layers, []byte(without), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := g.owner.own(filepath.Dir(layers)); err != nil {
		t.Fatal(err)
	}
	if out, err := g.run(t, strings.Fields(commands[1])...); err != nil {
		t.Fatalf("%s: %v\n%s", commands[1], err, tail(out))
	}
}

// firstRelease: four lines in a recipe, in both forms, and the image.
func (g *guide) firstRelease(t *testing.T) {
	g.files = map[string]string{
		"webd_1.0.bb":                 recipe(g.block(t, "file://split-users.migration")),
		"files/split-users.migration": g.block(t, "ensure_user webd --home /var/lib/webd", "### BEGIN"),
		"sensord_1.0.bb":              recipe(g.block(t, "MIGRATIONS = \"split-users\"", "migration_up:")),
	}
	g.image("webd", g.block(t, "inherit migration-image", "MIGRATION_RELEASE = \"1.0\""))
	g.setCase(t, g.files)
	g.succeed(t, "product-image", "sensord")
	files := g.build.image(t, "product-image")
	for _, line := range strings.Split(strings.TrimSpace(g.block(t, "/etc/migration.d/0010-webd:split-users")), "\n") {
		if _, ok := files[strings.TrimRight(strings.Fields(line)[0], "/")]; !ok {
			t.Errorf("the image has no %s", line)
		}
	}
	root := g.device(t, nil)
	if out, code := runner(t, root, "run", "--allow-volatile"); code != 0 {
		t.Errorf("run: exit %d\n%s", code, out)
	}
	out, _ := runner(t, root, "status", "--allow-volatile")
	if want := strings.SplitN(g.block(t, "migrate-runner status"), "\n", 2)[1]; out != want {
		t.Errorf("status is\n%s\nnot\n%s", out, want)
	}
}

// device unpacks the image, with accounts as base-passwd would have them and
// with more files.
func (g *guide) device(t *testing.T, more map[string]string) string {
	t.Helper()
	files := map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n", "etc/shadow": "root:*:1:0:99999:7:::\n",
		"etc/gshadow": "root:*::\n",
	}
	for name, text := range more {
		files[name] = text
	}
	root := g.extract(t, "product-image")
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// names puts in what the guide leaves to the reader.
func (g *guide) names(t *testing.T, text string) string {
	t.Helper()
	deploy := filepath.Dir(g.deployed(t, "images"))
	return strings.NewReplacer("<image>", "product-image", "<machine>", "oetest", "tmp/deploy", deploy,
		"meta-product/recipes-images/files", "case/files").Replace(text)
}

// nextRelease keeps the manifest as the guide does. From then on a released
// text is not changed, but by Revises.
func (g *guide) nextRelease(t *testing.T) {
	lines := strings.SplitN(g.names(t, g.block(t, "MIGRATION_PREVIOUS", "cp ")), "\n", 2)
	if out, err := g.run(t, strings.Fields(lines[0])...); err != nil {
		t.Fatalf("%s: %v\n%s", lines[0], err, out)
	}
	words := strings.Fields(lines[0])
	name := "files/" + filepath.Base(words[1])
	data, err := os.ReadFile(filepath.Join(g.dir, "case", name))
	if err != nil {
		t.Fatal(err)
	}
	g.files[name] = string(data)
	g.image("webd sensord", "inherit migration-image\n"+lines[1])
	released := g.files["files/split-users.migration"]
	g.files["files/split-users.migration"] = released + "true\n"
	g.setCase(t, g.files)
	out, err := g.run(t, "bitbake", "product-image")
	m := regexp.MustCompile(`Revises: (sha256:[0-9a-f]{64})`).FindStringSubmatch(out)
	if err == nil || m == nil || m[1] != digest([]byte(released)) {
		t.Fatalf("a changed text: %v, says %q:\n%s", err, m, tail(out))
	}
	g.files["files/split-users.migration"] = strings.Replace(released, "### END", "# "+m[0]+"\n### END", 1) + "true\n"
	g.setCase(t, g.files)
	g.succeed(t, "product-image")
	want := "0010-webd:split-users 0020-sensord:split-users manifest"
	if got := strings.Join(below(g.build.image(t, "product-image"), "/etc/migration.d"), " "); got != want {
		t.Errorf("bundle of 1.1 holds %s", got)
	}
}

// squashAndRetire: a renamed migration, and a release that leaves out what is
// older than MIGRATION_MIN_FROM.
func (g *guide) squashAndRetire(t *testing.T) {
	g.files["previous-1.1"] = g.keep(t)
	supersedes := strings.Replace(g.block(t, "# Supersedes: "), " oldwebd:users", "", 1)
	g.files["files/own-user.migration"] = "#!/bin/sh\n" + begin + supersedes + end + "true\n"
	delete(g.files, "files/split-users.migration")
	g.files["webd_1.0.bb"] = recipe(strings.Replace(g.block(t, "file://split-users.migration"), "split-users", "own-user", 1))
	const release = "inherit migration-image\nMIGRATION_RELEASE = \"1.2\"\nMIGRATION_PREVIOUS = \"${TOPDIR}/case/previous-1.1\"\n"
	for _, c := range []struct{ name, lines, want string }{
		{"squash", "", "0010-webd:own-user 0020-sensord:split-users manifest"},
		// The superseding one is of this release.
		{"retire", strings.Replace(g.block(t, "MIGRATION_MIN_FROM"), "1.0", "1.1", 1), "0010-webd:own-user manifest"},
	} {
		g.image("webd sensord", release+c.lines)
		g.setCase(t, g.files)
		g.succeed(t, "product-image")
		if got := strings.Join(below(g.build.image(t, "product-image"), "/etc/migration.d"), " "); got != c.want {
			t.Errorf("%s: bundle holds %s", c.name, got)
		}
	}
}

// keep reads the manifest that the last build deployed.
func (g *guide) keep(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(g.deployed(t, "images/oetest/product-image-oetest.rootfs.migration-manifest"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// workedExample: the last section but one, its refusal without Paths, too.
func (g *guide) workedExample(t *testing.T) {
	own := g.block(t, "remap_ids", "### BEGIN")
	bare := strings.Replace(own, "# Paths: /var/lib/webd\n", "", 1)
	if bare == own {
		t.Fatal("own-data has no Paths")
	}
	g.files = map[string]string{
		"base-accounts_1.0.bb":     recipe(g.block(t, "MIGRATIONS = \"daemon-users\"")),
		"webd_2.0.bb":              recipe(g.block(t, "file://own-data.migration")),
		"files/own-data.migration": bare,
		"files/bmc-1.0.migration-manifest": "Format: 1\nRelease: 1.0\nLibrary: sha256:" + strings.Repeat("0", 64) +
			"\nOn-Downgrade: tolerate\nKeep: none\nOn-Corrupt: refuse\nFailure-State: degraded\n",
	}
	g.image("base-accounts webd", g.block(t, "MIGRATION_RELEASE = \"2.0\""))
	g.setCase(t, g.files)
	g.refuse(t, "product-image", "webd/own-data", "Paths")
	g.files["files/own-data.migration"] = own
	g.setCase(t, g.files)
	g.succeed(t, "product-image")
	root := g.device(t, map[string]string{"var/lib/webd/data": "x\n"})
	if out, code := runner(t, root, "run", "--allow-volatile"); code != 0 {
		t.Fatalf("run: exit %d\n%s", code, out)
	}
	passwd, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil || !strings.Contains(string(passwd), "\nwebd:x:940:") || !strings.Contains(string(passwd), "\nsensord:x:941:941:") {
		t.Errorf("accounts: %v\n%s", err, passwd)
	}
	if uid := ownerOf(t, filepath.Join(root, "var/lib/webd/data")); uid != 940 {
		t.Errorf("the data belongs to %d", uid)
	}
}
