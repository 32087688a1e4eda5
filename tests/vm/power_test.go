// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"strconv"
	"strings"
	"testing"
)

// slow is a release whose migrations tell when they are in their midst, with
// half of their work on the disk.
func slow(n, seconds int) *release {
	r := &release{version: "1.0"}
	for i := 1; i <= n; i++ {
		name := "m" + strconv.Itoa(i)
		r.snippets = append(r.snippets, snippet{"slow:" + name, "Paths: /etc/" + name + ".conf",
			"echo half >/etc/" + name + ".conf\necho $MIGRATION_ATTEMPT >>/data/" + name + "\nsync\necho " + name + " is in its midst >&2\n" +
				"sleep " + strconv.Itoa(seconds) + "\necho whole >/etc/" + name + ".conf"})
	}
	return r
}

// checkWhole checks that n migrations have taken effect.
func checkWhole(t *testing.T, r *report, n int) {
	t.Helper()
	r.states("complete")
	if got := r.sections["whole"]; strings.TrimSpace(got) != strings.TrimSpace(strings.Repeat("whole\n", n)) {
		t.Errorf("what the migrations wrote is\n%s", got)
	}
}

// TestInitPowerCut cuts the power in the middle of each migration, in turn,
// and lets the last boot come to its end.
func TestInitPowerCut(t *testing.T) {
	t.Parallel()
	d := newDevice(t, none, nil)
	image := small(slow(4, 2)).build(t)
	for _, name := range []string{"m1", "m2", "m2", "m4"} {
		s := d.start(smallBoot(image, "off"))
		d.wait(s, name+" is in its midst")
		s.kill()
	}
	r := d.boot(smallBoot(image, "ledger\nsection whole\ncat /etc/m?.conf\nfile /data/m2\noff"))
	checkWhole(t, r, 4)
	r.says("slow:m4 was interrupted at its attempt 1", "migrate-runner: 1/1 slow:m4: applied", "complete: 1 migration run")
	r.section("file /data/m2", "1\n2\n3\n")
}
