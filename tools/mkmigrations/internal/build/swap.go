// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"errors"
	"io/fs"
	"os"
)

// errNoExchange says that this system or file system cannot exchange two
// names in one step.
var errNoExchange = errors.New("exchanging names is not supported")

// swap puts the directory from in the place of the directory to; what was
// there is in from afterwards, if anything was. It is one step where the
// system can exchange names. Elsewhere there is a moment without to; if the
// second step fails, the first is undone.
func swap(from, to string) error {
	if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
		return bareRename(from, to)
	}
	if err := exchange(from, to); !errors.Is(err, errNoExchange) {
		return err
	}
	return swapByRename(from, to)
}

func swapByRename(from, to string) error {
	old := from + ".old"
	if err := bareRename(to, old); err != nil {
		return err
	}
	if err := bareRename(from, to); err != nil {
		return errors.Join(err, bareRename(old, to))
	}
	// Where this fails the old tree is left over for the next build to remove.
	_ = bareRename(old, from)
	return nil
}

func bareRename(from, to string) error {
	var link *os.LinkError
	err := os.Rename(from, to)
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
