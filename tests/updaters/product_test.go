// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// A product's releases: thermo reads its settings from /var/lib/thermo on
// devices whose data is shared by the slots. The settings tell which migrations
// took effect.
const (
	settings = "/var/lib/thermo/settings"
	used     = "unit = f\n" // as release 1.0 left them

	toCelsius = `#!/bin/sh
### BEGIN MIGRATION INFO
# Description: Store temperatures in Celsius
# Paths: /var/lib/thermo/settings
### END MIGRATION INFO
sed -i 's/^unit = f$/unit = c/' /var/lib/thermo/settings
`
	calibrate = `#!/bin/sh
### BEGIN MIGRATION INFO
# Description: Take the calibration over
# After: thermo:celsius
# Paths: /var/lib/thermo/settings
### END MIGRATION INFO
echo 'offset = 3' >> /var/lib/thermo/settings
echo 'release 3.0: complete but for the calibration' >&2
exit 1
`
	waitForNet = `#!/bin/sh
### BEGIN MIGRATION INFO
# Description: Register the sensor
# After: thermo:celsius
# Paths: /var/lib/thermo/settings
### END MIGRATION INFO
[ -e /run/network ] || exit 75
[ -e /var/lib/thermo/registered ] || touch /var/lib/thermo/registered
`
)

// A release of the product.
type release struct {
	name       string
	migrations map[string]string // of the recipe thermo
	flags      []string          // of mkmigrations build
	previous   []release
	rootfs     map[string]string // further files of the image
	noRunner   bool
	breakIt    bool // the bundle is damaged after the build
}

var (
	first   = release{name: "1.0", flags: []string{"--keep", "good"}}
	second  = release{name: "2.0", flags: []string{"--keep", "good"}, migrations: map[string]string{"celsius": toCelsius}, previous: []release{first}}
	failing = release{name: "3.0", flags: []string{"--keep", "good", "--failure-state", "reboot", "--attempts", "4"}, migrations: map[string]string{"celsius": toCelsius, "calibrate": calibrate}, previous: []release{first}}
	waiting = release{name: "3.1", flags: []string{"--keep", "good"}, migrations: map[string]string{"celsius": toCelsius, "register": waitForNet}, previous: []release{first}}
	late    = release{name: "4.0", flags: []string{"--keep", "good", "--min-from", "3.0", "--fresh-unless", "/var/lib/thermo"}, previous: []release{first}}
	strict  = release{name: "1.0", flags: []string{"--keep", "good", "--on-downgrade", "refuse"}} // the first release, had it refused newer data
	broken  = release{name: "2.1", flags: []string{"--keep", "good"}, migrations: map[string]string{"celsius": toCelsius}, previous: []release{first}, breakIt: true}
	without = release{name: "0.9", noRunner: true}
)

func mustWrite(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), mode)
	}
	if err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// bundle builds the release's bundle with the real mkmigrations.
func (r release) bundle(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range r.migrations {
		mustWrite(t, filepath.Join(dir, "snippets/thermo", name), text, 0o644)
	}
	if err := os.MkdirAll(dir+"/snippets", 0o755); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"build", "--snippets", "snippets", "--release", r.name, "--output", "bundle"}, r.flags...)
	for _, previous := range r.previous {
		args = append(args, "--previous", previous.bundle(t)+"/etc/migration.d/manifest")
	}
	cmd := exec.Command(filepath.Join(binDir, "mkmigrations"), args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mkmigrations %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return dir + "/bundle"
}

// An example is the directory of one updater below examples/updaters.
type example string

// installedAs is what the head of a file of an example says.
var installedAs = regexp.MustCompile(`(?m)^(?:#|//) Installed as (\S+?)[:,.]?(?:\s|$)`)

func (e example) dir() string { return filepath.Join("../../examples/updaters", string(e)) }

