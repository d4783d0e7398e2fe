package cursor_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/bff/cursor"
)

var (
	now   = time.Date(2026, time.September, 28, 16, 40, 0, 0, time.UTC)
	key   = bytes.Repeat([]byte{1}, 32)
	other = bytes.Repeat([]byte{2}, 32)
	scope = cursor.Scope{"orders", "acme"}
)

func newSealer(t testing.TB, first []byte, more ...[]byte) *cursor.Sealer {
	t.Helper()
	s, err := cursor.New(first, more...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpen(t *testing.T) {
	t.Parallel()
	sealed := newSealer(t, key).Seal(scope, "a:acme-1021", now)
	for name, tc := range map[string]struct {
		keys   *cursor.Sealer
		scope  cursor.Scope
		cursor string
		after  time.Duration
		want   error
	}{
		"at once":               {newSealer(t, key), scope, sealed, 0, nil},
		"at the end":            {newSealer(t, key), scope, sealed, cursor.Life, nil},
		"too late":              {newSealer(t, key), scope, sealed, cursor.Life + time.Second, cursor.ErrExpired},
		"by a slower clock":     {newSealer(t, key), scope, sealed, -time.Minute, nil},
		"behind a newer key":    {newSealer(t, other, key), scope, sealed, 0, nil},
		"before a newer key":    {newSealer(t, key, other), scope, sealed, 0, nil},
		"key taken out":         {newSealer(t, other), scope, sealed, 0, cursor.ErrForged},
		"another tenant":        {newSealer(t, key), cursor.Scope{"orders", "globex"}, sealed, 0, cursor.ErrForged},
		"another list":          {newSealer(t, key), cursor.Scope{"invoices", "acme"}, sealed, 0, cursor.ErrForged},
		"another filter":        {newSealer(t, key), cursor.Scope{"orders", "acme", "status=paid"}, sealed, 0, cursor.ErrForged},
		"scope cut elsewhere":   {newSealer(t, key), cursor.Scope{"ordersa", "cme"}, sealed, 0, cursor.ErrForged},
		"the service's own":     {newSealer(t, key), scope, base64.RawURLEncoding.EncodeToString([]byte("a:acme-1021")), 0, cursor.ErrForged},
		"empty":                 {newSealer(t, key), scope, "", 0, cursor.ErrForged},
		"cut off":               {newSealer(t, key), scope, sealed[:len(sealed)-4], 0, cursor.ErrForged},
		"with padding":          {newSealer(t, key), scope, sealed + "=", 0, cursor.ErrForged},
		"with a line break":     {newSealer(t, key), scope, sealed[:4] + "\n" + sealed[4:], 0, cursor.ErrForged},
		"with something behind": {newSealer(t, key), scope, sealed + "AAAA", 0, cursor.ErrForged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.keys.Open(tc.scope, tc.cursor, now.Add(tc.after))
			if !errors.Is(err, tc.want) || (err == nil) != (got == "a:acme-1021") {
				t.Errorf("%q, %v; want %v", got, err, tc.want)
			}
		})
	}
}

func TestEveryBitCounts(t *testing.T) {
	t.Parallel()
	s := newSealer(t, key)
	sealed, err := base64.RawURLEncoding.DecodeString(s.Seal(scope, "a:acme-1021", now))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 * len(sealed) {
		changed := bytes.Clone(sealed)
		changed[i/8] ^= 1 << (i % 8)
		if text, err := s.Open(scope, base64.RawURLEncoding.EncodeToString(changed), now); !errors.Is(err, cursor.ErrForged) {
			t.Errorf("with bit %d changed: %q, %v", i, text, err)
		}
	}
}

func TestSealHidesItsText(t *testing.T) {
	t.Parallel()
	s := newSealer(t, key)
	a, b := s.Seal(scope, "a:acme-1021", now), s.Seal(scope, "a:acme-1021", now)
	if a == b {
		t.Error("the same cursor twice: whoever sees two can tell that they are of the same place")
	}
	if raw, _ := base64.RawURLEncoding.DecodeString(a); bytes.Contains(raw, []byte("acme")) {
		t.Errorf("%q holds its text", raw)
	}
	if len(s.Seal(scope, strings.Repeat("a", 256), now)) > 512 {
		t.Error("a service's longest cursor does not fit the contract, sealed")
	}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	first, second := base64.StdEncoding.EncodeToString(key), base64.StdEncoding.EncodeToString(other)
	keys, err := cursor.ParseKeys(first + ", " + second)
	if err != nil || len(keys) != 2 {
		t.Fatal(keys, err)
	}
	s := newSealer(t, keys[0], keys[1])
	if _, err := newSealer(t, key).Open(scope, s.Seal(scope, "x", now), now); err != nil {
		t.Errorf("the first key does not seal: %v", err)
	}
	if _, err := s.Open(scope, newSealer(t, other).Seal(scope, "x", now), now); err != nil {
		t.Errorf("the second key does not open: %v", err)
	}
	for _, bad := range []string{"", ",", first + ",", "secret", first[:40], base64.StdEncoding.EncodeToString([]byte("short"))} {
		if _, err := cursor.ParseKeys(bad); err == nil || !strings.Contains(err.Error(), "openssl rand -base64 32") {
			t.Errorf("%q: %v, want an error that says how to make a key", bad, err)
		}
		if _, err := cursor.ParseKeys(bad); bad != "" && bad != "," && strings.Contains(err.Error(), bad) {
			t.Errorf("the error for %q has the key in it", bad)
		}
	}
}

func TestRandom(t *testing.T) {
	t.Parallel()
	one, err := cursor.Random()
	if err != nil {
		t.Fatal(err)
	}
	another, err := cursor.Random()
	if err != nil {
		t.Fatal(err)
	}
	sealed := one.Seal(scope, "x", now)
	if _, err := one.Open(scope, sealed, now); err != nil {
		t.Error(err)
	}
	if _, err := another.Open(scope, sealed, now); !errors.Is(err, cursor.ErrForged) {
		t.Errorf("another one's cursor: %v", err)
	}
}

// FuzzOpen: what was not sealed is not opened, and nothing panics.
func FuzzOpen(f *testing.F) {
	s := newSealer(f, key)
	for _, seed := range []string{"", "YTphY21lLTEwMzU", s.Seal(cursor.Scope{"orders", "globex"}, "a:globex-1021", now), strings.Repeat("A", 600)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := s.Open(scope, text, now); err == nil {
			t.Errorf("%q opened to %q", text, got)
		}
	})
}

// FuzzSeal: what was sealed is opened, in its scope and in no other.
func FuzzSeal(f *testing.F) {
	f.Add("a:acme-1021", "orders", "acme")
	f.Add("", "", "")
	s := newSealer(f, key)
	f.Fuzz(func(t *testing.T, text, list, tenant string) {
		sealed := s.Seal(cursor.Scope{list, tenant}, text, now)
		if got, err := s.Open(cursor.Scope{list, tenant}, sealed, now); err != nil || got != text {
			t.Errorf("%q, %v; want %q", got, err, text)
		}
		if _, err := s.Open(cursor.Scope{list + tenant}, sealed, now); err == nil {
			t.Error("opened in another scope")
		}
	})
}
