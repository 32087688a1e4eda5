// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// The layouts of oe-core's overlayfs-etc and of OpenBMC's preinit-mounts.
const (
	oeUpper, oeWork, oeLower = "data/overlay-etc/upper", "data/overlay-etc/work", "data/overlay-etc/lower"
	bmcUpper, bmcWork        = "var/persist/etc", "var/persist/etc-work"
)

// boot makes the mounts of a device that runs the image whose /etc is IMAGE/etc,
// as the preinit script makes them: real overlayfs, lowerdir=/etc over /etc.
func (b *box) boot(image, upper, work string, expose bool) {
	b.mounts = append([]string{}, b.mountsOfTools()...)
	b.mounts = append(b.mounts, "bind /proc proc", "bind "+image+"/etc etc")
	if expose {
		b.mounts = append(b.mounts, "bind "+image+"/etc "+oeLower)
	}
	if upper != "" {
		b.mounts = append(b.mounts, "overlay etc "+upper+" "+work+" etc")
	}
}

func (b *box) mountsOfTools() []string {
	var tools []string
	for _, m := range b.mounts {
		if strings.HasPrefix(m, "bind /usr") || strings.HasPrefix(m, "bind /bin") || strings.HasPrefix(m, "bind /sbin") || strings.HasPrefix(m, "bind /lib") {
			tools = append(tools, m)
		}
	}
	return tools
}

// withImages makes two images: the second has another default for conf and
// mode, one file more and one less. Under the first the device got copies of
// conf, kept and own, and whiteouts for gone and dir.
func withImages(b *box, upper, work string) {
	b.t.Helper()
	needRoot(b.t)
	for _, dir := range []string{"proc", upper, work, oeLower, "one/etc", "two/etc"} {
		b.mkdir(dir)
	}
	for name, content := range map[string]string{
		"one/etc/conf": "default 1\n", "two/etc/conf": "default 2\n",
		"one/etc/kept": "default 1\n", "two/etc/kept": "default 2\n",
		"one/etc/gone": "default 1\n", "two/etc/gone": "default 2\n",
		"one/etc/dir/f": "f 1\n", "two/etc/dir/f": "f 2\n",
		"one/etc/dropped": "default 1\n",
	} {
		b.write(name, content)
	}
	b.own("two/etc/conf", 3, 4, 0o640)
	b.boot("one", upper, work, false)
	r := b.run("echo edited >/etc/kept; chmod 600 /etc/conf; echo own >/etc/own; rm -r /etc/gone /etc/dir; touch /etc/dropped")
	if r.code != 0 {
		b.t.Skipf("no overlayfs here: %s", r.stderr)
	}
	var st syscall.Stat_t
	if err := syscall.Lstat(b.path(upper+"/gone"), &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFCHR {
		b.t.Fatalf("no whiteout was made: %v %o", err, st.Mode)
	}
}

func sum(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// see is what a file under the mounts shows: content and owner, mode.
func (b *box) see(name string) string {
	b.t.Helper()
	return b.ok("if [ -e " + name + " ]; then cat " + name + "; stat -c '%u:%g %a' " + name + "; else echo missing; fi")
}

func TestDropOverrideMounted(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withImages(b, oeUpper, oeWork)
		b.boot("two", oeUpper, oeWork, true)
		if got := b.see("/etc/conf"); got != "default 1\n0:0 600\n" {
			t.Fatalf("the new default is not hidden: %q", got)
		}
		digests := "sha256:" + sum("default 1\n") + " " + sum("default 0\n")
		call := "for f in conf kept own dropped none; do drop_override /etc/$f " + digests + "; done"
		out := b.ok(call)
		if out != "drop_override: /etc/conf has the image's content (from /data/overlay-etc/lower/conf)\n"+
			"drop_override: /etc/kept is kept: it was changed on this device\n"+
			"drop_override: /etc/own is kept: it was changed on this device\n"+
			"drop_override: removed /etc/dropped, which the image has no more\n" {
			t.Errorf("reported %q", out)
		}
		for name, want := range map[string]string{
			"/etc/conf": "default 2\n3:4 640\n", "/etc/kept": "edited\n0:0 644\n", "/etc/own": "own\n0:0 644\n", "/etc/dropped": "missing\n",
		} {
			if got := b.see(name); got != want {
				t.Errorf("%s shows %q, want %q", name, got, want)
			}
		}
		// Nothing hides a later image's file of the name that was removed.
		if _, err := os.Lstat(b.path(oeUpper + "/dropped")); err == nil {
			t.Error("a whiteout was left for dropped")
		}
		b.quiet("drop_override /etc/conf " + digests + "; drop_override /etc/dropped " + digests)
	})
}

