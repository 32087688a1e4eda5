// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"meta-migration/tests/packages"
)

// checkPlain compares what plainControl took from data with archive/tar.
func checkPlain(t *testing.T, data []byte, text string) {
	t.Helper()
	err := unpacked(plain, data, func(s *stream) error {
		want, err := walkControl(s)
		if err == nil && want != text {
			t.Errorf("walked plainly %q, by archive/tar %q", text, want)
		}
		return err
	})
	if err != nil {
		t.Errorf("walked plainly %q, but archive/tar says %v", text, err)
	}
}

// TestPlainControl: what is not just plain is left to archive/tar.
func TestPlainControl(t *testing.T) {
	changed := func(at int, with string) []byte {
		data := controlTar()
		copy(data[at:], with)
		header := data[:tarBlock]
		copy(header[148:156], fmt.Sprintf("%06o\x00 ", tarSum(header)))
		return data
	}
	long := tarOf(regularEntry("./"+string(bytes.Repeat([]byte("n"), 120)), "x"), regularEntry("./control", goodControl))
	padded := append(controlTar(), make([]byte, 20*tarBlock)...)
	for _, c := range []struct {
		name string
		data []byte
		want bool
	}{
		{"control", controlTar(), true},
		{"directory and files", tarOf(link("./", tar.TypeDir, ""), regularEntry("./conffiles", "/etc/x\n"), regularEntry("./control", goodControl)), true},
		{"zeros behind it", padded, true},
		{"mode in blanks", changed(100, "0000644 "), true},
		{"nothing", nil, false},
		{"no control", tarOf(regularEntry("./postinst", "x")), false},
		{"two of them", tarOf(regularEntry("./control", goodControl), regularEntry("control", goodControl)), false},
		{"a directory", tarOf(link("./control/", tar.TypeDir, "")), false},
		{"a link beside it", tarOf(link("./x", tar.TypeSymlink, "y"), regularEntry("./control", goodControl)), false},
		{"a long name", long, false},
		{"wrong checksum", append([]byte("./Control"), controlTar()[9:]...), false},
		{"size in another form", changed(124, "\x80\x00\x00\x00"), false},
		{"size beyond the end", changed(124, "00000077777\x00"), false},
		{"mode that is no number", changed(100, "000064x\x00"), false},
		{"times of GNU tar", changed(345, "00000000001\x00"), false},
		{"another magic", changed(257, "ustar\x0001"), false},
		{"cut in the last block", controlTar()[:len(controlTar())-1], false},
		{"one zero block", controlTar()[:len(controlTar())-tarBlock], false},
		{"data behind it", append(padded, 'x'), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, ok := plainControl(c.data)
			if ok != c.want || ok && text != goodControl {
				t.Errorf("%v, %q", ok, text)
			}
			if ok {
				checkPlain(t, c.data, text)
			}
		})
	}
}

// TestPlainControlDamaged: an archive with some bytes changed is either left
// to archive/tar or read as by it.
func TestPlainControlDamaged(t *testing.T) {
	rnd := rand.New(rand.NewSource(7))
	taken := 0
	for i := 0; i < 20000 && !t.Failed(); i++ {
		data := controlTar()
		for k := rnd.Intn(3); k >= 0; k-- {
			data[rnd.Intn(len(data))] = []byte{0, ' ', '0', '7', '5', 0x80, '/', byte(rnd.Intn(256))}[rnd.Intn(8)]
		}
		if rnd.Intn(2) == 0 {
			copy(data[148:156], fmt.Sprintf("%06o\x00 ", tarSum(data[:tarBlock])))
		}
		if text, ok := plainControl(data); ok {
			taken++
			checkPlain(t, data, text)
		}
	}
	if taken < 1000 {
		t.Errorf("only %d were walked plainly", taken)
	}
}

// TestPlainControlOfTools: the control archives that tools make are those
// that are walked plainly. With others the walk would be of no use.
func TestPlainControlOfTools(t *testing.T) {
	pkg := packages.Migration("foo", "1.0-r0", packages.Snippet("foo", "split", goodScript))
	for name, mk := range map[string]maker{"deb": packages.MakeDeb, "ipk": packages.MakeIpk} {
		files, err := mk(t.TempDir(), packages.Default, pkg)
		packages.Check(t, err)
		var r Reader
		err = r.with(files[0], func() error {
			a, err := r.src.openAr()
			if err != nil {
				return err
			}
			in, err := r.src.arMember(a.members, a.control)
			if err != nil {
				return err
			}
			s, err := r.dec.unpack(a.members[a.control].pack, in, maxControl, maxWindow)
			if err != nil {
				return err
			}
			data, err := io.ReadAll(s)
			if _, ok := plainControl(data); !ok {
				t.Errorf("that of a %s is not", name)
			}
			return err
		})
		packages.Check(t, err)
	}
	testTars(t)
}

// testTars lets the tar programs that are here make one.
func testTars(t *testing.T) {
	dir := t.TempDir()
	check(os.WriteFile(filepath.Join(dir, "control"), []byte(goodControl), 0o644))
	for _, words := range [][]string{
		{"tar", "-c", "--format=gnu", "./control"}, {"tar", "-c", "--format=ustar", "--sort=name", "."},
		{"busybox", "tar", "-c", "-f", "-", "./control"},
	} {
		if _, err := exec.LookPath(words[0]); err != nil {
			t.Logf("no %s", words[0])
			continue
		}
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = dir
		data, err := cmd.Output()
		if text, ok := plainControl(data); err != nil || !ok || text != goodControl {
			t.Errorf("that of %v is not: %v", words, err)
		}
	}
}
