// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"context"
	"os"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
)

// Result is what Scan has read of one file. Package is set where its metadata
// could be read, also where Err is about its migrations.
type Result struct {
	File     string
	Package  *Package
	Snippets []Snippet
	Err      error

	id fileID // of a file that could be opened
}

// Empty says that a package announces migrations and holds none.
func (r Result) Empty() bool {
	return r.Err == nil && r.Package.Announces && len(r.Snippets) == 0
}

// Unannounced says that a package holds migrations and does not announce
// them. Only a thorough Scan can see that.
func (r Result) Unannounced() bool {
	return r.Err == nil && !r.Package.Announces && len(r.Snippets) > 0
}

// Scan reads the metadata of all files, and the migrations of those that
// announce some; with thorough those of all. The results are sorted by File
// and do not depend on workers or on timing; a fault of one package is in its
// Result and does not keep others from being read. A file with several paths,
// by links or hard links, is there once, by the path that sorts first. Source
// rpms are left out.
//
// The number of workers is at most MaxWorkers, and that of the processors
// where workers is not positive. Scan's own error is only that of ctx, which
// is looked at between packages.
func Scan(ctx context.Context, files []string, thorough bool, workers int) ([]Result, error) {
	results := make([]Result, len(files))
	order := readingOrder(files, thorough)
	// Payloads need the large windows, so fewer are open at a time.
	payloads := make(chan *Reader, maxOpenPayloads)
	for range maxOpenPayloads {
		payloads <- NewReader()
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workerCount(workers), len(files)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := NewReader()
			defer r.Close()
			// A shared counter keeps the order without a goroutine that feeds.
			for n := next.Add(1); int(n) <= len(order) && ctx.Err() == nil; n = next.Add(1) {
				i := order[n-1]
				results[i] = r.scan(files[i], thorough, payloads)
			}
		}()
	}
	wg.Wait()
	for range maxOpenPayloads {
		(<-payloads).Close()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return settle(results), nil
}

func workerCount(n int) int {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return min(n, MaxWorkers)
}

// readingOrder returns the order in which files are read. Where payloads are
// opened it is largest first: one that takes long must not be the last to
// start. Metadata takes the same time for all, so sizes are not asked for.
func readingOrder(files []string, thorough bool) []int {
	order := make([]int, len(files))
	for i := range order {
		order[i] = i
	}
	if !thorough {
		return order
	}
	sizes := make([]int64, len(files))
	for i, file := range files {
		// A file that cannot be looked at gets its error from the Reader.
		if info, err := os.Stat(file); err == nil {
			sizes[i] = info.Size()
		}
	}
	sort.SliceStable(order, func(i, k int) bool { return sizes[order[i]] > sizes[order[k]] })
	return order
}

func (r *Reader) scan(file string, thorough bool, payloads chan *Reader) Result {
	res := Result{File: file}
	pkg, err := r.ReadMetadata(file)
	res.id = r.src.id
	if err != nil {
		res.Err = err
		return res
	}
	res.Package = pkg
	if pkg.Arch != SourceArch && (pkg.Announces || thorough) {
		p := <-payloads
		res.Snippets, res.Err = p.ReadSnippets(pkg)
		payloads <- p
	}
	return res
}

// settle sorts, and drops source rpms and later paths of one file.
func settle(results []Result) []Result {
	sort.SliceStable(results, func(i, k int) bool { return results[i].File < results[k].File })
	seen := make(map[fileID]bool, len(results))
	kept := results[:0]
	for _, res := range results {
		again := seen[res.id] && res.id != fileID{}
		seen[res.id] = true
		if !again && (res.Package == nil || res.Package.Arch != SourceArch) {
			kept = append(kept, res)
		}
	}
	return kept
}
