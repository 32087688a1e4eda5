// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	unitDir = "usr/lib/systemd/system/"
	binds   = unitDir + "var-volatile-lib.service"
	hook    = "etc/init.d/read-only-rootfs-hook.sh"
)

// copybind is oe-core's unit that mounts a volatile copy over /var/lib.
func (c checkout) copybind(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(c.core, "meta/recipes-core/volatile-binds/files/volatile-binds.service.in"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("@what@", "/var/volatile/lib", "@where@", "/var/lib", "@whatparent@", "/var/volatile",
		"@whereparent@", "/var", "@avoid_overlayfs@", "0").Replace(string(data))
}

// TestVolatile: which rootfs make /var/lib volatile. oe-core's units and
// scripts for that are in writable images, too, where they do nothing.
func TestVolatile(t *testing.T) {
	c := checkouts(t)[0]
	unit := c.copybind(t)
	sysvinit := map[string]string{hook: "", "etc/rcS.d/S29read-only-rootfs-hook.sh": "", "etc/default/rcS": "ROOTFS_READ_ONLY=yes\n"}
	with := func(base map[string]string, more ...string) map[string]string {
		files := map[string]string{}
		for name, text := range base {
			files[name] = text
		}
		for i := 0; i < len(more); i += 2 {
			files[more[i]] = more[i+1]
		}
		return files
	}
	systemd := map[string]string{"usr/lib/systemd/systemd": "", binds: unit, hook: "", "etc/rcS.d/S29read-only-rootfs-hook.sh": ""}
	const persistent = "/data/migration /var/lib/migration none bind 0 0\n"
	cases := []struct {
		name     string
		files    map[string]string
		readOnly bool
		want     string
	}{
		{"nothing", nil, true, ""},
		{"systemd, writable", systemd, false, ""},
		{"systemd, read-only", systemd, true, "/" + binds},
		{"root read-only by fstab", with(systemd, "etc/fstab", "/dev/root / auto noatime,ro 1 1\n"), false, "/" + binds},
		{"root writable by fstab", with(systemd, "etc/fstab", "/dev/root / auto defaults 1 1\n"), false, ""},
		{"unit without condition", map[string]string{binds: "[Service]\nExecStart=/sbin/mount-copybind /var/volatile/lib /var/lib\n"}, false, "/" + binds},
		{"another directory", map[string]string{binds: strings.ReplaceAll(unit, "/var/lib", "/var/cache")}, true, ""},
		{"mount unit of the state", with(systemd, unitDir+"var-lib-migration.mount", "[Mount]\nWhere=/var/lib/migration\nType=none\n"), true, ""},
		{"mount unit of /var", with(systemd, unitDir+"var.mount", "[Mount]\nWhat=LABEL=var\nWhere=/var\n"), true, ""},
		{"mount unit with tmpfs", map[string]string{unitDir + "var-lib.mount": "[Mount]\nWhat=tmpfs\nWhere=/var/lib\nType=tmpfs\n"}, false, "/" + unitDir + "var-lib.mount"},
		// systemd mounts both in any order.
		{"state by fstab", with(systemd, "etc/fstab", persistent), true, "/" + binds},
		{"state by fstab, behind the unit", with(systemd, "etc/fstab", strings.Replace(persistent, "bind", "bind,x-systemd.after=var-volatile-lib.service", 1)), true, ""},
		{"state by fstab, requires the unit", with(systemd, "etc/fstab", strings.Replace(persistent, "bind", "bind,x-systemd.requires=var-volatile-lib.service", 1)), true, ""},
		{"state by fstab, behind another unit", with(systemd, "etc/fstab", strings.Replace(persistent, "bind", "bind,x-systemd.after=data.mount", 1)), true, "/" + binds},
		{"state by fstab, writable", with(systemd, "etc/fstab", persistent), false, ""},
		{"state by fstab, in a comment", with(systemd, "etc/fstab", "#"+persistent), true, "/" + binds},
		{"/var by fstab", with(systemd, "etc/fstab", "/dev/sda3 /var ext4 defaults 0 2\n"), true, ""},
		{"tmpfs by fstab", map[string]string{"etc/fstab": "tmpfs /var/lib tmpfs\n"}, false, "/etc/fstab"},
		{"tmpfs on the state", with(systemd, "etc/fstab", "tmpfs /var/lib/migration tmpfs defaults 0 0\n"), true, "/etc/fstab"},
		{"tmpfs elsewhere", map[string]string{"etc/fstab": "tmpfs /var/volatile tmpfs defaults 0 0\n"}, true, ""},
		{"sysvinit, read-only", sysvinit, true, "/" + hook},
		{"sysvinit, writable", with(sysvinit, "etc/default/rcS", "ROOTFS_READ_ONLY=no\n"), false, ""},
		// fstab is mounted by S03, the script comes at S29.
		{"sysvinit, state by fstab", with(sysvinit, "etc/fstab", persistent), true, "/" + hook},
		{"sysvinit, state mounted later", with(sysvinit, "etc/fstab", strings.Replace(persistent, "bind", "bind,noauto", 1)), true, ""},
		{"sysvinit, /var by fstab", with(sysvinit, "etc/fstab", "/dev/sda3 /var ext4 defaults 0 2\n"), true, ""},
	}
	top := t.TempDir()
	var input []any
	for i, v := range cases {
		root := filepath.Join(top, fmt.Sprint(i))
		for name, text := range v.files {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		input = append(input, []any{root, v.readOnly})
	}
	var got []string
	imagePython(t, c, "[meta_migration.image.volatile(*x) or '' for x in values]", input, &got)
	for i, v := range cases {
		if got[i] != v.want {
			t.Errorf("%s: volatile by %q, not %q", v.name, got[i], v.want)
		}
	}
}

// TestNeverFresh: a path of MIGRATION_FRESH_UNLESS that the image itself holds
// makes each new device a used one, unless something is mounted over it.
func TestNeverFresh(t *testing.T) {
	c := checkouts(t)[0]
	cases := []struct {
		name, fstab, unit, path string
		found                   bool
	}{
		{"in the image", "", "", "/var/lib/webd", true},
		{"a file above it", "", "", "/var/lib/webd/db", false},
		{"not in the image", "", "", "/var/lib/other", false},
		{"below a mount", "LABEL=var /var ext4 defaults 0 2\n", "", "/var/lib/webd", false},
		{"a mount itself", "LABEL=d /var/lib/webd ext4 defaults 0 2\n", "", "/var/lib/webd", false},
		{"another mount", "LABEL=d /var/lib/web ext4 defaults 0 2\n", "", "/var/lib/webd", true},
		{"only the root", "/dev/root / auto defaults 1 1\n", "", "/var/lib/webd", true},
		{"below a unit's mount", "", "var-lib.mount", "/var/lib/webd", false},
		{"below a unit's mount, escaped", "", `var-lib-web\x2dd.mount`, "/var/lib/web-d", false},
	}
	top := t.TempDir()
	var input []any
	for i, v := range cases {
		root := filepath.Join(top, fmt.Sprint(i))
		for _, dir := range []string{"etc", unitDir, "var/lib/webd", "var/lib/web-d"} {
			if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		files := map[string]string{"etc/fstab": v.fstab}
		if v.unit != "" {
			files[unitDir+v.unit] = "[Mount]\n"
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		input = append(input, []any{root, []string{v.path}})
	}
	var got [][]string
	imagePython(t, c, "[meta_migration.image.never_fresh(*x) for x in values]", input, &got)
	for i, v := range cases {
		if (len(got[i]) == 1) != v.found {
			t.Errorf("%s: found %q", v.name, got[i])
		}
	}
}

// imagePython has Python evaluate an expression over values with
// meta_migration.image, which needs bitbake's library.
func imagePython(t *testing.T, c checkout, expression string, values, result any) {
	t.Helper()
	input, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	program := "import json, sys\nsys.path[:0] = sys.argv[1:3]\nimport meta_migration.image\nvalues = json.load(sys.stdin)\n" +
		"json.dump(" + expression + ", sys.stdout)"
	cmd := exec.Command("python3", "-B", "-c", program, "../../meta-migration/lib", c.bitbake+"/lib")
	cmd.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(out, result); err != nil {
		t.Fatal(err)
	}
}

// volatile: the class warns where the device would forget its ledger, and is
// silent where the root is writable or persistent storage is mounted.
func (b *build) volatile(t *testing.T) {
	const recipe = "SUMMARY = \"case\"\nrequire recipes-demo/includes/oetest.inc\ninherit allarch\nSRC_URI = \"file://%s\"\n" +
		"do_configure[noexec] = \"1\"\ndo_compile[noexec] = \"1\"\nFILES:${PN} = \"${nonarch_libdir}\"\n" +
		"do_install() {\n    install -D -m 0644 ${UNPACKDIR}/%[1]s ${D}${nonarch_libdir}/systemd/system/%[1]s\n}\n"
	files := map[string]string{
		"binds_1.0.bb":                   fmt.Sprintf(recipe, "var-volatile-lib.service"),
		"files/var-volatile-lib.service": b.copybind(t),
		"mount_1.0.bb":                   fmt.Sprintf(recipe, "var-lib-migration.mount"),
		"files/var-lib-migration.mount":  "[Mount]\nWhat=/data/migration\nWhere=/var/lib/migration\nType=none\nOptions=bind\n",
	}
	const readOnly = "IMAGE_FEATURES = \"read-only-rootfs\"\n"
	for _, v := range []struct {
		name, conf string
		warns      bool
	}{
		{"writable", "OETEST_INSTALL = \"accounts board binds\"\n", false},
		{"read-only", readOnly + "OETEST_INSTALL = \"accounts board binds\"\n", true},
		{"persistent", readOnly + "OETEST_INSTALL = \"accounts board binds mount\"\n", false},
	} {
		files["conf"] = v.conf
		b.setCase(t, files)
		if !v.warns {
			b.succeed(t, "oetest-image")
			continue
		}
		out, err := b.run(t, "bitbake", "oetest-image")
		want := "WARNING: oetest-image-1.0-r0 do_rootfs: oetest-image: /" + binds + " makes /var/lib volatile"
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v, and not %q:\n%s", v.name, err, want, tail(out))
		}
	}
	// The next steps go on with the image of the first build.
	b.setCase(t, nil)
	b.succeed(t, "oetest-image")
}
