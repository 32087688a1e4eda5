// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package packages

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// MakeDeb writes one .deb a package into dir by dpkg-deb and returns their
// paths, in the order of pkgs. Default is xz, as oe-core's dpkg-deb has it.
func MakeDeb(dir string, c Compression, pkgs ...Package) ([]string, error) {
	if c == Default {
		c = Xz
	}
	return each(pkgs, func(p Package) (string, error) {
		file := filepath.Join(dir, fmt.Sprintf("%s_%s_%s.deb", p.Name, fileVersion(p), p.arch()))
		return file, makeDeb(file, c, p)
	})
}

func makeDeb(file string, c Compression, p Package) error {
	return inScratch(func(tmp string) error {
		root := filepath.Join(tmp, "root")
		if err := p.stage(root); err != nil {
			return err
		}
		if err := writeControl(filepath.Join(root, "DEBIAN"), p.control("")); err != nil {
			return err
		}
		if err := settle(root); err != nil {
			return err
		}
		abs, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		// --nocheck: oe-core's names and architectures are wider than Debian's.
		return run(tmp, "dpkg-deb", "--nocheck", "--root-owner-group", "--uniform-compression",
			"--threads-max=1", "-Z"+string(c), "--build", root, abs)
	})
}

// control is the text of the control file, in oe-core's order of fields.
func (p Package) control(source string) string {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	field("Package", p.Name)
	field("Version", p.version())
	field("Description", p.Name+" version "+p.version()+"\n  Made for a test.")
	field("Section", "base")
	field("Priority", "optional")
	field("Maintainer", "The meta-migration authors <nobody@example.com>")
	field("Architecture", p.arch())
	field("OE", p.Recipe)
	field("Provides", strings.Join(p.Provides, ", "))
	if p.Source != "" {
		source = p.Source
	}
	field("Source", source)
	for _, line := range p.Fields {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func writeControl(dir, text string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	name := filepath.Join(dir, "control")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Chmod(name, 0o644)
}

// fileVersion is the version as file names hold it: without the epoch.
func fileVersion(p Package) string {
	if _, rest, ok := strings.Cut(p.version(), ":"); ok {
		return rest
	}
	return p.version()
}
