package apikey

import (
	"bytes"
	"hash/crc32"
	"math/big"
	"strings"
	"testing"
)

func TestForm(t *testing.T) {
	t.Parallel()
	var least, most, one [32]byte
	for i := range most {
		most[i] = 0xff
	}
	one[31] = 1
	// The checksums are those of zlib's crc32, in base 62.
	for want, secret := range map[string]*[32]byte{
		"gatehouse_0000000000000000000000000000000000000000000" + base62(t, "gatehouse_0000000000000000000000000000000000000000000"): &least,
		"gatehouse_0000000000000000000000000000000000000000001" + base62(t, "gatehouse_0000000000000000000000000000000000000000001"): &one,
		"gatehouse_" + largest() + base62(t, "gatehouse_"+largest()):                                                                 &most,
	} {
		if got := of(secret); got != want {
			t.Errorf("made %s, want %s", got, want)
		}
	}
}

// base62 is the checksum of a text by another way than the package's own.
func base62(t *testing.T, text string) string {
	t.Helper()
	sum := new(big.Int).SetUint64(uint64(crc32.Checksum([]byte(text), crc32.MakeTable(0xedb88320)))).Text(62)
	return swapped(strings.Repeat("0", checksumLength-len(sum)) + sum)
}

// largest is 2^256-1.
func largest() string {
	n := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	return swapped(n.Text(62))
}

// swapped turns the digits of math/big, which has lower case before upper, into ours.
func swapped(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return r
	}, text)
}

func TestNewKeys(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for range 1000 {
		key := New()
		if !Valid(key) || known[key] {
			t.Fatalf("%s is no key, or was made before", key)
		}
		known[key] = true
	}
}

// A key is found wherever it stands, and is none with any one byte changed.
func TestIndex(t *testing.T) {
	t.Parallel()
	key := New()
	for name, around := range map[string]struct{ before, after string }{
		"alone":                     {"", ""},
		"in a path":                 {"/partner/", "/orders"},
		"glued":                     {"x", "y"},
		"behind a prefix":           {Prefix, ""},
		"behind what is like one":   {Prefix + strings.Repeat("0", Length), ""},
		"behind half a key":         {key[:Length/2], ""},
		"before the prefix":         {"", Prefix},
		"behind bytes of no script": {"\xff\x00", "\x80"},
	} {
		text := []byte(around.before + key + around.after)
		if got := Index(text); got != len(around.before) {
			t.Errorf("%s: found at %d, want %d", name, got, len(around.before))
		}
	}
	for i := range Length {
		changed := []byte(key)
		if changed[i] ^= 1; Valid(string(changed)) || Index(changed) >= 0 {
			t.Errorf("%s is a key, with byte %d changed", changed, i)
		}
	}
	for _, text := range []string{"", Prefix, key[:Length-1], key[1:], key + "0"} {
		if Valid(text) {
			t.Errorf("%q is a key", text)
		}
	}
}

// What is left of a key is found: one with its end cut off, one that was mistyped, one in
// two parts. A name is none.
func TestFind(t *testing.T) {
	t.Parallel()
	const key = "gatehouse_PlantedForTheTests00000000000000000000000001QjvcL"
	const other = "gatehouse_l92nKq0ZrT7bXw4VdYcE1mAfH8sJpU3gO6iLk5tQyR2vBxNzA"
	for _, tt := range []struct{ word, want string }{
		{key, key},
		{"x_" + key + "-y", key},
		{Prefix + key, key},
		{key[:Length-1], key[:Length-1]},
		{other[:Least], other[:Least]},
		{other, other}, // without a good checksum
		{"x-" + other[:30] + "_" + other[31:], other[:30] + "_" + other[31:]},
		{other[:14] + "-" + other[15:], other[:14] + "-" + other[15:]},
		{other[:40] + key, other[:40]},
		{other[:Least-1], ""},
		{Prefix, ""},
		{"gatehouse_tenant_rate_limit_decisions_total", ""},
		{"gatehouse_internationalisation", ""},
		{"gatehouse_TENANTRATELIMITDECISIONS", ""},
		{"gatehouse_TenantRateLimiterConfiguration", ""},
		{key[:Least], ""}, // its digits happen to be words
		{"gatehouse_20260314150926535897", ""},
		{"gatehouse_backup20260314150926", ""},
		{"gatehouse_d41d8cd98f00b204e9800998ecf8427e", ""},
		{"gatehouse_01ARZ3NDEKTSV4RRFFQ69G5FAV", ""},
		{"gatehouse_f81d4fae-7dec-11d0-a765-00a0c91e6bf6", ""},
		{"gatehouse_cut_http_user_agent-" + other[len(Prefix):][:15], ""},
	} {
		start, end := Find([]byte(tt.word))
		if got := tt.word[start:end]; got != tt.want {
			t.Errorf("%s: found %q, want %q", tt.word, got, tt.want)
		}
	}
	missed := 0
	for range 10_000 {
		if _, end := Find([]byte(New()[:Least])); end == 0 {
			missed++
		}
	}
	if missed > 50 {
		t.Errorf("of 10000 keys, the beginnings of %d are taken for names", missed)
	}
}

func TestIndexAllocatesNothing(t *testing.T) {
	text := []byte(strings.Repeat(Prefix, 8) + New())
	if n := testing.AllocsPerRun(100, func() { Index(text); Find(text) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	key := New()
	if got, want := Hint(key), Prefix+"…"+key[Length-4:]; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// FuzzIndex: what is found is a key by its own checksum, and the first one.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("a "+New()+" b"), "")
	f.Add([]byte(Prefix), Prefix)
	f.Fuzz(func(t *testing.T, before []byte, after string) {
		at := Index(before)
		if at >= 0 && !Valid(string(before[at:at+Length])) {
			t.Fatalf("%q is no key", before[at:at+Length])
		}
		if at < 0 && len(before) < Length { // too short for a key that ends in ours
			key := New()
			text := append(bytes.Clone(before), key+after...)
			if got := Index(text); got < 0 || got > len(before) {
				t.Fatalf("found at %d in %q", got, text)
			}
		}
	})
}

// FuzzFind: what is found is in the word, begins with the prefix and is long enough, and
// a whole key is always in it.
func FuzzFind(f *testing.F) {
	f.Add([]byte("a-"+New()), true)
	f.Add([]byte(Prefix+Prefix+New()[:40]), false)
	f.Fuzz(func(t *testing.T, word []byte, planted bool) {
		if planted {
			word = append(word, New()...)
		}
		start, end := Find(word)
		if end != 0 && (start < 0 || end > len(word) || end-start < Least || !bytes.HasPrefix(word[start:], []byte(Prefix))) {
			t.Fatalf("found %d to %d in %q", start, end, word)
		}
		if planted && end == 0 {
			t.Fatalf("nothing found in %q", word)
		}
	})
}