// OpenBMC has no exposed lower: the image's content comes from a copy in /usr.
func TestDropOverrideWithoutLower(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withImages(b, bmcUpper, bmcWork)
		b.boot("two", bmcUpper, bmcWork, false)
		call := "drop_override /etc/conf " + sum("default 1\n")
		b.refused(call, "the image's \"/etc/conf\" cannot be read under the overlay; set OVERLAYFS_ETC_EXPOSE_LOWER, or ship a copy as /usr/share/factory/etc/conf")
		b.write("usr/share/factory/etc/conf", "default 2\n")
		b.ok(call)
		if got := b.see("/etc/conf"); got != "default 2\n0:0 644\n" {
			t.Errorf("conf shows %q", got)
		}
		b.quiet(call)
		b.ok("drop_override --image /usr/share/factory/etc/conf /etc/dropped " + sum("default 1\n"))
		if got := b.see("/etc/dropped"); got != "default 2\n0:0 644\n" {
			t.Errorf("dropped shows %q", got)
		}
	})
}

func TestClearWhiteoutMounted(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withImages(b, oeUpper, oeWork)
		b.boot("two", oeUpper, oeWork, true)
		call := "clear_whiteout /etc/gone; clear_whiteout /etc/dir; clear_whiteout /etc/conf; clear_whiteout /etc/none"
		if out := b.ok(call); out != "clear_whiteout: /etc/gone is back (from /data/overlay-etc/lower/gone)\n"+
			"clear_whiteout: /etc/dir is back (from /data/overlay-etc/lower/dir)\n" {
			t.Errorf("reported %q", out)
		}
		if got := b.see("/etc/gone") + b.see("/etc/dir/f") + b.see("/etc/conf"); got != "default 2\n0:0 644\nf 2\n0:0 644\ndefault 1\n0:0 600\n" {
			t.Errorf("shown: %q", got)
		}
		b.quiet(call)
	})
}

// Where the overlay is not mounted the entries go from the upper directory, so
// all later images show, too.
func TestOverlayOffline(t *testing.T) {
	for _, layout := range [][2]string{{oeUpper, oeWork}, {bmcUpper, bmcWork}} {
		t.Run(layout[0], func(t *testing.T) {
			eachShell(t, func(t *testing.T, b *box) {
				upper, work := layout[0], layout[1]
				withImages(b, upper, work)
				b.boot("two", "", "", false)
				old := " " + sum("default 1\n")
				out := b.ok("drop_override /etc/conf" + old + "; drop_override /etc/kept" + old + "; clear_whiteout /etc/gone; clear_whiteout /etc/dir; clear_whiteout /etc/own")
				want := "drop_override: removed /" + upper + "/conf; the image's /etc/conf shows\n" +
					"drop_override: /" + upper + "/kept is kept: it was changed on this device\n" +
					"clear_whiteout: removed the whiteout /" + upper + "/gone; the image's /etc/gone shows\n" +
					"clear_whiteout: removed the whiteout /" + upper + "/dir; the image's /etc/dir shows\n"
				if out != want {
					t.Errorf("reported %q", out)
				}
				b.quiet("drop_override --upper /" + upper + " /etc/conf" + old + "; clear_whiteout /etc/gone")
				b.boot("two", upper, work, false)
				if got := b.see("/etc/conf") + b.see("/etc/gone") + b.see("/etc/dir/f") + b.see("/etc/kept"); got !=
					"default 2\n3:4 640\ndefault 2\n0:0 644\nf 2\n0:0 644\nedited\n0:0 644\n" {
					t.Errorf("shown after boot: %q", got)
				}
			})
		})
	}
}

// The same upper directory in use by an overlay mounted elsewhere.
func TestOverlayOfflineButMountedElsewhere(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withImages(b, oeUpper, oeWork)
		b.mkdir("elsewhere")
		b.boot("two", "", "", false)
		b.mounts = append(b.mounts, "overlay one/etc "+oeUpper+" "+oeWork+" elsewhere")
		b.refused("drop_override /etc/conf "+sum("default 1\n"), "is the upper directory of a mounted overlay; it must not be changed")
		b.refused("clear_whiteout /etc/gone", "is the upper directory of a mounted overlay")
	})
}

// A plain /etc, kept on a writable root: no overlay at all.
func TestDropOverridePlain(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.write("etc/conf", "default 1\n")
		b.write("usr/share/factory/etc/conf", "default 2\n")
		b.ok("drop_override /etc/conf " + sum("default 1\n"))
		b.expect("etc/conf", "default 2\n")
		b.quiet("drop_override /etc/conf " + sum("default 1\n") + "; clear_whiteout /etc/none")
		b.refused("drop_override /etc/conf 123", "is not 64 small hex digits")
		b.refused("drop_override /etc/conf "+strings.Repeat("G", 64), "is not 64 small hex digits")
		b.refused("drop_override /etc/conf", "usage:")
		b.refused("drop_override etc/conf "+sum(""), "not an absolute path")
		b.refused("drop_override --image /none /etc/conf "+sum(""), `"/none" does not exist`)
		b.refused("clear_whiteout --lower /x /etc/conf", `unknown option "--lower"`)
		b.refused("clear_whiteout", "usage:")
	})
}

