package issuers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	web    = Issuer{Consumer: "web-app", ISS: "https://id.example.com/web", Overlap: time.Hour}
	mobile = Issuer{Consumer: "mobile-app", ISS: "https://id.example.com/mobile", Overlap: time.Hour}
	start  = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
)

func key(kid string) Key { return Key{KID: kid, Algorithm: "RS256", PEM: "the key " + kid + "\n"} }

// left is a key that was first missed so long after start.
func left(kid string, after time.Duration) Key {
	k := key(kid)
	k.Left = start.Add(after)
	return k
}

func has(keys ...Key) Reading { return Reading{Keys: keys} }

var gone = Reading{Err: errors.New("it is gone; look")}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		before State
		read   []Reading
		taken  map[string]string
		after  time.Duration
		want   State
		lines  string // with a | between
	}{
		{name: "first", read: []Reading{has(key("a")), has(key("m"))},
			want: State{"web-app": {key("a")}, "mobile-app": {key("m")}}},
		{name: "a new key beside", before: State{"web-app": {key("a")}}, read: []Reading{has(key("a"), key("b")), has()},
			want: State{"web-app": {key("a"), key("b")}, "mobile-app": nil}},
		{name: "an old key leaves", before: State{"web-app": {key("a"), key("b")}}, read: []Reading{has(key("b")), has()},
			want: State{"web-app": {key("b"), left("a", 0)}, "mobile-app": nil}},
		{name: "its overlap is not over", before: State{"web-app": {key("b"), left("a", 0)}}, read: []Reading{has(key("b")), has()}, after: time.Hour - 1,
			want: State{"web-app": {key("b"), left("a", 0)}, "mobile-app": nil}},
		{name: "its overlap is over", before: State{"web-app": {key("b"), left("a", 0)}}, read: []Reading{has(key("b")), has()}, after: time.Hour,
			want: State{"web-app": {key("b")}, "mobile-app": nil}},
		{name: "its overlap is over while the issuer is gone", before: State{"web-app": {key("b"), left("a", 0)}}, read: []Reading{gone, has()}, after: time.Hour,
			want:  State{"web-app": {key("b")}, "mobile-app": nil},
			lines: "issuer https://id.example.com/web: it is gone; look; meanwhile its last good keys stay: 2"},
		{name: "it comes back", before: State{"web-app": {left("a", 0)}}, read: []Reading{has(key("a")), has()}, after: time.Minute,
			want: State{"web-app": {key("a")}, "mobile-app": nil}},
		{name: "gone for long", before: State{"web-app": {key("a")}, "mobile-app": {key("m")}}, read: []Reading{gone, has(key("m"))}, after: 1000 * time.Hour,
			want:  State{"web-app": {key("a")}, "mobile-app": {key("m")}},
			lines: "issuer https://id.example.com/web: it is gone; look; meanwhile its last good keys stay: 1"},
		{name: "another key of that kid", before: State{"web-app": {{KID: "a", Algorithm: "ES256", PEM: "old"}}}, read: []Reading{has(key("a")), has()},
			want: State{"web-app": {key("a")}, "mobile-app": nil}},
		{name: "a refused key", read: []Reading{{Keys: []Key{key("a")}, Refused: []error{errors.New("key \"b\" is not taken:\nit is weak")}}, has()},
			want: State{"web-app": {key("a")}, "mobile-app": nil}, lines: `issuer https://id.example.com/web: key "b" is not taken: it is weak`},
		{name: "a kid that two have", read: []Reading{has(key("a"), key("both")), has(key("both"))},
			want: State{"web-app": {key("a")}, "mobile-app": {}},
			lines: `issuer https://id.example.com/web: key "both" is not taken: https://id.example.com/mobile has a key of that kid, and Kong finds one by it; have one of them name it otherwise|` +
				`issuer https://id.example.com/mobile: key "both" is not taken: https://id.example.com/web has a key of that kid, and Kong finds one by it; have one of them name it otherwise`},
		{name: "a kid that one had", before: State{"web-app": {key("both")}}, read: []Reading{has(key("both")), has(key("m"), key("both"))},
			want:  State{"web-app": {key("both")}, "mobile-app": {key("m")}},
			lines: `issuer https://id.example.com/mobile: key "both" is not taken: https://id.example.com/web has a key of that kid, and Kong finds one by it; have one of them name it otherwise`},
		{name: "a kid that one has still", before: State{"web-app": {left("both", 0)}}, read: []Reading{gone, has(key("both"))}, after: time.Minute,
			want: State{"web-app": {left("both", 0)}, "mobile-app": {}},
			lines: "issuer https://id.example.com/web: it is gone; look; meanwhile its last good keys stay: 1|" +
				`issuer https://id.example.com/mobile: key "both" is not taken: https://id.example.com/web has a key of that kid, and Kong finds one by it; have one of them name it otherwise`},
		{name: "a kid of kong.yaml's", before: State{"web-app": {key("a")}}, read: []Reading{has(key("a"), key("b")), has()}, taken: map[string]string{"a": "consumer batch in kong.yaml"},
			want:  State{"web-app": {key("b")}, "mobile-app": nil},
			lines: `issuer https://id.example.com/web: key "a" is not taken: consumer batch in kong.yaml has a key of that kid, and Kong finds one by it; have one of them name it otherwise`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, lines := Next(Round{Issuers: []Issuer{web, mobile}, Before: tt.before, Read: tt.read, Taken: tt.taken, Now: start.Add(tt.after)})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.lines, strings.Join(lines, "|")); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRounds: whatever issuers do, round after round and with a restart between any two,
// no kid is there twice, no key goes before its overlap is over unless another took its
// kid, and none stays after.
func TestRounds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 0))
		state, now := State{}, start
		seen := map[string]time.Time{} // when a consumer's key was last published
		for range 40 {
			now = now.Add(time.Duration(r.IntN(40)) * time.Minute)
			round := Round{Issuers: []Issuer{web, mobile}, Before: state, Now: now}
			for n := range round.Issuers {
				read := gone
				if r.IntN(4) > 0 {
					read = Reading{}
					for k := range 4 {
						if r.IntN(2) == 0 {
							read.Keys = append(read.Keys, key(fmt.Sprintf("%d-%d", n, k)))
						}
					}
					if r.IntN(5) == 0 {
						read.Keys = append(read.Keys, key("both"))
					}
				}
				round.Read = append(round.Read, read)
			}
			after, _ := Next(round)
			checkRound(t, seed, round, after, seen)
			if state = after; r.IntN(2) == 0 {
				state = restarted(t, after, round.Issuers)
			}
		}
	}
}

