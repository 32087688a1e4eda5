// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"

	"meta-migration/internal/bundle"
	"meta-migration/tools/mkmigrations/internal/order"
)

// Verify checks the bundle in a root file system, or in the output of a
// build, against its anchor: both copies, every digest and mode, the files
// that follow from the manifest, and the order, which is found anew from the
// manifest alone. Owners are looked at where root looks at a tree of root's;
// elsewhere, as in a build directory, they say nothing. The error is [Faults]
// with one fault a line, or that root is no directory.
func Verify(root string) error {
	info, err := os.Stat(root)
	if err != nil {
		return fmt.Errorf("verifying %q: %w", root, bare(err))
	}
	if !info.IsDir() {
		return fmt.Errorf("verifying %q: not a directory", root)
	}
	v := &verifier{report: &report{}, root: root, owners: os.Geteuid() == 0 && ownedByRoot(info), looked: map[string]bool{}}
	v.all()
	_, err = v.result()
	return err
}

// A verifier collects the faults of one tree.
type verifier struct {
	*report
	root   string
	owners bool
	looked map[string]bool // directories that were looked at, and their state
}

func (v *verifier) fault(path, format string, args ...any) { v.errorf(path, "", format, args...) }

func (v *verifier) all() {
	text := v.manifest()
	if text == nil {
		return
	}
	m, err := bundle.ParseManifest(bundle.Dir+"/"+bundle.ManifestName, text)
	if err != nil {
		v.add(err)
		return
	}
	v.order(m)
	for _, dir := range []string{bundle.Dir, bundle.CopyDir} {
		v.scripts(dir, m)
	}
	v.digest(bundle.LibraryPath, modeFile, m.Library)
	for _, want := range derived(m, text) {
		if abs := "/" + want.path; abs != bundle.AnchorPath {
			if data, ok := v.read(abs, want.mode); ok && !bytes.Equal(data, want.data) {
				v.fault(abs, "is not what the manifest demands")
			}
		}
	}
}

// manifest compares anchor and manifests. It returns the text of the one to
// go on with: the one that the anchor names, or else any.
func (v *verifier) manifest() []byte {
	var anchor bundle.Digest
	if data, ok := v.read(bundle.AnchorPath, modeFile); ok {
		var err error
		if anchor, err = bundle.ParseAnchor(bundle.AnchorPath, data); err != nil {
			v.add(err)
		}
	}
	var best []byte
	for _, dir := range []string{bundle.Dir, bundle.CopyDir} {
		path := dir + "/" + bundle.ManifestName
		data, ok := v.read(path, modeFile)
		if !ok {
			continue
		}
		sum := bundle.Sum(data)
		if anchor != "" && sum != anchor {
			v.fault(path, "digest is %s, the anchor says %s", sum, anchor)
		}
		if best == nil || sum == anchor {
			best = data
		}
	}
	return best
}

// order finds the order anew.
func (v *verifier) order(m *bundle.Manifest) {
	file := bundle.Dir + "/" + bundle.ManifestName
	o, err := order.Sort(m)
	if err != nil {
		for _, f := range faults(err) {
			v.fault(file, "%s", f.Rule)
		}
		return
	}
	for place, from := range o.Places {
		if place != from {
			v.fault(file, "wrong order: %q must stand before %q", m.Migrations[from].ID, m.Migrations[place].ID)
			return
		}
	}
}

// scripts checks one copy of the scripts, and that nothing else is there.
func (v *verifier) scripts(dir string, m *bundle.Manifest) {
	known := map[string]bool{bundle.ManifestName: true}
	for i := range m.Migrations {
		one := &m.Migrations[i]
		known[one.File] = true
		v.digest(dir+"/"+one.File, modeScript, one.Digest)
	}
	if !v.dir(dir) {
		return
	}
	entries, err := os.ReadDir(v.at(dir))
	if err != nil {
		v.fault(dir, "%v", bare(err))
		return
	}
	for _, e := range entries {
		if !known[e.Name()] {
			v.fault(dir+"/"+e.Name(), "is not in the manifest")
		}
	}
}

func (v *verifier) digest(path string, mode fs.FileMode, want bundle.Digest) {
	if data, ok := v.read(path, mode); ok && bundle.Sum(data) != want {
		v.fault(path, "digest is %s, the manifest says %s", bundle.Sum(data), want)
	}
}

// read returns a file's content and reports what is wrong with the file.
func (v *verifier) read(abs string, mode fs.FileMode) ([]byte, bool) {
	if !v.dir(path.Dir(abs)) {
		v.fault(abs, "missing")
		return nil, false
	}
	info, err := os.Lstat(v.at(abs))
	switch {
	case os.IsNotExist(err):
		v.fault(abs, "missing")
		return nil, false
	case err != nil:
		v.fault(abs, "%v", bare(err))
		return nil, false
	case !info.Mode().IsRegular():
		v.fault(abs, "is no regular file")
		return nil, false
	case info.Mode().Perm() != mode || info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0:
		v.fault(abs, "mode is %04o, must be %04o", unixMode(info.Mode()), mode)
	}
	v.owner(abs, info)
	data, err := readSmall(v.at(abs), maxManifest)
	if err != nil {
		v.fault(abs, "%v", err)
		return nil, false
	}
	return data, true
}

// dir says whether a directory is there and none of its parents is a link,
// which on the device could lead anywhere. Each is reported once.
func (v *verifier) dir(abs string) bool {
	if abs == "/" {
		return true
	}
	if good, known := v.looked[abs]; known {
		return good
	}
	v.looked[abs] = false
	if !v.dir(path.Dir(abs)) {
		return false
	}
	info, err := os.Lstat(v.at(abs))
	switch {
	case os.IsNotExist(err):
		return false
	case err != nil:
		v.fault(abs, "%v", bare(err))
		return false
	case !info.IsDir():
		v.fault(abs, "is no directory")
		return false
	case info.Mode().Perm()&0o022 != 0:
		v.fault(abs, "mode is %04o: others than root may write", unixMode(info.Mode()))
	}
	v.owner(abs, info)
	v.looked[abs] = true
	return true
}

func (v *verifier) at(abs string) string { return path.Join(v.root, abs) }

func (v *verifier) owner(abs string, info fs.FileInfo) {
	if v.owners && !ownedByRoot(info) {
		v.fault(abs, "does not belong to root")
	}
}

// unixMode is the mode as chmod takes it.
func unixMode(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	for i, special := range []fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
		if mode&special != 0 {
			bits |= 0o1000 << i
		}
	}
	return bits
}
