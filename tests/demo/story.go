// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The migrations of examples/.
const (
	accountsID  = "product-users:service-accounts"
	operatorsID = "product-users:operator-group"
	dropRootID  = "datalog:drop-root"
	dailyID     = "datalog:daily-files"
	indexID     = "datalog:daily-index"
	listenID    = "webui:listen-address"
	tokensID    = "webui:hashed-tokens"
)

// A story is the demo while it goes on.
type story struct {
	*product
	device *device
}

// tell shows the whole demo in dir. It returns an error only where it cannot
// go on.
func tell(s *show, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	releases, err := readReleases("examples")
	if err != nil {
		return err
	}
	t := &story{product: &product{show: s, dir: dir, releases: releases}}
	for _, part := range []func() error{
		t.programs, t.feeds, t.bundles,
		t.firstInstall, t.failingUpgrade, t.nextBoot, t.wayBack, t.repair, t.nothingToDo, t.downgrade,
		t.freshDevice, t.powerCut,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (t *story) programs() error {
	t.step("The two programs", `
mkmigrations works on the build host: it collects the migrations of an image's
packages and orders them. migrate-runner works on the device: it runs them.`)
	if !t.built {
		t.line("make", []string{"build"})
		text, code := finish(exec.Command("make", "--no-print-directory", "build"))
		t.indented(text)
		if code != 0 {
			return &stepError{"make build", code}
		}
	}
	t.command(0, "mkmigrations", "version")
	t.command(0, "migrate-runner", "version")
	return nil
}

func (t *story) feeds() error {
	t.step("The packages of three releases", `
The recipes in examples/ make the packages of a product: accounts for its
services, a data logger and a web server. What a recipe's new version needs
changed on devices in the field is in a package of its own, <recipe>-migration,
which is never installed. The same packages are made in three formats.`)
	if err := t.makePackages("1.0", "2.0", "3.0"); err != nil {
		return err
	}
	t.say("The image's root file system is busybox and empty directories: %s", t.rootfs())
	return makeRootfs(t.rootfs())
}

func (t *story) bundles() error {
	t.step("One bundle for each release", `
A bundle is the ordered list of an image's migrations, with their texts. It is
the same whatever the package format. datalog stands before product-users in the
alphabet, and needs its accounts: so the order is not that of the names. A
command that a script calls and --rootfs has not would be an error.`)
	if err := t.build("1.0", "--fresh-unless", "/var/lib/datalog"); err != nil {
		return err
	}
	t.say("The manifests of earlier releases tell what was shipped when, and find a released\n" +
		"migration that somebody changed or lost:")
	if err := t.build("2.0", "--previous", t.manifest("1.0"), "--fresh-unless", "/var/lib/datalog"); err != nil {
		return err
	}
	if err := t.build("3.0", "--previous", t.manifest("2.0"), "--fresh-unless", "/var/lib/datalog",
		"--failure-state", "emergency"); err != nil {
		return err
	}
	t.say("fieldtest is in the feed and has a migration, but the image does not install it.\nWhat the last bundle holds, in its order:")
	text := t.command(0, "mkmigrations", "inspect", t.bundle("3.0"))
	t.expect(text, accountsID, dropRootID, dailyID, indexID, listenID, operatorsID, tokensID)
	t.say("And what release 3.0 adds to 2.0:")
	text = t.command(0, "mkmigrations", "diff", t.manifest("2.0"), t.manifest("3.0"))
	t.expect(text, operatorsID, tokensID)
	return nil
}

func (t *story) firstInstall() error {
	t.step("Release 1.0 on a device in use", `
The device has run release 0.9, which knew no migrations: its services run as
root. Its /etc and /var are kept when an image is installed. At the first boot
of 1.0 the runner makes the accounts, then gives datalog its own.`)
	var err error
	if t.device, err = newDevice(t.show, filepath.Join(t.dir, "device"), true); err != nil {
		return err
	}
	if t.device.volatile {
		t.say("(This directory is in memory. On a device the runner refuses such a place for its\nrecord; --allow-volatile is for tests.)")
	}
	if err := t.install("1.0"); err != nil {
		return err
	}
	_, changed, err := t.device.boot(0)
	if err != nil {
		return err
	}
	t.expect(changed, "+ datalog:x:", "+ telemetry:x:", "- user = root", "+ user = datalog")
	t.device.expectStates("complete", map[string]string{accountsID: "applied", dropRootID: "applied"})
	return nil
}

// install installs an image and checks that it arrived whole.
func (t *story) install(release string) error {
	t.say("(the image of release %s is installed)", release)
	if err := t.device.install(t.bundle(release), t.releases[release]); err != nil {
		return err
	}
	text, code := finish(t.program("mkmigrations", "verify", t.device.root))
	if code != 0 {
		t.wrong("`mkmigrations verify %s` exits %d:\n%s", t.device.root, code, text)
	}
	return nil
}

func (t *story) failingUpgrade() error {
	t.step("Upgrade to 2.0: a migration fails", `
2.0 splits the samples into one file a day. Its migration takes every line for a
sample; on this device somebody wrote a note between them. It fails in the
middle, so what it did to its Paths is put back. daily-index requires it and is
blocked. webui's migration requires neither and is run: On-Failure is continue.`)
	if err := t.install("2.0"); err != nil {
		return err
	}
	printed, changed, err := t.device.boot(3)
	if err != nil {
		return err
	}
	t.expect(printed, "this is no day: sensor 2 replaced by M. K.")
	t.expect(changed, "- port = 8080", "+ listen=0.0.0.0:8080")
	t.refuse(changed, "/var/lib/datalog")
	t.device.expectStates("failed", map[string]string{
		accountsID: "applied", dropRootID: "applied",
		dailyID: "failed", indexID: "blocked", listenID: "applied",
	})
	return nil
}

// refuse notes each line of text that begins with a part that must not be.
func (t *story) refuse(text, part string) {
	for _, line := range lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), part) {
			t.wrong("this must not be: %s", strings.TrimSpace(line))
		}
	}
}

