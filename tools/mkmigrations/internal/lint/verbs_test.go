// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import "testing"

func TestVerbs(t *testing.T) {
	without := func(line, name string) string {
		return "error: m:" + line + `: "` + name + `" is a function of the shell library, which the script has not sourced; write . "$MIGRATION_LIB" before it`
	}
	for _, c := range []struct {
		name, script string
		want         []string
	}{
		{"sourced", ". \"$MIGRATION_LIB\"\nensure_user a", nil},
		{"sourced with braces", ". ${MIGRATION_LIB}; ensure_user a", nil},
		{"sourced with a default", ". \"${MIGRATION_LIB:-/usr/lib/migration/functions.sh}\"; ensure_user a", nil},
		{"sourced by its path", ". /usr/lib/migration/functions.sh; ensure_user a", nil},
		{"not sourced", "ensure_user a\n:\nset_key b", []string{without("2", "ensure_user"), without("4", "set_key")}},
		{"sourced too late", "ensure_user a\n. \"$MIGRATION_LIB\"\nensure_group b", []string{without("2", "ensure_user")}},
		{"in a function", "f() { ensure_user a; }\n. \"$MIGRATION_LIB\"\nf", nil},
		{"something else sourced", ". \"$other\"; ensure_user a", nil},
		{"own function", "ensure_user() { :; }; ensure_user a", nil},
		{"guarded", "command -v ensure_user && ensure_user a", nil},
		{"in a trap", "trap 'ensure_user a' EXIT", []string{without("2", "ensure_user")}},
		{"run by a program", ". \"$MIGRATION_LIB\"; timeout 5 ensure_user a", []string{
			`error: m:2: timeout runs no function: "ensure_user" is one of the shell library; call it without timeout`}},
		{"as a word", "echo ensure_user", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect(t, Verbs("m", []byte("#!/bin/sh\n"+c.script+"\n"), []byte(library)), c.want...)
		})
	}
}