func checkRound(t *testing.T, seed uint64, round Round, after State, seen map[string]time.Time) {
	t.Helper()
	kids := map[string]bool{}
	for n, issuer := range round.Issuers {
		for _, k := range after[issuer.Consumer] {
			if kids[k.KID] {
				t.Fatalf("seed %d: kid %s is there twice", seed, k.KID)
			}
			kids[k.KID] = true
			if !k.Left.IsZero() && round.Now.Sub(k.Left) >= issuer.Overlap {
				t.Fatalf("seed %d: key %s stays, which left at %v, at %v", seed, k.KID, k.Left, round.Now)
			}
		}
		for _, k := range round.Read[n].Keys {
			seen[issuer.Consumer+k.KID] = round.Now
			if k.KID != "both" && !slices.Contains(after[issuer.Consumer], k) {
				t.Fatalf("seed %d: key %s is published and not there", seed, k.KID)
			}
		}
		for _, k := range round.Before[issuer.Consumer] {
			if round.Now.Sub(seen[issuer.Consumer+k.KID]) < issuer.Overlap && !kids[k.KID] {
				t.Fatalf("seed %d: key %s is gone %v after it was published", seed, k.KID, round.Now.Sub(seen[issuer.Consumer+k.KID]))
			}
		}
	}
}

// restarted is a state after it was written and read again.
func restarted(t *testing.T, s State, issuers []Issuer) State {
	t.Helper()
	text, err := s.Overlay(issuers)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadState(text, issuers)
	if err != nil {
		t.Fatal(err)
	}
	if rewritten, err := again.Overlay(issuers); err != nil || string(rewritten) != string(text) {
		t.Fatalf("read and written again, the overlay is another (%v):\n%s\n%s", err, text, rewritten)
	}
	return again
}
