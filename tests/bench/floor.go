// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
)

// floorFlag makes this program do nothing but read the heads of packages.
const floorFlag = "-floor-of"

// floorSize is how much of each package the floor reads.
const floorSize = 64 << 10

// floor opens every file of dirs, asks for its size and reads its first 64 KiB,
// on all processors: what no reader of packages can do without.
func floor(dirs []string) error {
	var paths []string
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, runtime.GOMAXPROCS(0))
	for w := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			buf := make([]byte, floorSize)
			for n := next.Add(1); int(n) <= len(paths) && errs[w] == nil; n = next.Add(1) {
				errs[w] = readHead(paths[n-1], buf)
			}
		}()
	}
	wg.Wait()
	return errors.Join(errs...)
}

func readHead(path string, buf []byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Stat(); err != nil {
		return err
	}
	if _, err := f.ReadAt(buf, 0); err != nil && err != io.EOF {
		return err
	}
	return nil
}
