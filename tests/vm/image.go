// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"embed"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

//go:embed testdata
var testdata embed.FS

// An image is what an upgrade puts on a device.
type image struct {
	suite   suite // none: busybox alone
	release *release
	early   bool              // PACKAGECONFIG of the recipe
	layout  string            // what is mounted where: unit, early or binds
	format  string            // ext4, else squashfs
	files   map[string]string // the product's own; "-> TARGET" is a link
}

// recipe is where the layer says how the runner is installed.
const recipe = "meta-migration/recipes-core/migrate-runner/migrate-runner_0.1.0.bb"

var installBody = regexp.MustCompile(`(?s)\ndo_install\(\) \{\n(.*?)\n\}\n`)

// installRunner runs do_install of the recipe, which is shell with variables
// whose names a shell can have.
func installRunner(t testing.TB, root string, early bool) {
	t.Helper()
	module := moduleDir(t)
	text, err := os.ReadFile(filepath.Join(module, recipe))
	must(t, err)
	body := installBody.FindSubmatch(text)
	if body == nil {
		t.Fatalf("%s has no do_install", recipe)
	}
	unit := "migrate-runner.service"
	if early {
		unit = "migrate-runner-early.service"
	}
	cmd := exec.Command("sh", "-euc", string(body[1]))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "D=" + root, "B=" + filepath.Dir(program(t, "x")), "GO_BUILD_BINDIR=.",
		"sbindir=/usr/sbin", "localstatedir=/var", "nonarch_libdir=/usr/lib", "sysconfdir=/etc",
		"MIGRATION_DIST=" + filepath.Join(module, "target/migrate-runner/dist"), "MIGRATION_UNIT=" + unit,
		"MIGRATION_UNITDIR=/usr/lib/systemd/system"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("do_install of %s: %v\n%s", recipe, err, out)
	}
}

func moduleDir(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	must(t, err)
	return strings.TrimSpace(string(out))
}

// build makes the image's squashfs.
func (im *image) build(t testing.TB) (path string) {
	t.Helper()
	cache, err := cacheDir()
	must(t, err)
	work, err := os.MkdirTemp(cache, "work-")
	must(t, err)
	defer func() { _ = os.RemoveAll(work) }()
	root := filepath.Join(work, "root")
	if im.suite == none {
		smallRoot(t, root)
	} else {
		// Links: nothing below writes into a file that is there.
		run(t, "cp", "-al", rootfs(t, im.suite), root)
	}
	if im.release != nil {
		im.release.build(t, work)
		run(t, "cp", "-a", "--no-preserve=ownership", "--remove-destination", filepath.Join(work, "bundle")+"/.", root)
	}
	installRunner(t, root, im.early)
	im.product(t, root)
	if im.format == "ext4" {
		path = filepath.Join(scratch(t), "image")
		run(t, "mke2fs", "-q", "-F", "-t", "ext4", "-E", "root_owner=0:0,nodiscard", "-d", root, path, "24m")
		return path
	}
	path = filepath.Join(scratch(t), "image")
	run(t, "mksquashfs", root, path, "-comp", "lz4", "-noappend", "-no-progress", "-quiet")
	return path
}

// product adds what a product has beside its packages.
func (im *image) product(t testing.TB, root string) {
	t.Helper()
	must(t, os.MkdirAll(root+"/data", 0o755))
	if im.suite != none {
		for name, text := range im.systemd(t) {
			put(t, root, name, text)
		}
	}
	put(t, root, "/usr/lib/vm/report", guest(t, "guest/report"))
	put(t, root, "/usr/lib/vm/session", guest(t, "guest/session"))
	for name, text := range im.files {
		put(t, root, name, text)
	}
	enable(t, root)
}

// systemd is what systemd needs for a read-only root, and the test's units.
func (im *image) systemd(t testing.TB) map[string]string {
	t.Helper()
	files := map[string]string{"/etc/fstab": "tmpfs /tmp tmpfs nosuid,nodev 0 0\n"}
	for _, name := range masked {
		files[unitDir+"/"+name] = "-> /dev/null"
	}
	if im.layout == "unit" {
		files["/etc/fstab"] += "/dev/vdc /var ext4 x-systemd.device-timeout=600 0 0\n"
	}
	files[unitDir+"/emergency.service.d/10-vm.conf"] = "[Service]\nExecStartPre=\nExecStart=\nExecStart=/usr/lib/vm/session --now\n" +
		"StandardInput=null\nTTYVHangup=no\n"
	units, err := fs.Glob(testdata, "testdata/units/*")
	must(t, err)
	for _, name := range units {
		files[unitDir+"/"+filepath.Base(name)] = guest(t, strings.TrimPrefix(name, "testdata/"))
	}
	return files
}

// masked are units that cost a boot time, and have nothing to do with what is
// tested. The getty's vhangup would cut the report.
var masked = []string{"serial-getty@ttyS0.service", "getty.target", "systemd-logind.service", "modprobe@.service",
	"dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount",
	"sys-fs-fuse-connections.mount", "proc-sys-fs-binfmt_misc.automount", "systemd-binfmt.service", "systemd-initctl.socket",
	"kmod-static-nodes.service", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer",
	"e2scrub_all.timer", "e2scrub_reap.service", "systemd-pcrphase.service", "systemd-pcrphase-sysinit.service",
	"systemd-pstore.service", "systemd-repart.service", "systemd-user-sessions.service"}

const unitDir = "/usr/lib/systemd/system"

func guest(t testing.TB, name string) string {
	t.Helper()
	data, err := testdata.ReadFile("testdata/" + name)
	must(t, err)
	return string(data)
}

// put writes a file anew, never into one that is there.
func put(t testing.TB, root, name, text string) {
	t.Helper()
	path := root + name
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if to, ok := strings.CutPrefix(text, "-> "); ok {
		must(t, os.Symlink(to, path))
		return
	}
	mode := fs.FileMode(0o644)
	if strings.HasPrefix(text, "#!") || strings.HasPrefix(text, "\x7fELF") {
		mode = 0o755
	}
	must(t, os.WriteFile(path, []byte(text), mode))
}

var install = regexp.MustCompile(`(?m)^(WantedBy|RequiredBy)=(.*)$`)

// enable makes the links of the [Install] sections of the test's own units,
// below /usr as a read-only image has them. The runner's come from its recipe.
func enable(t testing.TB, root string) {
	t.Helper()
	units, err := filepath.Glob(root + unitDir + "/vm-*")
	must(t, err)
	mounts, err := filepath.Glob(root + unitDir + "/var-*.mount")
	must(t, err)
	services, err := filepath.Glob(root + unitDir + "/var-*.service")
	must(t, err)
	for _, unit := range append(append(units, mounts...), services...) {
		text, err := os.ReadFile(unit)
		must(t, err)
		for _, line := range install.FindAllSubmatch(text, -1) {
			dir := map[string]string{"WantedBy": ".wants/", "RequiredBy": ".requires/"}[string(line[1])]
			for _, target := range strings.Fields(string(line[2])) {
				put(t, root, unitDir+"/"+target+dir+filepath.Base(unit), "-> ../"+filepath.Base(unit))
			}
		}
	}
}
