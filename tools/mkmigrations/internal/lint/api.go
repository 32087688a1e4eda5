// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

// Script returns all that is wrong with a script, sorted by line, each once:
// Syntax, Commands, Verbs, Paths and, where rootfs is not nil, Check. A
// caller that wants all needs nothing else of this package but [Overlap].
func Script(file string, data, library []byte, rootfs *Rootfs) []Finding { return nil }

// Syntax returns the syntax errors of a shell script.
func Syntax(file string, data []byte) []Finding { return nil }

// A Call is a command that a script calls by a literal name, or a file that
// it sources.
type Call struct {
	Name    string // as written: a name, or a path where it has a slash
	Line    int    // counted from 1
	Guarded bool   // the script tests for it first
	Sourced bool   // read by the shell (`. file`), not run
}

// Commands returns the commands that a shell script calls, and what is wrong
// in it whatever the image.
func Commands(file string, data []byte) ([]Call, []Finding) { return nil, nil }

// Verbs returns where a script calls a function of the shell library, whose
// text is library, without having sourced it.
func Verbs(file string, data, library []byte) []Finding { return nil }

// A Rootfs is the root file system of an image, as a directory.
type Rootfs struct{}

// OpenRootfs checks that dir is a directory. library is the text of the shell
// library (functions.sh).
func OpenRootfs(dir string, library []byte) (*Rootfs, error) { return &Rootfs{}, nil }

// Check returns what a script needs and the root file system has not.
func (r *Rootfs) Check(file string, data []byte) []Finding { return nil }

// Paths returns those Paths of a migration's header that hold the state
// directory: equal to it, above or below it. data is the script, used to find
// the line only.
func Paths(file string, data []byte, paths []string) []Finding { return nil }

// Overlap returns the first two paths, one of each list, of which one is the
// other or above it. ok is false where there are none.
func Overlap(a, b []string) (x, y string, ok bool) { return "", "", false }