// A directory of the lower layer cannot be renamed in an overlay; mv would copy
// it in a way that a power cut breaks.
func TestMovePathOnOverlay(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withImages(b, oeUpper, oeWork)
		b.write("two/etc/app/f", "1\n")
		b.boot("two", oeUpper, oeWork, true)
		if out := b.ok("move_path /etc/app /etc/app2; move_path /etc/kept /etc/kept2"); out !=
			"move_path: copied /etc/app to /etc/app2 and removed it\nmove_path: renamed /etc/kept to /etc/kept2\n" {
			t.Errorf("reported %q", out)
		}
		if got := b.see("/etc/app2/f") + b.see("/etc/app") + b.see("/etc/kept2"); got != "1\n0:0 644\nmissing\nedited\n0:0 644\n" {
			t.Errorf("shown: %q", got)
		}
		b.quiet("move_path /etc/app /etc/app2; move_path /etc/kept /etc/kept2")
	})
}

// A verb with nothing to do must not copy a file up, or it would hide the next
// image's one for ever.
func TestNothingToDoIsNoCopyUp(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withImages(b, oeUpper, oeWork)
		b.write("two/etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:5:5::/:/bin/sh\n")
		b.write("two/etc/group", "root:x:0:app\napp:x:5:\n")
		b.write("two/etc/shadow", "app:!*:::::::\n")
		b.write("two/etc/ini", "a=1\n")
		b.symlink("/nowhere", "two/etc/dangling")
		b.boot("two", oeUpper, oeWork, true)
		b.quiet("ensure_user app --uid 5 --locked; ensure_group app 5; add_to_group app root; set_key /etc/ini a 1\n" +
			"printf 'a=1\\n' | replace_file /etc/ini; remove_user none; rename_group none none2; remap_ids user:77=78 -- /etc\n" +
			"remove_stale_links /etc; move_path /etc/none /etc/none2; drop_override /etc/ini " + sum("x"))
	})
}

// A directory that only looks like the exposed lower layer must not make a file
// of the image seem to be gone: one beside OpenBMC's upper directory, and the
// empty one that overlayfs-etc leaves when its bind mount failed.
func TestDropOverrideWrongLower(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withImages(b, bmcUpper, bmcWork)
		b.boot("two", bmcUpper, bmcWork, false)
		b.write("var/persist/lower/other", "x")
		b.refused("drop_override /etc/conf "+sum("default 1\n"), "cannot be read under the overlay")
	})
	eachShell(t, func(t *testing.T, b *box) {
		withImages(b, oeUpper, oeWork)
		b.boot("two", oeUpper, oeWork, false)
		b.refused("drop_override /etc/conf "+sum("default 1\n"), "cannot be read under the overlay")
		b.refused("clear_whiteout /etc/gone", "cannot be read under the overlay")
	})
}

// OpenBMC's static layout: one overlay over all of /, the image's files at
// /run/initramfs/ro. https://github.com/openbmc/openbmc/issues/3913
func TestWholeRootOverlay(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		needRoot(t)
		layers := t.TempDir()
		for _, dir := range []string{"ro", "rw/cow", "rw/work"} {
			if err := os.MkdirAll(layers+"/"+dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		b.mkdir("proc")
		b.mkdir("run/initramfs")
		b.mounts = append(b.mounts, "bind /proc proc")
		b.env = []string{"FUNCTIONS_LAYERS=" + layers}
		b.write("etc/fstab", "old\n")
		b.write("etc/gone", "gone\n")
		if r := b.run("touch /etc/fstab; rm /etc/gone"); r.code != 0 {
			t.Skipf("no overlayfs here: %s", r.stderr)
		}
		b.write("etc/fstab", "new\n")
		if got := b.see("/etc/fstab"); got != "old\n0:0 644\n" {
			t.Fatalf("the new fstab is not hidden: %q", got)
		}
		want := "drop_override: /etc/fstab has the image's content (from /run/initramfs/ro/etc/fstab)\n" +
			"clear_whiteout: /etc/gone is back (from /run/initramfs/ro/etc/gone)\n"
		script := "drop_override /etc/fstab " + sum("old\n") + "; clear_whiteout /etc/gone"
		if got := b.ok(script); got != want {
			t.Errorf("reported %q", got)
		}
		if got := b.see("/etc/fstab") + b.see("/etc/gone"); got != "new\n0:0 644\ngone\n0:0 644\n" {
			t.Errorf("shown: %q", got)
		}
		if got := b.ok(script); got != "" {
			t.Errorf("second run reported %q", got)
		}
	})
}
