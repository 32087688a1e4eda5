// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// firstBoot runs the image's runner before any service, as its unit does. An
// image of the time before migrations has none.
func (d *device) firstBoot() result {
	d.t.Helper()
	if _, err := os.Lstat(d.root + "/usr/sbin/migrate-runner"); err != nil {
		return result{}
	}
	return d.run("/usr/sbin/migrate-runner", "run")
}

// unitLines runs the commands of a unit or drop-in of the image, as systemd
// does, one after the other.
func (d *device) unitLines(path, key string) {
	d.t.Helper()
	data, err := os.ReadFile(d.root + path)
	if err != nil {
		d.t.Fatal(err)
	}
	found := false
	for _, line := range strings.Split(string(data), "\n") {
		if value, ok := strings.CutPrefix(line, key+"="); ok {
			found = true
			words := strings.Fields(value)
			d.expect(0, words[0], words[1:]...)
		}
	}
	if !found {
		d.t.Fatalf("%s has no %s", path, key)
	}
}

// expectStatus is the state of the device that `status --json` says.
func (d *device) expectStatus() string {
	d.t.Helper()
	var s struct{ State string }
	if err := json.Unmarshal([]byte(d.expect(0, "migrate-runner", "status", "--json")), &s); err != nil {
		d.t.Fatal(err)
	}
	return s.State
}

// wantFailed wants the failing release half migrated, and the device to boot
// again by itself: so says what the failure state reboot asks.
func (d *device) wantFailed() {
	d.t.Helper()
	d.wantSettings("unit = c\n")
	if state := d.expectStatus(); state != "failed" {
		d.t.Fatalf("the failing image is %s", state)
	}
	d.expect(0, "/usr/lib/migration/may-reboot", "3")
}

// settings are the product's data as the running system sees them.
func (d *device) settings() string {
	d.t.Helper()
	data, err := os.ReadFile(d.root + settings)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(data)
}

func (d *device) wantSettings(want string) {
	d.t.Helper()
	if got := d.settings(); got != want {
		d.t.Fatalf("slot %s finds the settings\n%swant\n%s", d.slot, got, want)
	}
}

func (d *device) wantSlot(want string) {
	d.t.Helper()
	if d.slot != want {
		d.t.Fatalf("slot %s is booted, want %s", d.slot, want)
	}
}

// wantUnwritten says that the slot is empty, as the factory left it.
func (d *device) wantUnwritten(slot string) {
	d.t.Helper()
	if strings.Trim(d.disks[slot].first(d.t, 1<<20), "\x00") != "" {
		d.t.Fatalf("slot %s was written", slot)
	}
}

// contains wants each of the parts in a text.
func (d *device) contains(text string, parts ...string) {
	d.t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			d.t.Fatalf("there is no %q in\n%s", part, text)
		}
	}
}

// A syncBuffer may be read while a program writes to it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// background starts a service of the running system; the returned function
// ends nothing and says what the service has printed so far. It is ended with
// the device.
func (d *device) background(name string, args ...string) func() string {
	d.t.Helper()
	out := &syncBuffer{}
	cmd := d.command(name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		d.t.Fatalf("starting %s on the device: %v", name, err)
	}
	d.services = append(d.services, func() {
		cmd.Process.Signal(syscall.SIGKILL)
		cmd.Wait()
	})
	return out.String
}

// waitFor waits until a path of the running system exists.
func (d *device) waitFor(path string) {
	d.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Lstat(d.root + path); err == nil {
			return
		}
	}
	d.t.Fatalf("%s did not appear on the device", path)
}
