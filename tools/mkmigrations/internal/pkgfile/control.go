// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"errors"
	"fmt"
	"strings"
)

// parseControl reads a binary package's control file: one deb822 paragraph,
// see deb-control(5). Fields that are not needed are checked for form only.
func parseControl(text string) (*Package, error) {
	fields, err := parseFields(text)
	if err != nil {
		return nil, err
	}
	p := &Package{}
	for _, f := range []struct {
		name string
		into *string
	}{{"package", &p.Name}, {"version", &p.Version}, {"architecture", &p.Arch}} {
		value, ok := fields[f.name]
		if !ok {
			return nil, fmt.Errorf("no field %q", f.name)
		}
		if err := checkWord(value); err != nil {
			return nil, fmt.Errorf("field %q: %w", f.name, err)
		}
		// A part of the text would keep all of it in memory.
		*f.into = strings.Clone(value)
	}
	provides, err := providedNames(fields["provides"])
	if err != nil {
		return nil, err
	}
	p.setProvides(provides)
	p.Source, err = sourceOf(fields, p.Name)
	return p, err
}

// wanted returns the name, in lower case, of a field that has a meaning here,
// else nothing: names are case-insensitive.
func wanted(key string) string {
	for _, name := range [...]string{"package", "version", "architecture", "provides", "oe", "source"} {
		if len(key) == len(name) && strings.EqualFold(key, name) {
			return name
		}
	}
	return ""
}

// parseFields returns the wanted fields, unfolded.
//
// An empty line does not end the paragraph: in an ipk whose recipe sets an
// empty PACKAGE_ADD_METADATA, oe-core writes one in the middle, and Provides
// comes after it.
func parseFields(text string) (map[string]string, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, errors.New("holds a NUL byte")
	}
	fields := map[string]string{}
	begun := false
	// Of the last field, if it is wanted: others are dropped at once, since a
	// description may be long.
	var name, value string
	var folded strings.Builder
	flush := func() {
		if name != "" {
			fields[name] = strings.TrimSpace(value + folded.String())
			folded.Reset()
		}
	}
	for n := 1; text != ""; n++ {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if !begun {
				return nil, fmt.Errorf("line %d continues a field, but none is before it", n)
			}
			if name != "" {
				folded.WriteByte('\n')
				folded.WriteString(line)
			}
			continue
		}
		flush()
		key, rest, ok := strings.Cut(line, ":")
		if !ok || !fieldName(key) {
			return nil, fmt.Errorf("line %d is no field: %.64q", n, line)
		}
		begun, name, value = true, wanted(key), rest
		if _, dup := fields[name]; dup {
			return nil, fmt.Errorf("line %d: field %q is there twice", n, key)
		}
	}
	flush()
	return fields, nil
}

// fieldName says whether key is a deb822 field name: printable ASCII without
// a colon, not beginning like a comment or a signature's armour.
func fieldName(key string) bool {
	for _, c := range []byte(key) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return key != "" && key[0] != '#' && key[0] != '-'
}

// checkWord accepts what names, versions and architectures consist of: one
// word that cannot be taken for a path or a second field. What more a format
// asks of them is not our business.
func checkWord(value string) error {
	switch {
	case value == "":
		return errors.New("empty")
	case len(value) > 255:
		return fmt.Errorf("longer than 255 bytes: %.64q…", value)
	}
	for _, c := range []byte(value) {
		if c <= ' ' || c >= 0x7f || c == '/' {
			return fmt.Errorf("%q holds a character that cannot be in it", value)
		}
	}
	return nil
}

// providedNames returns the names of a Provides field, without the version in
// parentheses and the architecture after a colon.
func providedNames(value string) ([]string, error) {
	var names []string
	for more := value != ""; more; {
		var item string
		item, value, more = strings.Cut(value, ",")
		item = strings.TrimSpace(item)
		if end := strings.IndexAny(item, " \t\n(:"); end >= 0 {
			item = item[:end]
		}
		if len(names) == maxProvides {
			return nil, fmt.Errorf("field %q has more than %d names", "provides", maxProvides)
		}
		if item != "" {
			names = append(names, strings.Clone(item))
		}
	}
	return names, nil
}

// sourceOf returns the recipe's PN. oe-core writes it as OE, and its Source
// is a recipe file's name (foo_1.2.bb); OpenWrt's is a path. A package from
// elsewhere has Debian's form: a name, and a version where it differs.
func sourceOf(fields map[string]string, name string) (string, error) {
	source := fields["oe"]
	if source == "" {
		source = fields["source"]
		if end := strings.IndexAny(source, " \t\n("); end >= 0 {
			source = source[:end]
		}
		if strings.HasSuffix(source, ".bb") || strings.Contains(source, "/") {
			source = ""
		}
	}
	if source == "" {
		return name, nil
	}
	if err := checkWord(source); err != nil {
		return "", fmt.Errorf("field %q: %w", "source", err)
	}
	return strings.Clone(source), nil
}
