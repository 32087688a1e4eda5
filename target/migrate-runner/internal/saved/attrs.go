// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"strings"
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// readAttrs returns the attributes of name in dir, whose state is st.
func readAttrs(dir int, name string, st *sys.Stat, mount uint8) (attrs, error) {
	a := attrs{
		mode: st.Mode, uid: st.UID, gid: st.GID, atime: st.Atime, mtime: st.Mtime,
		ino: st.Ino, nlink: st.Nlink, mount: mount,
	}
	var err error
	a.xattrs, err = readXattrs(dir, name)
	return a, err
}

func readXattrs(dir int, name string) ([]xattr, error) {
	names, err := sys.Listxattr(dir, name)
	if err == syscall.EOPNOTSUPP {
		return nil, nil
	}
	var all []xattr
	for _, n := range names {
		value, err := sys.Getxattr(dir, name, n)
		if err == syscall.ENODATA || err == syscall.EOPNOTSUPP {
			continue // listed by the file system, but not to be had
		}
		if err != nil {
			return nil, err
		}
		all = append(all, xattr{n, value})
	}
	return all, err
}

// givenByKernel reports whether a security module gives every file this
// attribute, so that a file cannot be without it.
func givenByKernel(name string) bool {
	for _, prefix := range [...]string{"security.selinux", "security.SMACK64", "security.ima", "security.evm"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// xattrChanges returns what to set and what to remove to get from have to want.
func xattrChanges(want, have []xattr) (set []xattr, remove []string) {
	for _, x := range want {
		if h := named(have, x.name); h == nil || string(h.value) != string(x.value) {
			set = append(set, x)
		}
	}
	for _, x := range have {
		if named(want, x.name) == nil && !givenByKernel(x.name) {
			remove = append(remove, x.name)
		}
	}
	return set, remove
}

// named returns the one of list with that name, or nil. A file has a few.
func named(list []xattr, name string) *xattr {
	for i := range list {
		if list[i].name == name {
			return &list[i]
		}
	}
	return nil
}

// sameAttrs compares all that can be set, without the access time, which
// reading changes.
func sameAttrs(want, have *attrs) bool {
	set, remove := xattrChanges(want.xattrs, have.xattrs)
	return want.mode == have.mode && want.uid == have.uid && want.gid == have.gid &&
		want.mtime == have.mtime && len(set)+len(remove) == 0
}

// setAttrs gives name in dir the attributes want. It changes only what differs
// and reports whether anything did. Type and content must be right already.
func setAttrs(dir int, name string, want *attrs) (changed bool, err error) {
	have, err := attrsNow(dir, name)
	if err != nil || sameAttrs(want, &have) {
		return false, err
	}
	if want.uid != have.uid || want.gid != have.gid {
		err := sys.Fchownat(dir, name, int(want.uid), int(want.gid), sys.AT_SYMLINK_NOFOLLOW)
		if err != nil {
			return false, err
		}
		// That cleared setuid, setgid and file capabilities.
		if have, err = attrsNow(dir, name); err != nil {
			return true, err
		}
	}
	if err := setMode(dir, name, want, &have); err != nil {
		return true, err
	}
	if err := setXattrs(dir, name, want, &have); err != nil {
		return true, err
	}
	if err := confirm(dir, name, want); err != nil {
		return true, err
	}
	// Last, since the other steps may count as changes of the content.
	return true, sys.Utimensat(dir, name, want.atime, want.mtime, sys.AT_SYMLINK_NOFOLLOW)
}

func attrsNow(dir int, name string) (attrs, error) {
	st, err := sys.Statat(dir, name, sys.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return attrs{}, err
	}
	return readAttrs(dir, name, &st, mountUnknown)
}

func setMode(dir int, name string, want, have *attrs) error {
	if want.perm() == have.perm() || want.typ() == syscall.S_IFLNK {
		return nil
	}
	return sys.Fchmodat(dir, name, want.perm())
}

func setXattrs(dir int, name string, want, have *attrs) error {
	set, remove := xattrChanges(want.xattrs, have.xattrs)
	for _, n := range remove {
		if err := sys.Removexattr(dir, name, n); err != nil && err != syscall.ENODATA {
			return err
		}
	}
	for _, x := range set {
		if err := sys.Setxattr(dir, name, x.name, x.value); err != nil {
			return err
		}
	}
	return nil
}

// confirm reads back what was set: a file system may take a call and ignore
// it, and an access list changes the mode.
func confirm(dir int, name string, want *attrs) error {
	have, err := attrsNow(dir, name)
	if err == nil && have.perm() != want.perm() && want.typ() != syscall.S_IFLNK {
		if err = sys.Fchmodat(dir, name, want.perm()); err == nil {
			have, err = attrsNow(dir, name)
		}
	}
	if err != nil {
		return err
	}
	have.mtime = want.mtime
	if want.typ() == syscall.S_IFLNK {
		have.mode = want.mode
	}
	if !sameAttrs(want, &have) {
		return text("the file system did not take its owner, mode or extended attributes")
	}
	return nil
}
