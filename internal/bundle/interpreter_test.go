// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"strings"
	"testing"
)

func TestParseInterpreter(t *testing.T) {
	for _, c := range []struct {
		line, path, argument string
		shell                bool
	}{
		{"#!/bin/sh", "/bin/sh", "", true},
		{"#! /bin/sh", "/bin/sh", "", true},
		{"#!\t/bin/sh \t", "/bin/sh", "", true},
		{"#!/bin/sh -e", "/bin/sh", "-e", true},
		{"#!/bin/sh  -e  -u ", "/bin/sh", "-e  -u", true},
		{"#!/usr/bin/env sh", "/usr/bin/env", "sh", true},
		{"#!/usr/bin/env python3", "/usr/bin/env", "python3", false},
		{"#!/bin/busybox ash", "/bin/busybox", "ash", false},
		{"#!/usr/bin/dash", "/usr/bin/dash", "", true},
		{"#!/bin/ash", "/bin/ash", "", true},
		{"#!/bin/bash", "/bin/bash", "", false},
		{"#!/opt/ünï/lua", "/opt/ünï/lua", "", false},
	} {
		for _, behind := range []string{"", "\n", "\ntrue\r\n"} {
			i, err := ParseInterpreter("x", []byte(c.line+behind))
			if err != nil {
				t.Errorf("%q: %v", c.line+behind, err)
			} else if i.Path != c.path || i.Argument != c.argument || i.IsShell() != c.shell {
				t.Errorf("%q: %+v, shell %v", c.line+behind, i, i.IsShell())
			}
		}
	}
}

func TestParseInterpreterFaults(t *testing.T) {
	const (
		noScript = "a migration is a script: its first line must begin with #!"
		control  = "control character in the #! line: "
		relative = "the #! line must name an absolute path: "
	)
	for _, c := range []struct{ line, rule, cure string }{
		{"", noScript, "begin it with #!/bin/sh; call a program from a script"},
		{"\x7fELF\x01", noScript, "begin it with #!/bin/sh; call a program from a script"},
		{"# !/bin/sh", noScript, "begin it with #!/bin/sh; call a program from a script"},
		{"\ufeff#!/bin/sh", noScript, "begin it with #!/bin/sh; call a program from a script"},
		{"#!", relative + `"#!"`, "write #!/bin/sh"},
		{"#! \t", relative + `"#! \t"`, "write #!/bin/sh"},
		{"#!sh", relative + `"#!sh"`, "write #!/bin/sh"},
		{"#!/", relative + `"#!/"`, "write #!/bin/sh"},
		{"#!/bin/../sh", relative + `"#!/bin/../sh"`, "write #!/bin/sh"},
		{"#!/bin/sh\r", control + `"#!/bin/sh\r"`, `end lines with \n alone`},
		{"#!/bin/sh\x00", control + `"#!/bin/sh\x00"`, `end lines with \n alone`},
		{"#!/bin/sh -\x7f", control + `"#!/bin/sh -\x7f"`, `end lines with \n alone`},
	} {
		_, err := ParseInterpreter("x", []byte(c.line+"\ntrue\n"))
		if text(err) != "x:1: "+c.rule || hint(err) != c.cure {
			t.Errorf("%q: %q, hint %q", c.line, text(err), hint(err))
		}
	}
}

// FuzzInterpreter: a line made of what was read says the same, and nothing
// that could end a line or a string gets through.
func FuzzInterpreter(f *testing.F) {
	for _, s := range []string{"#!/bin/sh\n", "#! /usr/bin/env  sh -e\t\n", "#!/bin/sh\r\n", "#!", "#!/a\x00\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		i, err := ParseInterpreter("x", []byte(script))
		if err != nil {
			return
		}
		if CheckPath(i.Path) != nil || strings.ContainsAny(i.Argument, "\x00\n\r") || strings.Trim(i.Argument, " \t") != i.Argument {
			t.Fatalf("%q: %+v", script, i)
		}
		again, err := ParseInterpreter("x", []byte("#!"+i.Path+" "+i.Argument+"\n"))
		if err != nil || again != i {
			t.Fatalf("%q: %+v, read again as %+v, %v", script, i, again, err)
		}
	})
}
