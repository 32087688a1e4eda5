// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// plainConf is a build as a new user has it: all recipes, a machine of
// oe-core, no stand-ins.
const plainConf = `MACHINE = "qemux86-64"
DISTRO = "nodistro"
CONF_VERSION = "2"
DL_DIR = "${TOPDIR}/downloads"
BB_NO_NETWORK = "1"
CONNECTIVITY_CHECK_URIS = ""
BB_NUMBER_THREADS = "2"
BB_NUMBER_PARSE_THREADS = "2"
`

// TestCheckLayer runs the Yocto Project's yocto-check-layer. It parses all of
// oe-core several times, so it runs only where OE_CHECK_LAYER is set.
func TestCheckLayer(t *testing.T) {
	if os.Getenv("OE_CHECK_LAYER") == "" {
		t.Skip("SKIP: yocto-check-layer takes half an hour; set OE_CHECK_LAYER to run it")
	}
	for _, c := range checkouts(t) {
		t.Run(c.series, func(t *testing.T) {
			b := newBuild(t, c, "deb", c.series+"-check-layer")
			for name, text := range map[string]string{
				"local.conf":    plainConf,
				"bblayers.conf": "BBPATH = \"${TOPDIR}\"\nBBFILES = \"\"\nBBLAYERS = \"" + b.core + "/meta\"\n",
			} {
				if err := os.WriteFile(filepath.Join(b.dir, "conf", name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			out, err := b.run(t, "yocto-check-layer", "--no-auto-dependency", filepath.Join(b.source, "meta-migration"))
			if err != nil {
				t.Fatalf("%v\n%s", err, tail(out))
			}
			if !regexp.MustCompile(`(?m)(migration|meta-migration).* PASS`).MatchString(out) || strings.Contains(out, "FAIL") {
				t.Errorf("yocto-check-layer does not say PASS:\n%s", tail(out))
			}
			t.Logf("%s", tail(out))
		})
	}
}
