// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// library is a small shell library; only the names of its functions count.
const library = "ensure_user() { :; }\nensure_group() { :; }\nset_key() { :; }\n"

// image makes a root file system of lines "path", "path -> target" or
// "path!" (a file that is not executable); "path/" is a directory.
func image(t *testing.T, lines ...string) *Rootfs {
	t.Helper()
	dir := t.TempDir()
	for _, l := range lines {
		path, target, link := strings.Cut(l, " -> ")
		full := filepath.Join(dir, strings.TrimSuffix(path, "!"))
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		mode := os.FileMode(0o755)
		if strings.HasSuffix(path, "!") {
			mode = 0o644
		}
		switch {
		case err != nil:
		case link:
			err = os.Symlink(target, full)
		case strings.HasSuffix(path, "/"):
			err = os.MkdirAll(full, 0o755)
		default:
			err = os.WriteFile(full, []byte("x() { :; }\n"), mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := OpenRootfs(dir, []byte(library))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// poky is a merged-/usr image with busybox, as oe-core makes it.
func poky(t *testing.T) *Rootfs {
	return image(t,
		"usr/bin/busybox.nosuid", "bin -> usr/bin", "sbin -> usr/sbin", "lib -> usr/lib", "usr/sbin/ip",
		"usr/bin/busybox -> busybox.nosuid", "usr/bin/sh -> /bin/busybox", "usr/bin/env -> busybox.nosuid",
		"usr/bin/mv -> /bin/busybox.nosuid", "usr/bin/find -> busybox", "usr/bin/xargs -> busybox", "usr/bin/echo -> busybox",
		"usr/bin/vi -> /usr/bin/vim.tiny", "usr/bin/data!", "usr/bin/dir/", "usr/bin/loop -> loop",
		"usr/bin/up -> ../../../../../../usr/bin/mv", "usr/bin/stat -> /etc/alternatives/stat", "etc/alternatives/stat -> /usr/bin/busybox",
		"usr/sbin/vi2 -> gone", "usr/bin/vi2",
		"usr/lib/lib.sh!", "usr/bin/lib2.sh!", "opt/x/tool", "var/lib -> /data/lib", "data/lib/migration/")
}

func TestCheck(t *testing.T) {
	r := poky(t)
	const nowhere = "it is not in /usr/sbin, /usr/bin, /sbin, /bin"
	guard := func(name string) string {
		return "install the package that has it, or guard the call: if command -v " + name + " >/dev/null; then …; fi"
	}
	missing := func(name, why string) string {
		return `error: m:2: no command "` + name + `" in the image: ` + why + "; " + guard(name)
	}
	heeded := func(name string) string {
		return missing(name, nowhere+"; || or a condition takes its 127 for a failure of the command")
	}
	for _, c := range []struct {
		name, script string
		want         []string
	}{
		{"all there", "mv a b; ip a; /usr/bin/mv c d; /bin/mv; cd /; stat x", nil},
		{"missing", "gone a", []string{missing("gone", nowhere)}},
		{"missing, absolute", "/usr/bin/gone a", []string{missing("/usr/bin/gone", "there is no /usr/bin/gone")}},
		{"there, absolute", "/opt/x/tool", nil},
		{"not in PATH", "tool", []string{missing("tool", nowhere)}},
		{"PATH of the script", "PATH=$PATH:/opt/x\ntool", nil},
		{"PATH exported", "export PATH=\"/opt/x:$PATH\"\ntool", nil},
		{"PATH computed", "PATH=$(x):$PATH; gone", []string{
			`warning: m:2: no command "gone" in the image: ` + nowhere + "; " + guard("gone"),
			`warning: m:2: no command "x" in the image: ` + nowhere + "; " + guard("x")}},
		{"dangling", "vi", []string{missing("vi", "/usr/bin/vi is a link to /usr/bin/vim.tiny, which is not there")}},
		{"dangling before a good one", "vi2", nil},
		{"loop", "loop", []string{missing("loop", "/usr/bin/loop: more links than the kernel follows")}},
		{"links never leave the image", "up", nil},
		{"not executable", "data", []string{missing("data", "/usr/bin/data is not executable")}},
		{"directory", "dir", []string{missing("dir", nowhere)}},
		{"guarded", "command -v gone && gone", []string{`warning: m:2: "gone" is not in the image; the script tests for it first`}},
		{"guarded and there", "command -v mv && mv a b", nil},
		{"guarded, absolute", "[ -x /usr/bin/gone ] && /usr/bin/gone", []string{`warning: m:2: "/usr/bin/gone" is not in the image; the script tests for it first`}},
		{"behind ||", "gone || true", []string{heeded("gone")}},
		{"behind || :", "gone || :", []string{heeded("gone")}},
		{"behind || exit", "gone || exit 0", []string{heeded("gone")}},
		{"before && and ||", "true && gone && mv a b || true", []string{heeded("gone")}},
		{"behind the last ||", "true || gone", []string{missing("gone", nowhere)}},
		{"in a condition", "if gone; then mv a b; fi", []string{heeded("gone")}},
		{"in a while's condition", "while ! gone; do mv a b; done", []string{heeded("gone")}},
		{"in a block before ||", "{ gone; mv a b; } || true", []string{heeded("gone")}},
		{"in a branch", "if true; then gone; fi", []string{missing("gone", nowhere)}},
		{"in a function", "if f() { gone; }; then f; fi", []string{missing("gone", nowhere)}},
		{"guarded before ||", "command -v gone && { gone || true; }", []string{`warning: m:2: "gone" is not in the image; the script tests for it first`}},
		{"relative", "./gone; usr/bin/gone", nil},
		{"on the device", "/run/x/y", []string{`warning: m:2: "/run/x/y" is not in the image: it must be made on the device before`}},
		{"made by the script", "echo : >/opt/y; chmod +x /opt/y; /opt/y", []string{
			missing("chmod", nowhere), `warning: m:2: "/opt/y" is not in the image: it must be made on the device before`}},
		{"tool for which there is a verb", "useradd x", []string{
			`error: m:2: no command "useradd" in the image: ` + nowhere + "; use ensure_user of the shell library"}},
		{"builtin behind xargs", "find / | xargs printf", []string{
			`error: m:2: no command "printf" in the image: ` + nowhere + "; xargs runs no function and no builtin; " + guard("printf")}},
		{"builtin that is a program too", "find / | xargs echo", nil},
		{"verb", ". \"$MIGRATION_LIB\"\nensure_user a; set_key b", nil},
		{"verb without the library", "ensure_user a", []string{
			`error: m:2: "ensure_user" is a function of the shell library, which the script has not sourced; write . "$MIGRATION_LIB" before it`}},
		{"sourced", ". /usr/lib/lib.sh; x; . lib2.sh", nil},
		{"sourced and missing", ". /usr/lib/gone.sh", []string{
			`error: m:2: no file "/usr/lib/gone.sh" to source in the image: there is no /usr/lib/gone.sh; install the package that has it, or test for it: if [ -r /usr/lib/gone.sh ]; then . /usr/lib/gone.sh; fi`}},
		{"sourced and guarded", "if [ -r /etc/default/x ]; then . /etc/default/x; fi", []string{
			`warning: m:2: no file "/etc/default/x" in the image: there is no /etc/default/x`}},
		{"sourced, unknown", ". \"$x\"; gone", []string{`warning: m:2: no command "gone" in the image: ` + nowhere + "; " + guard("gone")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect(t, r.Check("m", []byte("#!/bin/sh\n"+c.script+"\n")), c.want...)
		})
	}
}

func TestCheckInterpreter(t *testing.T) {
	r := poky(t)
	const cure = "; install it, or write the migration for #!/bin/sh"
	for line, want := range map[string][]string{
		"#!/bin/sh -e":              nil,
		"#!/usr/bin/env sh":         nil,
		"#!/bin/bash -e":            {`error: m:1: no interpreter "/bin/bash" in the image: there is no /bin/bash` + cure},
		"#!/usr/bin/vi":             {`error: m:1: no interpreter "/usr/bin/vi" in the image: /usr/bin/vi is a link to /usr/bin/vim.tiny, which is not there` + cure},
		"#!/usr/bin/data":           {`error: m:1: no interpreter "/usr/bin/data" in the image: /usr/bin/data is not executable` + cure},
		"#!/usr/bin/env python3":    {`error: m:1: no interpreter "python3" in the image: it is not in /usr/sbin, /usr/bin, /sbin, /bin` + cure},
		"#!/usr/bin/env -S lua -x":  {`error: m:1: no interpreter "lua" in the image: it is not in /usr/sbin, /usr/bin, /sbin, /bin` + cure},
		"#!/usr/bin/env -S A=1 lua": nil,
		"no interpreter":            nil,
	} {
		expect(t, r.Check("m", []byte(line+"\n")), want...)
	}
}

// What /bin/sh of the image understands is no finding.
func TestScriptTakesTheShellOfTheImage(t *testing.T) {
	const text = "#!/bin/sh\necho ${x:1:2}\na=(1)\n"
	slice := func(kind, rule string) string {
		return kind + ": m:2: " + rule + "; use cut, or ${x#…} and ${x%…}"
	}
	array := func(shell string) string {
		return "error: m:3: " + shell + " has no arrays; write it in POSIX sh, or begin the script with #!/bin/bash"
	}
	for provider, want := range map[string][]string{
		"bin/busybox.suid": {array("busybox ash")},
		"bin/dash.dash":    {slice("error", "dash has no ${x:1:2}"), array("dash")},
		"bin/bash.bash":    nil,
		"bin/posh": {slice("warning", "POSIX sh has no ${x:1:2}; busybox ash understands it, dash does not"),
			array("POSIX sh")},
	} {
		r := image(t, provider, "bin/sh -> /"+provider)
		expect(t, Script("m", []byte(text), nil, r, nil), want...)
	}
	expect(t, Script("m", []byte(text), nil, nil, nil),
		slice("warning", "POSIX sh has no ${x:1:2}; busybox ash understands it, dash does not"), array("POSIX sh"))
}

func TestScriptReportsAllOnce(t *testing.T) {
	text := "#!/bin/sh\n### BEGIN MIGRATION INFO\n# Paths: /etc/x /var/lib\n### END MIGRATION INFO\nensure_user a\ngone\n$x\n"
	want := []string{
		"error: m:3: Paths: /var/lib holds the state directory /var/lib/migration or a part of it; name only what the migration itself changes",
		`error: m:5: "ensure_user" is a function of the shell library, which the script has not sourced; write . "$MIGRATION_LIB" before it`,
		`error: m:6: no command "gone" in the image: it is not in /usr/sbin, /usr/bin, /sbin, /bin; install the package that has it, or guard the call: if command -v gone >/dev/null; then …; fi`,
		"warning: m:7: command in a variable: $x cannot be checked",
	}
	r := poky(t)
	expect(t, Script("m", []byte(text), []byte(library), r, nil), want...)
	expect(t, Script("m", []byte(text), []byte(library), nil, nil), append(want[:2:2], want[3])...)
}

func TestScriptCutsALongList(t *testing.T) {
	found := Script("m", []byte("#!/bin/sh\n"+strings.Repeat("$x\n", 150)+"a=(1)\n"), nil, nil, nil)
	if len(found) != maxFindings+1 {
		t.Fatalf("got %d findings", len(found))
	}
	expect(t, found[maxFindings:], "error: m: and 51 more")
}

func TestOpenRootfs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file:       `opening root file system "` + file + `": not a directory`,
		dir + "/x": `opening root file system "` + dir + `/x": no such file or directory`,
	} {
		if _, err := OpenRootfs(path, nil); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
