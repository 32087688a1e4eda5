// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strings"
	"testing"
)

func TestParseArgs(t *testing.T) {
	for _, c := range []struct {
		args string
		want string // command, root, image, id and flags; or "error: …"
	}{
		{"", "run"},
		{"run", "run"},
		{"--root /x", "run root=/x"},
		{"run --root=/x --allow-volatile", "run root=/x volatile"},
		{"--root /x status --json", "status root=/x json"},
		{"check --image /new --root /x", "check root=/x image=/new"},
		{"require a:b", "require id=a:b"},
		{"--help", "help"},
		{"status -h", "help"},
		{"--version", "version"},
		{"--root", "error: --root needs a directory"},
		{"--root=", "error: --root needs a directory"},
		{"--json=yes", "error: --json takes no value"},
		{"--json", "error: run takes no --json"},
		{"walk", `error: unknown command "walk"`},
		{"require", "error: require needs the ID of a migration"},
		{"require ab", `error: no migration ID: "ab"`},
		{"require a:b c:d", `error: require takes no "c:d"`},
		{"confirm --image /x", "error: confirm takes no --image"},
	} {
		o, err := parseArgs(strings.Fields(c.args))
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			got = describe(o)
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.args, got, c.want)
		}
	}
}

func describe(o *options) string {
	text := o.command.name
	for _, part := range []struct{ name, value string }{{"root", o.root}, {"image", o.image}, {"id", string(o.id)}} {
		if part.value != "" {
			text += " " + part.name + "=" + part.value
		}
	}
	if o.json {
		text += " json"
	}
	if o.allowVolatile {
		text += " volatile"
	}
	return text
}
