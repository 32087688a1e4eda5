// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import "debug/elf"

// sectionSizes returns the size of a section of a program.
func sectionSizes(file, name string) (int, error) {
	f, err := elf.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if s := f.Section(name); s != nil {
		return int(s.Size), nil
	}
	return 0, nil
}
