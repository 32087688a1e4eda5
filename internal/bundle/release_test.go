// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"errors"
	"math/rand"
	"os/exec"
	"strings"
	"testing"
)

// The examples that the specification publishes, in the commit of June 2026:
// https://uapi-group.org/specifications/specs/version_format_specification/
func TestCompareReleasesPublished(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"11", "11", 0},
		{"systemd-123", "systemd-123", 0},
		{"bar-123", "foo-123", -1},
		{"123a", "123", 1},
		{"123.a", "123", 1},
		{"123.a", "123.b", -1},
		{"123a", "123.a", 1},
		{"11α", "11β", 0},
		{"B", "a", -1},
		{"", "0", -1},
		{"0.", "0", 1},
		{"0.0", "0", 1},
		{"0", "~", 1},
		{"", "~", 1},
		{"1_", "1", 0},
		{"_1", "1", 0},
		{"1_", "1.2", -1},
		{"1_2_3", "1.3.3", 1},
		{"1+", "1", 0},
		{"+1", "1", 0},
		{"1+", "1.2", -1},
		{"1+2+3", "1.3.3", 1},
	} {
		compares(t, c.a, c.b, c.want)
	}
	ascending(t, "122.1", "123~rc1-1", "123", "123-a", "123-a.1", "123-1", "123-1.1", "123^post1",
		"123.a-1", "123.1-1", "123a-1", "124-1")
}

// Orders as products write their releases, and the corners of the rules that
// the published examples leave out.
func TestCompareReleases(t *testing.T) {
	ascending(t, "2.9.0", "2.9.1~rc1", "2.9.1~rc2", "2.9.1", "2.9.1-1", "2.9.1^hotfix1", "2.9.1.1", "2.10", "10.0")
	ascending(t, "2024.04~dev", "2024.04", "2024.04.1", "2024.10", "2025.01")
	ascending(t, "~", "~a", "~1", "", "-", "^", ".", "A", "Z", "a", "aa", "b", "0", "1", "9", "10", "99999999999999999999", "100000000000000000000")
	for _, same := range [][2]string{
		{"007", "7"}, {"1.00", "1.0"}, {"v1+build_2", "v1_build+2"}, {"0", "00"}, {"", "+"}, {"", "_+_"},
		{"1/2", "1\x002"}, {"1.0", "1.0_"},
	} {
		compares(t, same[0], same[1], 0)
	}
}

func compares(t *testing.T, a, b string, want int) {
	t.Helper()
	if got := CompareReleases(a, b); got != want {
		t.Errorf("CompareReleases(%q, %q) = %d, want %d", a, b, got, want)
	}
	if got := CompareReleases(b, a); got != -want {
		t.Errorf("CompareReleases(%q, %q) = %d, want %d", b, a, got, -want)
	}
}

func ascending(t *testing.T, releases ...string) {
	t.Helper()
	for i := range releases {
		for j := range releases {
			compares(t, releases[i], releases[j], order(i, j))
		}
	}
}

// randomRelease is short and of few characters, so that prefixes are often
// equal and all the rules are met.
func randomRelease(random *rand.Rand) string {
	const alphabet = "0019aabB..--~~^^+_"
	s := make([]byte, random.Intn(7))
	for i := range s {
		s[i] = alphabet[random.Intn(len(alphabet))]
	}
	return string(s)
}

// A total preorder: else "the newest" would depend on who is asked first.
func TestCompareReleasesIsAnOrder(t *testing.T) {
	random := rand.New(rand.NewSource(2))
	for i := 0; i < 100000; i++ {
		isAnOrder(t, randomRelease(random), randomRelease(random), randomRelease(random))
	}
}

func isAnOrder(t *testing.T, a, b, c string) {
	t.Helper()
	ab, ba, bc, ac := CompareReleases(a, b), CompareReleases(b, a), CompareReleases(b, c), CompareReleases(a, c)
	if CompareReleases(a, a) != 0 || ab != -ba {
		t.Fatalf("not antisymmetric: %q, %q: %d, %d", a, b, ab, ba)
	}
	if ab <= 0 && bc <= 0 && (ac > 0 || ac == 0 && (ab < 0 || bc < 0)) {
		t.Fatalf("not transitive: %q %q %q: %d %d %d", a, b, c, ab, bc, ac)
	}
}

// systemd's program is the reference where it is installed. Versions before
// 252 put "~1" behind "".
func TestCompareReleasesIsSystemds(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("skipping: no systemd-analyze here")
	}
	reference := func(a, b string) int {
		// Its exit status: 0 equal, 11 a is newer, 12 b is newer.
		err := exec.Command(tool, "compare-versions", a, b).Run()
		var exit *exec.ExitError
		switch {
		case err == nil:
			return 0
		case errors.As(err, &exit) && exit.ExitCode() == 11:
			return 1
		case errors.As(err, &exit) && exit.ExitCode() == 12:
			return -1
		}
		t.Skip("skipping: systemd-analyze compare-versions: ", err)
		return 0
	}
	if reference("", "~1") != 1 {
		t.Skip("skipping: this systemd has an older order")
	}
	random := rand.New(rand.NewSource(3))
	for i := 0; i < 40; i++ {
		a, b := randomRelease(random), randomRelease(random)
		// A leading "-" would be read as an option.
		a, b = "1"+a, "1"+b
		if got, want := CompareReleases(a, b), reference(a, b); got != want {
			t.Errorf("CompareReleases(%q, %q) = %d, systemd says %d", a, b, got, want)
		}
	}
}

func TestCheckRelease(t *testing.T) {
	for _, good := range []string{"1", "a", "2.9.1~rc1-3^p+x_y", "~1", strings.Repeat("1", MaxRelease)} {
		if err := CheckRelease(good); err != nil {
			t.Errorf("CheckRelease(%q) = %v", good, err)
		}
	}
	for _, bad := range []string{"", ".", "~^+_-.", "1 2", "1:2", "1/2", "é", "1\n", "$(x)", strings.Repeat("1", MaxRelease+1)} {
		err := CheckRelease(bad)
		if err == nil {
			t.Errorf("CheckRelease(%q) = nil", bad)
		} else if hint(err) == "" {
			t.Errorf("CheckRelease(%q): no cure", bad)
		}
	}
}

// FuzzRelease: any three strings are ordered, and a separator before them makes
// no difference.
func FuzzRelease(f *testing.F) {
	f.Add("1.0", "1.0~rc1", "1.0^p")
	f.Add("", "~", "-")
	f.Add("1_2", "1+2", "1.2")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		isAnOrder(t, a, b, c)
		if CompareReleases("_"+a, a) != 0 || CompareReleases("+"+a, "_"+a) != 0 {
			t.Fatalf("separators before %q make a difference", a)
		}
		if CheckRelease(a) == nil && len(a) > MaxRelease {
			t.Fatalf("%q is too long", a)
		}
	})
}