func (t *story) nextBoot() error {
	t.step("The next boot tries again", `
A migration has three attempts with one image (Attempts). What is applied is not
run again, and the device stays as it was.`)
	_, changed, err := t.device.boot(3)
	if err != nil {
		return err
	}
	if changed != "" {
		t.wrong("the second attempt changed something")
	}
	return nil
}

func (t *story) wayBack() error {
	t.step("Back to 1.0", `
Somebody goes back to the image that worked. It finds on the device a migration
that it does not know, webui's. It tolerates that (--on-downgrade tolerate is
the default) and records that the migration is to run again under a newer image.`)
	if err := t.install("1.0"); err != nil {
		return err
	}
	printed, changed, err := t.device.boot(0)
	if err != nil {
		return err
	}
	t.expect(printed, "1 migration of a newer one will be pending")
	if changed != "" {
		t.wrong("going back changed something")
	}
	t.device.expectStates("complete", map[string]string{accountsID: "applied", dropRootID: "applied"})
	return nil
}

func (t *story) repair() error {
	t.step("Upgrade to 3.0, which repairs it", `
3.0 ships a better text of datalog:daily-files, and says so in its header:
"Revises: <digest of the text in 2.0>". Where the old one worked nothing is run
again; here the new one runs now. What 2.0 began is completed, what 3.0 adds is
run. webui's migration runs again and finds its work done.`)
	if err := t.install("3.0"); err != nil {
		return err
	}
	_, changed, err := t.device.boot(0)
	if err != nil {
		return err
	}
	t.expect(changed, "/var/lib/datalog/2024-05-01.csv is new", "/var/lib/datalog/samples.csv is gone",
		"+ sensor 2 replaced by M. K.", "+ 2024-05-01 2", "+ operators:x:", "- office 7c1f-55a0", "+ office sha256:")
	t.refuse(changed, "/etc/webui.conf")
	t.device.expectStates("complete", map[string]string{
		accountsID: "applied", dropRootID: "applied", dailyID: "applied", indexID: "applied",
		listenID: "applied", operatorsID: "applied", tokensID: "applied",
	})
	return nil
}

func (t *story) nothingToDo() error {
	t.step("The next boot: nothing to do", `
One comparison tells that this bundle is complete. With systemd it is the unit's
ConditionPathExists, and no process is started at all.`)
	_, changed, err := t.device.boot(0)
	if err != nil {
		return err
	}
	if changed != "" {
		t.wrong("a boot with nothing to do changed something")
	}
	return nil
}

func (t *story) downgrade() error {
	t.step("Downgrade to 2.0: refused", `
webui:hashed-tokens says "One-Way: yes": an older webui would let nobody in. So
2.0 refuses to work on this data, and says why, before it changes anything. An
updater can ask before it installs the image. When 3.0 is back there is nothing
to do.`)
	text := t.device.runner(4, "check", "--image", t.bundle("2.0"))
	t.expect(text, tokensID)
	if err := t.install("2.0"); err != nil {
		return err
	}
	printed, changed, err := t.device.boot(4)
	if err != nil {
		return err
	}
	t.expect(printed, tokensID)
	if changed != "" {
		t.wrong("a refused downgrade changed something")
	}
	if err := t.install("3.0"); err != nil {
		return err
	}
	if _, changed, err = t.device.boot(0); err == nil && changed != "" {
		t.wrong("coming back changed something")
	}
	return err
}

func (t *story) freshDevice() error {
	t.step("Release 3.0 on a device from the factory", `
A new device has nothing to migrate: its data is made by 3.0. It has none of the
paths of --fresh-unless, so all migrations are recorded as "baseline", and none
is run, now or later.`)
	var err error
	if t.device, err = newDevice(t.show, filepath.Join(t.dir, "fresh-device"), false); err != nil {
		return err
	}
	if err := t.install("3.0"); err != nil {
		return err
	}
	_, changed, err := t.device.boot(0)
	if err != nil {
		return err
	}
	if changed != "" {
		t.wrong("a migration ran on a new device")
	}
	want := map[string]string{}
	for _, id := range []string{accountsID, operatorsID, dropRootID, dailyID, indexID, listenID, tokensID} {
		want[id] = "baseline"
	}
	t.device.expectStates("complete", want)
	return nil
}
