// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"strings"
	"testing"
)

// What follows is one device on its way: image A, whose second migration
// fails; A again; B, which repairs it and is not confirmed; A again, a
// fallback; then C, which is confirmed; and C again, with nothing to do.

// conf is a migration that writes a word into /etc/demo.conf.
func conf(id, header, word string) snippet {
	return snippet{id, strings.TrimPrefix(header+"\nPaths: /etc/demo.conf", "\n"), "echo " + word + " >/etc/demo.conf"}
}

// waits is a service that waits for one migration.
func waits(instance string) string {
	unit := "migration@" + instance + ".service"
	return "[Unit]\nRequires=" + unit + "\nAfter=" + unit + "\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=true\n[Install]\nWantedBy=multi-user.target\n"
}

// chainFiles are the units that a chain's image has beside the runner's.
func chainFiles(services bool) map[string]string {
	files := map[string]string{
		// systemd's own health check: it comes after multi-user.target.
		unitDir + "/boot-complete.target.requires/systemd-boot-check-no-failures.service": "-> ../systemd-boot-check-no-failures.service",
		unitDir + "/vm-health.service": "[Unit]\nBefore=boot-complete.target\nConditionKernelCommandLine=vm.sick\n" +
			"[Service]\nType=oneshot\nExecStart=false\n[Install]\nRequiredBy=boot-complete.target\n",
	}
	if services {
		files[unitDir+"/vm-made.service"] = waits(`acct\x2bx:make.it`)
		files[unitDir+"/vm-shaky.service"] = waits("demo:shaky")
	}
	return files
}

type chain struct{ a, b, c string }

func newChain(t *testing.T, s suite) *chain {
	t.Helper()
	shaky := snippet{"demo:shaky", "Paths: /etc/shaky\nOn-Failure: continue",
		"echo half >/etc/shaky\necho 'the disk is upside down' >&2\nexit 3"}
	repaired := snippet{"demo:shaky", "Paths: /etc/shaky\nOn-Failure: continue\nRevises: " + digest(shaky.text()), "echo whole >/etc/shaky"}
	ra := &release{version: "1.0", options: []string{"--keep", "good"}, snippets: []snippet{
		conf("acct+x:make.it", "", "v1"), shaky, {"demo:zoo", "Requires: demo:shaky\nPaths: /etc/zoo", "echo zoo >/etc/zoo"}}}
	rb := ra.again("2.0", repaired, conf("demo:key", "", "v2"))
	rc := rb.again("3.0", snippet{"demo:third", "Paths: /etc/third", "echo third >/etc/third"})
	make := func(r *release, services bool) string {
		return (&image{suite: s, layout: "unit", release: r, files: chainFiles(services)}).build(t)
	}
	return &chain{make(ra, true), make(rb, true), make(rc, false)}
}

// look is what a chain's boot asks for. systemctl's wait knows whether the
// health check has come to an end.
const look = `
units vm-made.service vm-shaky.service
section processes
journalctl -b -o cat _COMM=migrate-runner
ledger
file /etc/demo.conf /etc/shaky /etc/zoo
`

// hide does to /etc/migration.d on the device what must not matter: a
// whiteout, a copy, a file of its own.
const hide = `
rm /etc/migration.d/0010-acct+x:make.it
echo "# changed" >>/etc/migration.d/0020-demo:shaky
echo "touch /data/evil" >/etc/migration.d/0015-evil
`

func TestUpgrades(t *testing.T) {
	t.Parallel()
	d, c := newDevice(t, bookworm, nil), newChain(t, bookworm)
	failing(t, d, c)
	repaired(t, d, c)

	r := d.boot(boot{image: c.a, layout: "unit", script: look + "systemctl poweroff"})
	r.says("fallback: 1 migration of the image before put back, pending again")
	r.section("file /etc/demo.conf", "v1\n")
	r.states("complete", "acct+x:make.it", "applied", "demo:shaky", "applied")
	r.unit("boot-complete.target", "ActiveState", "active")

	r = d.boot(boot{image: c.c, layout: "unit", script: look + "off"})
	r.order(false)
	r.says("migrate-runner: 1/2 demo:key: applied", "migrate-runner: 2/2 demo:third: applied", "complete: 2 migrations run")
	r.section("file /etc/demo.conf", "v2\n")
	r.states("complete", "demo:key", "applied", "demo:third", "applied")
	r.unit("boot-complete.target", "ActiveState", "active")
	r.unit("migration-confirm.service", "ConditionResult", "yes", "Result", "success", "ExecMainStatus", "0")
	if strings.Contains(r.sections["files"], "./saved/") {
		t.Errorf("saves are kept behind the confirmation:\n%s", r.sections["files"])
	}

	r = d.boot(boot{image: c.c, layout: "unit", script: look + "off"})
	r.idle()
	r.unit("boot-complete.target", "ActiveState", "active")
	r.unit("migration-confirm.service", "ConditionResult", "no", "ExecMainPID", "0")
	r.section("state", "running")
}

// failing boots image A twice.
func failing(t *testing.T, d *device, c *chain) {
	t.Helper()
	r := d.boot(boot{image: c.a, layout: "unit", script: look + hide + "off"})
	r.order(false)
	const last = "not complete: 2 migrations left; failed ones are tried again at the next start"
	r.says("migrate-runner: 1/3 acct+x:make.it: applied", "the disk is upside down",
		"migrate-runner: 2/3 demo:shaky: failed: exit status 3: the disk is upside down (attempt 1 of 3)", "migrate-runner: "+last)
	r.states("failed", "acct+x:make.it", "applied", "demo:shaky", "failed", "demo:zoo", "blocked")
	r.unit("migrate-runner.service", "ActiveState", "failed", "ExecMainStatus", "3", "StatusText", last)
	// Degraded: the boot goes on, but it is not a good one.
	r.unit("multi-user.target", "ActiveState", "active")
	r.unit("boot-complete.target", "ActiveState", "inactive")
	r.section("state", "degraded")
	r.unit("vm-made.service", "ActiveState", "active")
	r.unit("vm-shaky.service", "ActiveState", "inactive")
	r.unit("migration@demo:shaky.service", "ActiveState", "failed", "ExecMainStatus", "3")
	r.section("file /etc/shaky", "No such file")

	r = d.boot(boot{image: c.a, layout: "unit", script: look + "off"})
	r.says("demo:shaky: failed: exit status 3: the disk is upside down (attempt 2 of 3)")
	r.states("failed", "acct+x:make.it", "applied", "demo:shaky", "failed")
}

// repaired boots image B, whose script of the same name the overlay hides. It
// is not confirmed: a health check fails.
func repaired(t *testing.T, d *device, c *chain) {
	t.Helper()
	r := d.boot(boot{image: c.b, layout: "unit", append: "vm.sick", script: look + "file /data/evil\noff"})
	r.order(false)
	r.says("migrate-runner: 1/3 demo:shaky: applied", "migrate-runner: 2/3 demo:zoo: applied", "migrate-runner: 3/3 demo:key: applied")
	r.states("complete", "demo:shaky", "applied", "demo:zoo", "applied", "demo:key", "applied")
	r.section("file /etc/shaky", "whole\n")
	r.section("file /etc/demo.conf", "v2\n")
	r.section("file /data/evil", "No such file")
	r.unit("migrate-runner.service", "ActiveState", "active", "ExecMainStatus", "0", "StatusText", "Complete")
	r.unit("vm-shaky.service", "ActiveState", "active")
	r.unit("boot-complete.target", "ActiveState", "inactive")
	r.section("files", "./saved/")
}
