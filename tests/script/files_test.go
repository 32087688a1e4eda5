// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// fileCommands are the script commands that run programs and look at files:
//
//	exitcode N PROGRAM [ARG…]  runs it; it must exit with exactly N
//	mode FILE 0755             FILE has exactly these permissions
//	mtime FILE SECONDS         FILE was changed at this time
//	cmptree A B                same names, kinds, modes, times and content
//	tree DIR                   prints the names below DIR, sorted
//	sha256 FILE                prints the digest
//	digestof FILE VAR          puts the digest into the variable VAR
//	truncate FILE SIZE         cuts FILE off
func fileCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exitcode": runExitcode, "mode": checkMode, "mtime": checkTime, "cmptree": compareTrees, "tree": printTree,
		"sha256": printDigest, "digestof": setDigest, "truncate": truncate,
	}
}

// need ends the test where a command has not n arguments, or is negated.
func need(ts *testscript.TestScript, neg bool, args []string, n int, usage string) {
	if neg || len(args) != n {
		ts.Fatalf("usage: %s", usage)
	}
}

func runExitcode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode N PROGRAM [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	if got := exitCode(err); strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s exits with %d, want %s (%v)", args[1], got, args[0], err)
	}
}

func checkMode(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "mode FILE 0755")
	info, err := os.Lstat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("mode of %s is %s, want %s", args[0], got, args[1])
	}
}

func checkTime(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "mtime FILE SECONDS")
	info, err := os.Lstat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := strconv.FormatInt(info.ModTime().Unix(), 10); got != args[1] || info.ModTime().Nanosecond() != 0 {
		ts.Fatalf("time of %s is %s, want %s", args[0], got, args[1])
	}
}

func compareTrees(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: cmptree A B")
	}
	a, err := snapshot(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := snapshot(ts.MkAbs(args[1]))
	ts.Check(err)
	if diff := differences(a, b); (diff != "") != neg {
		ts.Fatalf("%s and %s: differences: %q", args[0], args[1], diff)
	}
}

// snapshot describes each entry of a tree, the top included, by all that a
// build must decide.
func snapshot(dir string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		content := ""
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = fmt.Sprintf("%x", sha256.Sum256(data))
		case info.Mode()&fs.ModeSymlink != 0:
			if content, err = os.Readlink(path); err != nil {
				return err
			}
		}
		all[name] = fmt.Sprintf("%v %d %s", info.Mode(), info.ModTime().UnixNano(), content)
		return nil
	})
	return all, err
}

func differences(a, b map[string]string) string {
	var wrong []string
	for name, what := range a {
		if b[name] != what {
			wrong = append(wrong, fmt.Sprintf("%s: %s, %s", name, what, b[name]))
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			wrong = append(wrong, name+": only in the second")
		}
	}
	sort.Strings(wrong)
	return strings.Join(wrong, "\n")
}

func printTree(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "tree DIR")
	all, err := snapshot(ts.MkAbs(args[0]))
	ts.Check(err)
	var names []string
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Fprintln(ts.Stdout(), strings.Join(names, "\n"))
}

func digest(ts *testscript.TestScript, file string) string {
	data, err := os.ReadFile(ts.MkAbs(file))
	ts.Check(err)
	return fmt.Sprintf("sha256:%x", sha256.Sum256(data))
}

func printDigest(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "sha256 FILE")
	fmt.Fprintln(ts.Stdout(), digest(ts, args[0]))
}

func setDigest(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "digestof FILE VAR")
	ts.Setenv(args[1], digest(ts, args[0]))
}

func truncate(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "truncate FILE SIZE")
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}
