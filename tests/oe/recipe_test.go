// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"regexp"
	"strings"
	"testing"
)

// TestRecipeFaults: what a recipe's own build refuses, with what the user
// reads. All faults of a recipe come together.
func TestRecipeFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: builds take minutes")
	}
	for _, c := range checkouts(t) {
		t.Run(c.series, func(t *testing.T) {
			b := newBuild(t, c, formats()[0], c.series+"-recipe")
			b.recipeFaults(t)
			b.structure(t)
			b.variants(t)
			b.multilib(t)
		})
	}
}

func (b *build) recipeFaults(t *testing.T) {
	b.setCase(t, map[string]string{
		"board.bbappend": `
MIGRATION_AFTER[layout] = "base-files:Layout"
MIGRATION_TIMEOUT[layout] = "1h"
MIGRATION_PATHS[v1.2] = ""
MIGRATION_AFTR[layout] = "a:b"
MIGRATION_AFTER[layuot] = "a:b"
MIGRATION_FRESH:layout = "run"
MIGRATIONS += "missing remove python-one empty text Upper"
python migration_up:python-one() {
    bb.plain("x")
}
migration_up:empty() {

}
migration_up:text = "true"
migration_up:unlisted() {
    true
}
`,
		"accounts.bbappend": `
FILESEXTRAPATHS:prepend := "${TOPDIR}/case/files:"
MIGRATIONS = "split-users"
migration_up:split-users() {
    true
}
`,
		"files/split-users.migration": "#!/bin/sh\n### BEGIN MIGRATION INFO\n# Afer: a:b\n# On-Failure: stay\n### END MIGRATION INFO\n",
		"cloud.bbappend":              "FILESEXTRAPATHS:prepend := \"${TOPDIR}/case/files:\"\n",
		"files/keys.migration":        "#!/bin/sh -e\nif true; then\n    echo 1\n",
	})
	const fields = "MIGRATION_AFTER, MIGRATION_ATTEMPTS, MIGRATION_BEFORE"
	b.refuse(t, "-k -c migration board accounts cloud",
		`board: MIGRATION_AFTER[layout] = "base-files:Layout": bad migration name: "Layout"; use [a-z0-9] first`,
		`board: MIGRATION_TIMEOUT[layout] = "1h": bad number "1h"; write a number from 1 to 604800`,
		`board: MIGRATION_PATHS[v1.2] = "": no value; give it one or remove it`,
		`board: MIGRATION_AFTR[layout] = "a:b": no field of a migration; the fields are `+fields,
		`board: MIGRATION_AFTER[layuot] = "a:b": "layuot" is not in MIGRATIONS = "layout v1.2 missing`,
		`board: MIGRATION_FRESH:layout = "run": a field is a flag; write MIGRATION_FRESH[layout]`,
		`board: MIGRATIONS: migration_up:missing() is missing; write it, or take missing out of MIGRATIONS`,
		`board: MIGRATIONS: migration name is a bitbake keyword or flag: "remove"; choose another name`,
		`board: MIGRATIONS: bad migration name: "Upper"`,
		`board: migration_up:python-one(): a migration is a shell function`,
		`board: migration_up:empty(): has no body`,
		`board: migration_up:text = "true": not a function; write migration_up:text() {`,
		`board: migration_up:unlisted(): not in MIGRATIONS = `,
		`accounts: split-users.migration:3: unknown field "Afer"`,
		`accounts: split-users.migration:4: On-Failure: bad value "stay"; write stop or continue`,
		`accounts: split-users.migration: second migration "split-users", the first one is in MIGRATIONS`,
		`cloud: sub/keys.migration: not a POSIX shell script: `,
	)
	// bitbake parses shell functions itself.
	b.setCase(t, map[string]string{"cloud.bbappend": "migration_up:agent() {\n    if true; then\n}\n"})
	b.refuse(t, "-p", "cloud_1.0.bb: Exception during build_dependencies for migration_up:agent", "ShellSyntaxError")
}

// structure: what no build of the recipe could report is an error of the
// parser.
func (b *build) structure(t *testing.T) {
	b.setCase(t, map[string]string{"cloud.bbappend": "inherit nopackages\n"})
	b.refuse(t, "-p", "cloud: a recipe without do_package cannot ship a migration, but it has agent")
	b.setCase(t, map[string]string{"accounts.bbappend": "do_install:append() {\n    install -d ${D}/usr/share/migration\n}\n"})
	b.refuse(t, "-c package accounts", "accounts: do_install makes /usr/share/migration; that directory is migration.bbclass's")
}

// variants: native and nativesdk recipes get nothing, nor does a recipe
// without a migration; a recipe whose PN and BPN differ goes by BPN.
func (b *build) variants(t *testing.T) {
	recipe := func(more string) string {
		return "SUMMARY = \"case\"\nrequire recipes-demo/includes/oetest.inc\ninherit migration\n" +
			"do_configure[noexec] = \"1\"\ndo_compile[noexec] = \"1\"\ndo_install() {\n    install -d ${D}${datadir}/x\n" +
			"    echo > ${D}${datadir}/x/y\n}\nFILES:${PN} = \"${datadir}/x\"\n" + more
	}
	b.setCase(t, map[string]string{
		"both_1.0.bb":    recipe("MIGRATIONS = \"one\"\nmigration_up:one() {\n    true\n}\nBBCLASSEXTEND = \"native nativesdk\"\n"),
		"nothing_1.0.bb": recipe(""),
		"tool-x_1.0.bb":  recipe("BPN = \"tool\"\nMIGRATIONS = \"one\"\nmigration_up:one() {\n    true\n}\n"),
	})
	for target, want := range map[string]bool{"both": true, "both-native": false, "nativesdk-both": false, "nothing": false} {
		// What nativesdk needs of others is not there, after the parsing.
		out, _ := b.run(t, "bitbake", "-e", target)
		if !strings.Contains(out, "\nPN=\""+target+"\"\n") {
			t.Fatalf("bitbake -e %s:\n%s", target, tail(out))
		}
		if got := strings.Contains(out, target+"-migration"); got != want {
			t.Errorf("%s: has a -migration package: %v", target, got)
		}
	}
	b.succeed(t, "both:do_package_qa", "tool-x:do_package_qa", "tool-x:do_package")
	matches := b.packaged(t, "tool-x", "usr/share/migration/*/*")
	if len(matches) != 1 || !strings.HasSuffix(matches[0], "usr/share/migration/tool/one") {
		t.Errorf("tool-x ships %v", matches)
	}
}

// multilib: a variant's package has the variant's name and provides, its
// scripts stand under the name without the prefix.
func (b *build) multilib(t *testing.T) {
	b.setCase(t, map[string]string{"conf": multilibConf})
	out := b.succeed(t, "-e", "lib32-cloud")
	for _, line := range []string{
		`PACKAGES="lib32-cloud-migration .*"`,
		`RPROVIDES:lib32-cloud-migration=" ?lib32-migration-snippets"`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(out) {
			t.Errorf("bitbake -e lib32-cloud has no %s", line)
		}
	}
	b.succeed(t, "-c", "package", "lib32-cloud")
	if files := b.packaged(t, "lib32-cloud", "usr/share/migration/cloud/*"); len(files) != 2 {
		t.Errorf("lib32-cloud ships %v", files)
	}
}
