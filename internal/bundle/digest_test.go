// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	stdsha "crypto/sha256"
	"encoding/hex"
	"math/rand"
	"strings"
	"testing"
)

func wantSum(data []byte) Digest {
	sum := stdsha.Sum256(data)
	return Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// The lengths around a block's end decide the padding, so all of them are
// compared with the standard library's; so are some long ones.
func TestSum(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	data := make([]byte, 1<<20)
	random.Read(data)
	for n := 0; n <= 300; n++ {
		if got, want := Sum(data[:n]), wantSum(data[:n]); got != want {
			t.Fatalf("Sum of %d bytes = %s, want %s", n, got, want)
		}
	}
	for i := 0; i < 40; i++ {
		from := random.Intn(len(data))
		part := data[from : from+random.Intn(len(data)-from+1)]
		if got, want := Sum(part), wantSum(part); got != want {
			t.Fatalf("Sum of %d bytes from %d = %s, want %s", len(part), from, got, want)
		}
	}
	if got, want := Sum(data), wantSum(data); got != want {
		t.Fatalf("Sum of 1 MiB = %s, want %s", got, want)
	}
}

// FIPS 180-4's own examples, so that the test does not rest on one other
// implementation alone.
func TestSumPublished(t *testing.T) {
	for in, want := range map[string]string{
		"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
		"": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	} {
		if got := Sum([]byte(in)); got.Hex() != want {
			t.Errorf("Sum(%q) = %s, want %s", in, got.Hex(), want)
		}
	}
}

func TestCheckDigest(t *testing.T) {
	good := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	if err := CheckDigest(good); err != nil {
		t.Errorf("CheckDigest(%q) = %v", good, err)
	}
	for _, bad := range []string{
		"", "sha256:", good[7:], good[:70], good + "0", strings.ToUpper(good), "SHA256:" + good[7:],
		"sha512:" + good[7:], "sha256:" + good, good[:30] + "g" + good[31:], good[:30] + "A" + good[31:],
		good[:70] + "\n", " " + good[:70], "sha256:" + strings.Repeat("0", 63) + "é",
	} {
		err := CheckDigest(bad)
		if err == nil {
			t.Errorf("CheckDigest(%q) = nil", bad)
		} else if hint(err) == "" {
			t.Errorf("CheckDigest(%q): no cure", bad)
		}
	}
}

func BenchmarkSum(b *testing.B) {
	data := make([]byte, 64<<10)
	b.SetBytes(int64(len(data)))
	for i := 0; i < b.N; i++ {
		Sum(data)
	}
}
