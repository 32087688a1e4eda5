// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package crash

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"meta-migration/internal/bundle"
)

// A scenario is a device before a boot.
type scenario struct {
	name    string
	prepare func(t testing.TB, root string) // with the runner, for its past
	exit    int                             // of the undisturbed run
}

// content is the data that the scenarios change: files, a directory with
// something to delete, a link, a fifo, hard links, and one more time each in
// what has to stay as it was.
func content(t testing.TB, root string) {
	t.Helper()
	old := time.Unix(1600000000, 123456789)
	for _, dir := range []string{"conf", "conf/deep", "kept"} {
		must(t, os.MkdirAll(filepath.Join(root, "data", dir), 0o755))
	}
	for _, file := range []string{"conf/a", "conf/deep/b", "conf/gone", "kept/file", "kept/other", "single"} {
		path := filepath.Join(root, "data", file)
		must(t, os.WriteFile(path, []byte("old "+file), 0o640))
		must(t, os.Chown(path, 7, 8))
		must(t, os.Chtimes(path, old, old))
	}
	must(t, os.Link(root+"/data/conf/a", root+"/data/conf/a-too"))
	must(t, os.Symlink("a", root+"/data/conf/link"))
	must(t, os.Chtimes(root+"/data/kept", old, old))
}

const rewrites = `
echo "new a" > /data/conf/a
rm -f /data/conf/gone /data/conf/link
mkdir -p /data/conf/made/below
echo "made" > /data/conf/made/below/file
ln -s made/below/file /data/conf/link
chmod 0600 /data/conf/deep/b
echo "$MIGRATION_ID" >> /data/conf/log`

// Without Paths a script has to be one that may run again.
const idempotent = `
cp /data/single /data/single.new
echo changed > /data/single.new
mv /data/single.new /data/single`

// What an attempt has noted in its private directory is gone when its Paths are
// put back: else the next one would go on from a step that was undone.
const breaks = `
if [ -e "$MIGRATION_STATE/spoilt" ] && [ "$(cat /data/kept/file)" != spoilt ]; then
    echo "spoilt is noted and undone" > /data/undone
fi
echo spoilt > /data/kept/file
rm -f /data/kept/other
mkdir -p /data/kept/made
touch "$MIGRATION_STATE/spoilt"
exit 3`

var (
	one = image{release: "1.0", snippets: []snippet{
		{"zulu:rewrites", "Paths: /data/conf", rewrites},
		{"alpha:single", "Attempts: 100", idempotent},
	}}
	failing = image{release: "1.0", snippets: []snippet{
		{"zulu:breaks", "Paths: /data/kept\nAttempts: 100\nOn-Failure: continue", breaks},
		{"alpha:single", "Attempts: 100", idempotent},
	}}
	squashed = image{release: "2.0", manifest: bundle.Manifest{Gone: []bundle.Gone{
		{ID: "alpha:single", Since: "1.0", Digest: bundle.Sum(nil)}, {ID: "zulu:rewrites", Since: "1.0", Digest: bundle.Sum(nil)},
	}}, snippets: []snippet{
		{"mike:both", "Paths: /data/conf\nSince: 2.0\nSupersedes: zulu:rewrites alpha:single", rewrites},
	}}
	fresh = image{release: "1.0", manifest: bundle.Manifest{FreshUnless: []string{"/data/used"}}, snippets: []snippet{
		{"zulu:rewrites", "Paths: /data/conf", rewrites},
		{"alpha:always", "Fresh: run", idempotent},
	}}
	keeping = image{release: "2.0", manifest: bundle.Manifest{Keep: bundle.KeepGood}, snippets: []snippet{
		{"zulu:rewrites", "Paths: /data/conf\nSince: 1.0", rewrites},
		{"mike:second", "Paths: /data/conf /data/single", "echo second >> /data/conf/log; " + idempotent},
	}}
	older = image{release: "1.0", manifest: bundle.Manifest{Keep: bundle.KeepGood}, snippets: []snippet{
		{"zulu:rewrites", "Paths: /data/conf\nSince: 1.0", rewrites},
	}}
)

var scenarios = []scenario{
	{"first", func(t testing.TB, root string) { one.install(t, root) }, 0},
	{"failing", func(t testing.TB, root string) { failing.install(t, root) }, 3},
	{"superseding", func(t testing.TB, root string) { squashed.install(t, root) }, 0},
	{"fresh", func(t testing.TB, root string) { fresh.install(t, root) }, 0},
	{"fallback", func(t testing.TB, root string) {
		older.install(t, root)
		boot(t, root, 0)
		keeping.install(t, root)
		boot(t, root, 0)
		older.install(t, root)
	}, 0},
	{"rearmed", func(t testing.TB, root string) {
		squashed.install(t, root)
		boot(t, root, 0)
		(&image{release: "1.5", snippets: []snippet{{"kilo:other", "Since: 1.5", "true"}}}).install(t, root)
	}, 0},
	{"returning", func(t testing.TB, root string) {
		squashed.install(t, root)
		boot(t, root, 0)
		(&image{release: "1.5", snippets: []snippet{{"kilo:other", "Since: 1.5", "true"}}}).install(t, root)
		boot(t, root, 0)
		squashed.install(t, root)
	}, 0},
}
