// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"context"
	"errors"
	"os"
	"sync"
)

// manyFiles is from how many files on the whole file system is synced in one
// go. That waits for what other processes have written, too, which on a build
// host may be much; a thousand single files take longer still.
const manyFiles = 512

// errNoSyncfs says that this system cannot sync a whole file system, or does
// not say whether that went well.
var errNoSyncfs = errors.New("syncing a file system is not supported")

// sync makes the files of tree and the names in dirs durable. An error of the
// medium is reported, whichever way it goes.
func (s *stage) sync(ctx context.Context, tree []file, dirs []string) error {
	if len(tree) >= manyFiles {
		if err := syncFileSystem(s.lock); !errors.Is(err, errNoSyncfs) {
			return err
		}
	}
	return s.syncEach(ctx, tree, dirs)
}

// syncEach waits for the disk with several files at once, which a journal
// takes in one go.
func (s *stage) syncEach(ctx context.Context, tree []file, dirs []string) error {
	paths := append([]string(nil), dirs...)
	for _, f := range tree {
		paths = append(paths, f.path)
	}
	return sideBySide(len(paths), func(i int) error { return s.each(ctx, paths[i], syncPath) })
}

// sideBySide calls do for 0 to n-1, several at a time, and returns one of the
// errors; after an error it starts no more than are under way.
func sideBySide(n int, do func(i int) error) error {
	const workers = 8
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := 0; w < workers; w++ {
		wg.Add(1)
		go func(w int) {
			defer wg.Done()
			for i := w; i < n && errs[w] == nil; i += workers {
				errs[w] = do(i)
			}
		}(w)
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// syncPath makes a file's content, or a directory's names, durable.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
