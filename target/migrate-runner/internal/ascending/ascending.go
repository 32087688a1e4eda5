// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package ascending sorts. The standard library's slices.Sort adds some 8 KB
// of code and tables to the runner for each type of element that it sorts;
// this one adds half a kilobyte, and takes up to twice the time.
package ascending

// Sort sorts list by "<", in place, in n log n steps whatever its order was.
// Equal elements cannot be told apart, so it need not be stable.
func Sort[T ~string | ~uint64](list []T) {
	// A heap: no element is below one of its children 2i+1 and 2i+2.
	for i := len(list)/2 - 1; i >= 0; i-- {
		sink(list, i)
	}
	for end := len(list) - 1; end > 0; end-- {
		list[0], list[end] = list[end], list[0]
		sink(list[:end], 0)
	}
}

// sink lets element i sink to where it belongs in an otherwise good heap.
func sink[T ~string | ~uint64](heap []T, i int) {
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && heap[child] < heap[child+1] {
			child++
		}
		if heap[i] >= heap[child] {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}
