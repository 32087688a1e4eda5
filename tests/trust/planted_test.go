// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The broken runner is built from the real sources with each rule made to
// depend on a variable: TRUST_TEST_BREAK=RULE switches that one rule off.

const breakVar = "TRUST_TEST_BREAK"

const planted = `package bundle

import "syscall"

// Planted says whether a rule is switched off.
func Planted(rule string) bool {
	v, _ := syscall.Getenv("` + breakVar + `")
	return v == rule
}
`

// forSys is for files that know package sys alone.
const forSys = `package sys

import "meta-migration/internal/bundle"

// Planted is bundle.Planted.
func Planted(rule string) bool { return bundle.Planted(rule) }
`

// A fault switches one rule off, in one place of one file.
type fault struct{ file, from, to string }

const (
	trustFile  = "target/migrate-runner/internal/trust/trust.go"
	differFile = "target/migrate-runner/internal/trust/difference.go"
	stateFile  = "target/migrate-runner/internal/statedir/statedir.go"
	volaFile   = "target/migrate-runner/internal/statedir/volatile.go"
	ledgerFile = "target/migrate-runner/internal/statedir/ledger.go"
	tryFile    = "target/migrate-runner/internal/attempt/attempt.go"
)

// faults are all rules that the broken runner can do without.
var faults = map[string]fault{
	"digest":         {trustFile, "if err == nil && bundle.Sum(data) == want {", "if err == nil && (bundle.Sum(data) == want || bundle.Planted(%q)) {"},
	"copy's digest":  {trustFile, "case bundle.Sum(data) != want:", "case bundle.Sum(data) != want && !bundle.Planted(%q):"},
	"library":        {trustFile, "if bundle.Sum(library) != b.Manifest.Library {", "if bundle.Sum(library) != b.Manifest.Library && !bundle.Planted(%q) {"},
	"owner":          {trustFile, "case st.UID != 0:", "case st.UID != 0 && !bundle.Planted(%q):"},
	"mode":           {trustFile, "case st.Mode&0o022 != 0:", "case st.Mode&0o022 != 0 && !bundle.Planted(%q):"},
	"regular":        {trustFile, "st.Type() != syscall.S_IFREG {", "st.Type() != syscall.S_IFREG && !bundle.Planted(%q) {"},
	"links":          {trustFile, "		fd, err := sys.Openat(dir, path[start:end], flags, 0)\n", "		if bundle.Planted(%q) {\n\t\t\tflags &^= syscall.O_NOFOLLOW\n\t\t}\n		fd, err := sys.Openat(dir, path[start:end], flags, 0)\n"},
	"report":         {trustFile, "	if report {", "	if report && !bundle.Planted(%q) {"},
	"copy":           {trustFile, "	case copyErr != nil:", "	case copyErr != nil || bundle.Planted(%q):\n\t\tcopyErr = errNotFile"},
	"second look":    {trustFile, "	return b.take(m.File, m.Digest, bundle.MaxScript, false)", "	if bundle.Planted(%q) {\n\t\treturn readFile(b.root, bundle.Dir+\"/\"+m.File, bundle.MaxScript)\n\t}\n	return b.take(m.File, m.Digest, bundle.MaxScript, false)"},
	"added":          {differFile, "		if !shipped[name] {", "		if !shipped[name] && !bundle.Planted(%q) {"},
	"printable":      {differFile, "		if c < ' ' || c >= 0x7f {", "		if (c < ' ' || c >= 0x7f) && !bundle.Planted(%q) {"},
	"whole root":     {differFile, "	if err != nil || uint32(st.Type) != sys.TypeOverlay", "	if bundle.Planted(%q) || err != nil || uint32(st.Type) != sys.TypeOverlay"},
	"file's name":    {"internal/bundle/check.go", "one.File != want {", "one.File != want && !Planted(%q) {"},
	"state's links":  {stateFile, "	const flags = syscall.O_RDONLY | syscall.O_DIRECTORY | syscall.O_NOFOLLOW | syscall.O_CLOEXEC\n", "	flags := syscall.O_RDONLY | syscall.O_DIRECTORY | syscall.O_NOFOLLOW | syscall.O_CLOEXEC\n\tif bundle.Planted(%q) {\n\t\tflags &^= syscall.O_NOFOLLOW\n\t}\n"},
	"state's owner":  {stateFile, "	case st.UID != 0:\n\t\treturn errOwner", "	case st.UID != 0 && !bundle.Planted(%q):\n\t\treturn errOwner"},
	"state's mode":   {stateFile, "	case st.Mode&0o022 != 0:\n\t\treturn errWritable", "	case st.Mode&0o022 != 0 && !bundle.Planted(%q):\n\t\treturn errWritable"},
	"file's links":   {stateFile, "	fd, err := sys.Openat(dir, name, flags|syscall.O_NOFOLLOW|", "	nofollow := syscall.O_NOFOLLOW\n\tif bundle.Planted(%q) {\n\t\tnofollow = 0\n\t}\n	fd, err := sys.Openat(dir, name, flags|nofollow|"},
	"one name":       {stateFile, "st.Type() != syscall.S_IFREG || st.Nlink > 1:", "(st.Type() != syscall.S_IFREG || st.Nlink > 1) && !bundle.Planted(%q):"},
	"file's owner":   {stateFile, "	case st.UID != 0:\n\t\terr = errOwner", "	case st.UID != 0 && !bundle.Planted(%q):\n\t\terr = errOwner"},
	"file's mode":    {stateFile, "	case st.Mode&0o022 != 0:\n\t\terr = errWritable", "	case st.Mode&0o022 != 0 && !bundle.Planted(%q):\n\t\terr = errWritable"},
	"tmpfs":          {volaFile, "	case typeTmpfs:\n", "	case typeTmpfs:\n\t\tif sys.Planted(%q) {\n\t\t\treturn \"\"\n\t\t}\n"},
	"ramfs":          {volaFile, "	case typeRamfs:\n", "	case typeRamfs:\n\t\tif sys.Planted(%q) {\n\t\t\treturn \"\"\n\t\t}\n"},
	"volatile":       {volaFile, "		if o == \"volatile\" || strings.HasPrefix(o, \"fsync=volatile\") {", "		if !sys.Planted(%q) && (o == \"volatile\" || strings.HasPrefix(o, \"fsync=volatile\")) {"},
	"upper on tmpfs": {volaFile, "		if err == nil && uint32(st.Type) == typeTmpfs {", "		if !sys.Planted(%q) && err == nil && uint32(st.Type) == typeTmpfs {"},
	"ledger's size":  {ledgerFile, "	data, err := sys.ReadAll(fd, ledger.MaxSize)", "	size := int64(ledger.MaxSize)\n\tif bundle.Planted(%q) {\n\t\tsize = 1 << 40\n\t}\n	data, err := sys.ReadAll(fd, size)"},
	"seal":           {tryFile, "		err = sys.Seal(fd)\n", "		if !bundle.Planted(%q) {\n\t\t\terr = sys.Seal(fd)\n\t\t}\n"},
	"descriptors":    {tryFile, "	sys.KeepFromChildren()\n", "	if !bundle.Planted(%q) {\n\t\tsys.KeepFromChildren()\n\t}\n"},
	"environment":    {tryFile, "	runtime.LockOSThread()\n", "	if bundle.Planted(%q) {\n\t\tattr.Env = append(syscall.Environ(), attr.Env...)\n\t}\n	runtime.LockOSThread()\n"},
}

// plant writes the changed sources into dir and returns the file that tells
// the compiler of them.
func plant(dir string) (string, error) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", err
	}
	top := strings.TrimSpace(string(module))
	texts := map[string]string{filepath.Join(top, "internal/bundle/planted.go"): planted,
		filepath.Join(top, "target/migrate-runner/internal/sys/planted.go"): forSys}
	for rule, f := range faults {
		path := filepath.Join(top, f.file)
		if texts[path] == "" {
			source, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			texts[path] = string(source)
		}
		if n := strings.Count(texts[path], f.from); n != 1 {
			panic(fmt.Sprintf("%s holds %q %d times: adapt the fault %q", f.file, f.from, n, rule))
		}
		texts[path] = strings.Replace(texts[path], f.from, fmt.Sprintf(f.to, rule), 1)
	}
	replace := map[string]string{}
	for path, text := range texts {
		replace[path] = filepath.Join(dir, fmt.Sprintf("planted-%d.go", len(replace)))
		if err := os.WriteFile(replace[path], []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, overlay, 0o644)
}