func (e example) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(e.dir(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// install puts the files of an example into an image where they say.
func (e example) install(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(e.dir(), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".md") {
			return err
		}
		name, err := filepath.Rel(e.dir(), path)
		if err != nil {
			return err
		}
		text := e.read(t, name)
		if match := installedAs.FindStringSubmatch(text); match != nil {
			mode := os.FileMode(0o644)
			if strings.HasPrefix(text, "#!") {
				mode = 0o755
			}
			mustWrite(t, filepath.Join(root, match[1]), text, mode)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tree makes the root file system of an image of the release for devices
// with this updater.
func (r release) tree(t *testing.T, e example) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "rootfs")
	for _, dir := range []string{"bin", "sbin", "etc", "usr/bin", "usr/sbin", "usr/lib", "root", "proc", "sys", "dev", "run", "tmp", "host", "data", "mnt", "var/lib/migration"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	addPrograms(t, root)
	for link, target := range map[string]string{"lib": "host/lib", "lib64": "host/lib64", "etc/mtab": "../proc/self/mounts"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	mustWrite(t, root+"/etc/os-release", "ID=thermo\nVERSION_ID="+r.name+"\n", 0o644)
	mustWrite(t, root+"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644)
	mustWrite(t, root+"/etc/group", "root:x:0:\n", 0o644)
	mustWrite(t, root+"/etc/fw_env.config", "/data/boot/uboot.env 0x0 0x4000\n", 0o644)
	e.install(t, root)
	if toolPath("openssl") != "" {
		cert, _ := signer(t)
		copyAll(t, cert, root+"/etc/keyring.pem")
	}
	for path, text := range r.rootfs {
		mustWrite(t, filepath.Join(root, path), text, 0o644)
	}
	if r.noRunner {
		return root
	}
	copyAll(t, r.bundle(t), root)
	copyAll(t, filepath.Join(binDir, "migrate-runner"), filepath.Join(root, "usr/sbin/migrate-runner"))
	copyAll(t, "../../target/migrate-runner/dist/may-reboot", filepath.Join(root, "usr/lib/migration/may-reboot"))
	if r.breakIt {
		for _, path := range []string{"/usr/lib/migration/bundle.d/manifest", "/etc/migration.d/manifest"} {
			mustWrite(t, root+path, "Format: 1\n", 0o644)
		}
	}
	return root
}

func copyAll(t *testing.T, from, to string) {
	t.Helper()
	if info, err := os.Stat(from); err == nil && info.IsDir() {
		from += "/."
	}
	host(t, "", "cp", "-a", from, to)
}

// addPrograms gives the tree a shell and its tools, and links to what is lent
// to the device.
func addPrograms(t *testing.T, root string) {
	t.Helper()
	busybox, err := filepath.EvalSymlinks(toolPath("busybox"))
	if err != nil {
		t.Fatal(err)
	}
	copyAll(t, busybox, root+"/bin/busybox")
	for _, name := range strings.Fields(host(t, "", "busybox", "--list")) {
		if name != "busybox" {
			if err := os.Symlink("busybox", filepath.Join(root, "bin", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	d := &device{t: t}
	for _, name := range []string{"rauc", "dbus-daemon", "swupdate", "mender", "fw_printenv", "fw_setenv", "zstd"} {
		if toolPath(name) != "" {
			if err := os.Symlink(d.lent(name), filepath.Join(root, "usr/bin", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// images are those that were packed already: most tests share a few.
var images = map[string]string{}

// image packs the release as an ext4 image.
func (r release) image(t *testing.T, e example) string {
	t.Helper()
	return r.packed(t, e, func(tree, file string) {
		host(t, "", "mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", tree, file, "16m")
	})
}

func (r release) packed(t *testing.T, e example, pack func(tree, file string)) string {
	t.Helper()
	key := fmt.Sprint(e, r)
	if images[key] == "" {
		file := filepath.Join(os.TempDir(), fmt.Sprintf("image-%d", len(images)))
		pack(r.tree(t, e), file)
		images[key] = file
	}
	return images[key]
}

var signing struct {
	once      sync.Once
	cert, key string
}

// signer is the certificate that all devices trust, and its key.
func signer(t *testing.T) (cert, key string) {
	t.Helper()
	signing.once.Do(func() {
		cert, key := filepath.Join(binDir, "cert.pem"), filepath.Join(binDir, "key.pem")
		// Where openssl is unpacked its own configuration is not found.
		mustWrite(t, binDir+"/openssl.cnf", "[req]\ndistinguished_name = dn\n[dn]\n", 0o644)
		host(t, binDir, "openssl", "req", "-config", "openssl.cnf", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert,
			"-subj", "/CN=thermo", "-days", "2", "-addext", "extendedKeyUsage=emailProtection,codeSigning")
		signing.cert, signing.key = cert, key
	})
	return signing.cert, signing.key
}
