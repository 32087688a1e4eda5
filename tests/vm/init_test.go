// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// These boots are of images without systemd: busybox or sysvinit calls the
// init script from rcS.

const busyboxInit = "/usr/lib/vm/init"

// small is an image for busybox init.
func small(r *release) *image {
	return &image{layout: "early", release: r, files: map[string]string{busyboxInit: "-> /bin/busybox"}}
}

// smallBoot boots it; init's own name is what tells busybox to be it.
func smallBoot(path, script string) boot {
	return boot{image: path, layout: "early", script: script, append: "vm.init=" + busyboxInit}
}

// works is a migration that says so, and leaves its mark in /etc and /data.
func works(id, header string) snippet {
	name := strings.NewReplacer(":", "-", "+", "-").Replace(id)
	return snippet{id, strings.TrimPrefix(header+"\nPaths: /etc/"+name+".conf", "\n"), "echo half >/etc/" + name + ".conf\n" +
		"echo " + name + " >>/data/log\necho whole >/etc/" + name + ".conf"}
}

// fails is one that does not.
func fails(id, header string) snippet {
	s := works(id, header)
	s.body += "\necho 'the disk is upside down' >&2\nexit 3"
	return s
}

// again is a release with the migrations of r, of which some have other texts.
func (r *release) again(version string, changed ...snippet) *release {
	next := &release{version: version, previous: r, options: r.options}
	for _, s := range append(append([]snippet{}, r.snippets...), changed...) {
		replaced := false
		for i := range next.snippets {
			if next.snippets[i].id == s.id {
				next.snippets[i], replaced = s, true
			}
		}
		if !replaced {
			next.snippets = append(next.snippets, s)
		}
	}
	return next
}

// TestInitDegraded: the boot goes on behind a failure, it is tried again at
// the next boot, repaired by the next image, and then no process is started.
func TestInitDegraded(t *testing.T) {
	t.Parallel()
	d := newDevice(t, none, nil)
	r1 := &release{version: "1.0", snippets: []snippet{works("demo:one", ""), fails("demo:two", ""), works("demo:zoo", "")}}
	bad := fails("demo:two", "")
	repaired := works("demo:two", "Revises: "+digest(bad.text()))
	a, b := small(r1).build(t), small(r1.again("2.0", repaired)).build(t)

	r := d.boot(smallBoot(a, "ledger\noff"))
	r.states("failed", "demo:one", "applied", "demo:two", "failed", "demo:zoo", "pending")
	r.says("migrate-runner: 1/3 demo:one: applied", "the disk is upside down",
		"migrate-runner: 2/3 demo:two: failed: exit status 3: the disk is upside down (attempt 1 of 3)",
		"migrate-runner: not complete: 2 migrations left; failed ones are tried again at the next start",
		"migrate-runner: exit 3: going on degraded", "vm: the services start")

	r = d.boot(smallBoot(a, "ledger\noff"))
	r.says("demo:two: failed: exit status 3: the disk is upside down (attempt 2 of 3)", "vm: the services start")

	r = d.boot(smallBoot(b, "ledger\nfile /data/log\noff"))
	r.states("complete", "demo:two", "applied", "demo:zoo", "applied")
	r.section("file /data/log", "demo-one\ndemo-two\ndemo-two\ndemo-two\ndemo-zoo\n")

	// Only the shell that runs the init script: a runner says what it does.
	r = d.boot(smallBoot(b, "ledger\noff"))
	r.states("complete")
	r.says("vm: the services start")
	if strings.Contains(r.before("vm: the services start"), "migrate-runner") {
		t.Errorf("the runner was started with nothing to do:\n%s", r.console)
	}
}

// TestInitReboot: the device boots again while attempts are left, then goes on.
func TestInitReboot(t *testing.T) {
	t.Parallel()
	d := newDevice(t, none, nil)
	image := small(&release{version: "1.0", options: []string{"--failure-state", "reboot"},
		snippets: []snippet{fails("demo:two", "Attempts: 2")}}).build(t)
	b := smallBoot(image, "ledger\noff")
	b.reboot = true
	r := d.boot(b)
	r.states("failed", "demo:two", "failed")
	r.says("(attempt 1 of 2)", "exit 3: booting again", "(attempt 2 of 2)", "exit 3: another boot would not help, going on degraded",
		"no attempts are left: install an image that repairs it, or use `migrate-runner retry ID`")
	if n := strings.Count(r.console, "vm: the services start"); n != 1 {
		t.Errorf("the services were started %d times, want 1: not before a reboot", n)
	}
}

// TestInitEmergency: a shell on the console; the boot goes on when it is left.
func TestInitEmergency(t *testing.T) {
	t.Parallel()
	d := newDevice(t, none, nil)
	image := small(&release{version: "1.0", options: []string{"--failure-state", "emergency"},
		snippets: []snippet{fails("demo:two", "")}}).build(t)
	s := d.start(smallBoot(image, "ledger\noff"))
	d.wait(s, "exit 3: emergency shell; leave it to go on")
	must(t, s.enter("echo in the $((40+2))nd shell"))
	d.wait(s, "in the 42nd shell")
	must(t, s.enter("exit"))
	r := d.end(s)
	r.states("failed", "demo:two", "failed")
	r.says("vm: the services start")
	if strings.Contains(r.before("in the 42nd shell"), "vm: the services start") {
		t.Error("the services were started before the shell was left")
	}
}

// TestSysvinit: the same script under the init of Debian's sysvinit-core.
func TestSysvinit(t *testing.T) {
	full(t)
	t.Parallel()
	d := newDevice(t, bookworm, nil)
	im := &image{suite: bookworm, layout: "early", release: &release{version: "1.0", snippets: []snippet{works("demo:one", "")}},
		files: map[string]string{
			"/etc/inittab": "id:2:initdefault:\nsi::sysinit:/usr/lib/vm/rcS\nse:2:once:/usr/lib/vm/session --now\n",
			busyboxInit:    sysvinit(t), "/usr/lib/vm/rcS": guest(t, "guest/rcS"),
		}}
	for _, name := range debianScripts(t) {
		im.files[name] = "-> /dev/null"
	}
	r := d.boot(boot{image: im.build(t), layout: "early", append: "vm.init=" + busyboxInit, script: "ledger\nsection pid1\ncat /proc/1/comm\noff"})
	r.states("complete", "demo:one", "applied")
	r.says("migrate-runner: 1/1 demo:one: applied", "vm: the services start")
	r.section("pid1", "init")
}

// debianScripts are rcS scripts of Debian's packages, which expect more than
// is there.
func debianScripts(t *testing.T) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(rootfs(t, bookworm) + "/etc/rcS.d/S*")
	must(t, err)
	for _, path := range paths {
		names = append(names, "/etc/rcS.d/"+filepath.Base(path))
	}
	return names
}

// sysvinit is /sbin/init of Debian's package.
func sysvinit(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	get := exec.Command("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::http::Timeout=20", "sysvinit-core")
	get.Dir = dir
	if out, err := get.CombinedOutput(); err != nil {
		t.Skipf("skipping: no sysvinit-core: %v: %s", err, out)
	}
	debs, err := filepath.Glob(dir + "/*.deb")
	must(t, err)
	run(t, "dpkg-deb", "-x", debs[0], dir+"/x")
	data, err := os.ReadFile(dir + "/x/sbin/init")
	must(t, err)
	return string(data)
}
