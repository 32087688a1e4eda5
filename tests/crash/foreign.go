// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package crash

import (
	"os"
	"strings"
	"testing"

	"meta-migration/internal/bundle"
)

// A Scenario is a device before a boot, for packages that let it crash in
// other ways than this one.
type Scenario struct {
	Name    string
	Exit    int                              // of the undisturbed run
	Prepare func(t testing.TB) (root string) // makes the tree
	Effects []Effect                         // what the boot does to the data
}

// An Effect says which data below the root one migration changes, as it is
// before the boot and after it.
type Effect struct {
	ID    bundle.ID
	Paths bool     // the migration declares them
	Data  []string // relative to the root
}

// effects are those of the scenarios' last boot.
var effects = map[string][]Effect{
	"first":       {{"zulu:rewrites", true, []string{"data/conf"}}, {"alpha:single", false, []string{"data/single"}}},
	"failing":     {{"zulu:breaks", true, []string{"data/kept"}}, {"alpha:single", false, []string{"data/single"}}},
	"superseding": {{"mike:both", true, []string{"data/conf"}}},
	"keeping":     {{"mike:second", true, []string{"data/conf", "data/single"}}},
	"fallback":    {{"mike:second", true, []string{"data/conf", "data/single"}}},
}

// keepingScenario is the upgrade that "fallback" goes back from.
var keepingScenario = scenario{"keeping", func(t testing.TB, root string) {
	older.install(t, root)
	boot(t, root, 0)
	keeping.install(t, root)
}, 0}

// Scenarios returns those whose effects can be told from the data, each with
// what it needs to be run by busybox alone in a chroot. They need root.
func Scenarios() []Scenario {
	var all []Scenario
	for _, s := range append(scenarios[:len(scenarios):len(scenarios)], keepingScenario) {
		if effects[s.name] == nil {
			continue
		}
		all = append(all, Scenario{s.name, s.exit, func(t testing.TB) string {
			root := newRoot(t)
			content(t, root)
			s.prepare(t, root)
			return root
		}, effects[s.name]})
	}
	return all
}

// Program builds the runner, once in a test run, and returns its path.
func Program(t testing.TB) string { return program(t) }

// Busybox is the path of a static busybox, "" for none.
func Busybox() string { return busybox() }

// Part is what the Data of a [Look] says of some paths and what is below them.
func Part(picture string, paths []string) string {
	var lines []string
	for _, line := range strings.Split(picture, "\n") {
		name, _, _ := strings.Cut(line, " ")
		for _, path := range paths {
			if name == path || strings.HasPrefix(name, path+"/") || strings.HasPrefix(name, path+".") {
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, "\n")
}

// See takes a look at the device in the tree.
func See(t testing.TB, root string) Look {
	t.Helper()
	data, err := os.ReadFile(root + bundle.StateDir + "/ledger")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return Look{picture(t, root), standings(t, root), data}
}

// Difference shows in which lines two texts differ.
func Difference(got, want string) string { return difference(got, want) }

// WithoutSyncs are the pieces for [Planted] that leave out every way to sync,
// in target/migrate-runner/internal/sys/sync.go.
func WithoutSyncs() map[string]string {
	return map[string]string{
		"func Fsync(fd int) error { return retry(func() error { return syscall.Fsync(fd) }) }":         "func Fsync(fd int) error { return nil }",
		"func Fdatasync(fd int) error { return retry(func() error { return syscall.Fdatasync(fd) }) }": "func Fdatasync(fd int) error { return nil }",
		"func Syncfs(fd int) error {\n": "func Syncfs(fd int) error {\n\tif fd >= 0 {\n\t\treturn nil\n\t}\n",
	}
}

// WithoutPutBack are the pieces for [Planted] that let put-back do nothing,
// in target/migrate-runner/saves.go.
func WithoutPutBack() map[string]string {
	return map[string]string{"if err != nil || !whole {": "if _ = whole; true {"}
}
