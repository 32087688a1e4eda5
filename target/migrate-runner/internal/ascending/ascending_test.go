// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ascending

import (
	"math/rand"
	"slices"
	"strconv"
	"testing"
)

// Every length up to 300 and some large ones, in random, sorted and reverse
// order, with few and with many equal elements, against the standard library.
func TestSortAsTheStandardLibrary(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	lengths := []int{1000, 4096, 10000}
	for n := 0; n <= 300; n++ {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		for _, kinds := range []int{1, 3, 1 << 20} {
			numbers := make([]uint64, n)
			for i := range numbers {
				numbers[i] = uint64(random.Intn(kinds))
			}
			compare(t, numbers)
			slices.Sort(numbers)
			compare(t, numbers)
			slices.Reverse(numbers)
			compare(t, numbers)
		}
	}
}

func compare(t *testing.T, numbers []uint64) {
	t.Helper()
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = strconv.FormatUint(n, 10)
	}
	wantNumbers, wantTexts := slices.Clone(numbers), slices.Clone(texts)
	slices.Sort(wantNumbers)
	slices.Sort(wantTexts)
	gotNumbers := slices.Clone(numbers)
	Sort(gotNumbers)
	Sort(texts)
	if !slices.Equal(gotNumbers, wantNumbers) || !slices.Equal(texts, wantTexts) {
		t.Fatalf("%d elements are not sorted: %v gives %v", len(numbers), numbers, gotNumbers)
	}
}

func BenchmarkSort10000(b *testing.B) {
	random := rand.New(rand.NewSource(1))
	list := make([]string, 10000)
	for i := range list {
		list[i] = "recipe-" + strconv.Itoa(random.Intn(1<<20)) + ":name"
	}
	for _, by := range []struct {
		name string
		sort func([]string)
	}{{"Sort", Sort[string]}, {"slices.Sort", slices.Sort[[]string]}} {
		b.Run(by.name, func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				by.sort(slices.Clone(list))
			}
		})
	}
}
