// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import "strings"

// Limits of an ID, in bytes. The second one leaves room for "migration@" and
// ".service" in the 255 bytes that systemd allows a unit's name.
const (
	MaxID        = 128
	MaxIDEscaped = 235
)

// An ID names a migration for all time: `<recipe>:<name>`. Values that come
// from this package's parsers are checked; [CheckID] checks others.
type ID string

// Recipe returns the part before the colon.
func (id ID) Recipe() string {
	recipe, _, _ := strings.Cut(string(id), ":")
	return recipe
}

// Name returns the part behind the colon.
func (id ID) Name() string {
	_, name, _ := strings.Cut(string(id), ":")
	return name
}

// CheckID says which rule s breaks, if any: both parts well formed, at most
// [MaxID] bytes, at most [MaxIDEscaped] when escaped for a unit's name.
func CheckID(s string) error {
	recipe, name, ok := strings.Cut(s, ":")
	if !ok {
		return broken("write <recipe>:<name>", "no migration ID: ", quote(s))
	}
	if err := CheckRecipe(recipe); err != nil {
		return err
	}
	if err := CheckName(name); err != nil {
		return err
	}
	if len(s) > MaxID {
		return broken("shorten the name to 128 bytes in all", "migration ID too long: ", quote(s))
	}
	if escapedLen(s) > MaxIDEscaped {
		return broken(`each "-" and "+" takes 4 bytes in a unit's name; 235 are allowed`,
			"migration ID too long when escaped for a unit name: ", quote(s))
	}
	return nil
}

// CheckRecipe says which rule s breaks as a recipe's name (BPN).
func CheckRecipe(s string) error {
	if !isWord(s, "+") {
		return broken(`use [a-z0-9] first, then [a-z0-9.+-]`, "bad recipe name: ", quote(s))
	}
	return nil
}

// CheckName says which rule s breaks as the name part of an ID. Words that
// mean something to bitbake where the name would stand, in
// `migration_up:<name>` and in `MIGRATION_AFTER[<name>]`, are refused.
func CheckName(s string) error {
	if !isWord(s, "") {
		return broken(`use [a-z0-9] first, then [a-z0-9.-]`, "bad migration name: ", quote(s))
	}
	if strings.Contains(bitbakeWords, " "+s+" ") {
		return broken("choose another name", "migration name is a bitbake keyword or flag: ", quote(s))
	}
	return nil
}

func isWord(s, more string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '.' && c != '-' && strings.IndexByte(more, c) < 0) {
			return false
		}
	}
	return s != ""
}

// escapedLen is the length of `systemd-escape s` for a valid ID: all but
// [a-z0-9:.] becomes \xNN. A valid ID never begins with a dot.
func escapedLen(s string) int {
	return len(s) + 3*(strings.Count(s, "-")+strings.Count(s, "+"))
}

// bitbakeWords are the override operators, and the flags that bitbake gives a
// meaning on any variable or task (bitbake's user manual, "Variable Flags"
// and "Conditional Syntax (Overrides)"). One text costs the runner neither
// code nor time at its start, as a switch or a map would.
const bitbakeWords = " append prepend remove cleandirs defaultval depends deptask dirs doc export exports fakeroot " +
	"file-checksums filename func lineno lockfiles mcdepends network nodeprrecs noexec nostamp " +
	"number-threads postfuncs prefuncs progress python rdepends rdeptask recideptask recrdeptask " +
	"stamp-extra-info task type umask unexport unique vardeps vardepsexclude vardepvalue " +
	"vardepvalueexclude varrefs sstate-inputdirs sstate-outputdirs sstate-plaindirs " +
	"sstate-interceptfuncs sstate-lockfile "
