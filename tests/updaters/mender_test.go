// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const mender = example("mender")

// menderParts are the values of mender_boot_part.
var menderParts = map[string]string{"a": "2", "b": "3"}

// A menderDevice is one whose U-Boot does what Mender's integration wants.
type menderDevice struct{ *device }

// menderImage is an image for devices with Mender: its configuration with a
// shorter wait, and the key that Artifacts must be signed with.
func menderImage(t *testing.T, r release) string {
	t.Helper()
	cert, _ := signer(t)
	files := map[string]string{
		"/etc/mender/mender.conf": strings.NewReplacer(
			`"StateScriptRetryIntervalSeconds": 60`, `"StateScriptRetryIntervalSeconds": 1`).Replace(mender.read(t, "mender.conf")),
		"/etc/mender/artifact-verify-key.pem": host(t, "", "openssl", "x509", "-in", cert, "-noout", "-pubkey"),
		"/etc/mender/artifact_info":           "artifact_name=thermo-" + r.name + "\n",
		"/etc/mender/scripts/version":         "3",
	}
	for path, text := range r.rootfs {
		files[path] = text
	}
	r.rootfs = files
	return r.image(t, mender)
}

// newMender makes a device with a used and complete release in slot a.
func newMender(t *testing.T, factory release, owns bool) *menderDevice {
	t.Helper()
	need(t, "mender", "mender-artifact", "openssl", "fw_setenv")
	if owns {
		factory.rootfs = map[string]string{settings: used}
	}
	d := &menderDevice{newDevice(t, menderImage(t, factory))}
	d.owns = owns
	mustWrite(t, d.data+"/mender/device_type", "device_type=thermo\n", 0o644)
	d.env.set("mender_boot_part", "2", "upgrade_available", "0")
	if !owns {
		d.write(d.data+settings, used)
	}
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the factory's image is not complete: exit %d", r.code)
	}
	if !owns {
		d.write(d.data+settings, used)
	}
	d.expect(0, "migrate-runner", "confirm")
	return d
}

func (d *menderDevice) boot() result {
	d.t.Helper()
	d.start(d.ubootCounts("mender_boot_part", menderParts))
	return d.firstBoot()
}

// mender runs the client; its state is on the data partition.
func (d *menderDevice) mender(args ...string) result {
	d.t.Helper()
	return d.run("mender", append([]string{"--no-syslog", "--data", "/data/mender"}, args...)...)
}

// artifact packs the release with the example's script and state scripts.
func (d *menderDevice) artifact(r release, options ...string) string {
	t := d.t
	t.Helper()
	_, key := signer(t)
	key1 := filepath.Join(t.TempDir(), "key.pem") // mender-artifact reads PKCS #1
	host(t, "", "openssl", "rsa", "-traditional", "-in", key, "-out", key1)
	file := filepath.Join(d.data, "update.mender")
	os.Remove(file)
	script, err := filepath.Abs(filepath.Join(mender.dir(), "write-artifact.sh"))
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + filepath.Dir(toolPath("mender-artifact")) + ":" + os.Getenv("PATH")}
	if d.owns {
		env = append(env, "SLOT_OWNS_DATA=yes")
	}
	hostEnv(t, "", env, script, append([]string{menderImage(t, r), r.name, file, "-k", key1, "--no-progress"}, options...)...)
	return "/data/update.mender"
}
