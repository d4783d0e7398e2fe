package partnerkeys_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/apikey"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/partnerkeys"
)

var now = time.Date(2026, 3, 14, 15, 9, 26, 535, time.UTC)

const day = 24 * time.Hour

// parse reads a set of the text that another one writes.
func parse(t *testing.T, s *partnerkeys.Set) *partnerkeys.Set {
	t.Helper()
	text, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	read, err := partnerkeys.Parse(kongyaml.File{Name: "keys.yaml", Text: text})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return read
}

func TestRotate(t *testing.T) {
	t.Parallel()
	var s partnerkeys.Set
	globex, first := s.Issue("globex", now), s.Issue("acme", now.Add(time.Second))
	second, old, err := s.Rotate("acme", "", 30*day, now.Add(day))
	if err != nil {
		t.Fatal(err)
	}
	if old.ID != first.ID || second.Replaces != first.ID || !old.Ends.Equal(now.Add(31*day).Truncate(time.Second)) || !second.Ends.IsZero() {
		t.Errorf("rotated %+v into %+v", old, second)
	}
	if old.Ended(old.Ends.Add(-time.Second)) || !old.Ended(old.Ends) || second.Ended(now.Add(1000*day)) {
		t.Error("the overlap is over at another time")
	}
	third, old, err := s.Rotate("acme", second.ID[:8], time.Hour, now.Add(2*day))
	if err != nil || old.ID != second.ID {
		t.Fatalf("rotated %v, error %v", old, err)
	}
	// By consumer, the oldest first; what is written is what is read.
	want := []string{first.ID, second.ID, third.ID, globex.ID}
	for _, set := range []*partnerkeys.Set{&s, parse(t, &s)} {
		var got []string
		for _, k := range set.All() {
			got = append(got, k.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want (-), got (+):\n%s", diff)
		}
	}
	if diff := cmp.Diff(s.All(), parse(t, &s).All()); diff != "" {
		t.Errorf("written (-), read (+):\n%s", diff)
	}
	s.Drop(first, globex)
	if left := s.All(); len(left) != 2 || left[0].ID != second.ID || len(s.Of("globex")) != 0 {
		t.Errorf("left %v", left)
	}
	if empty := parse(t, &partnerkeys.Set{}).All(); len(empty) != 0 {
		t.Errorf("of nothing, %v was read", empty)
	}
}

// A key is named in messages, and not shown.
func TestNothingShowsKeys(t *testing.T) {
	t.Parallel()
	var s partnerkeys.Set
	k := s.Issue("acme", now)
	if !apikey.Valid(k.Text) {
		t.Errorf("%s is no key", k.Text)
	}
	secret := k.Text[:len(k.Text)-4]
	if text := k.String(); strings.Contains(text, secret) || !strings.Contains(text, k.ID) || !strings.HasSuffix(text, "…"+k.Text[len(k.Text)-4:]+") of acme") {
		t.Error(text)
	}
	if _, err := s.Find(k.Text); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("a key in place of its id: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	var s partnerkeys.Set
	one, two, other := s.Issue("acme", now), s.Issue("acme", now), s.Issue("globex", now)
	replaced := s.Issue("initech", now)
	if _, _, err := s.Rotate("initech", "", time.Hour, now); err != nil {
		t.Fatal(err)
	}
	rotate := func(consumer, id string, overlap time.Duration) error {
		_, _, err := s.Rotate(consumer, id, overlap, now)
		return err
	}
	find := func(id string) error { _, err := s.Find(id); return err }
	before := s.All()
	for name, tt := range map[string]struct {
		err   error
		wants []string
	}{
		"no overlap":          {rotate("globex", "", 0), []string{"overlap 0s", "such as 30d", "revoke ends a key at once"}},
		"for ever":            {rotate("globex", "", 400*day), []string{"overlap 9600h0m0s", "366d"}},
		"no key":              {rotate("umbrella", "", day), []string{"umbrella has no key", "issue one"}},
		"two keys":            {rotate("acme", "", day), []string{"acme has 2 keys", "-key", one.ID, two.ID}},
		"somebody else's key": {rotate("acme", other.ID, day), []string{other.ID, "of globex", "not one of acme"}},
		"replaced before":     {rotate("initech", replaced.ID, day), []string{replaced.ID, "was replaced before"}},
		"unknown key":         {rotate("acme", "ffffffff-none", day), []string{`"ffffffff-none"`, "list shows the ids"}},
		"short id":            {find("abc"), []string{`"abc"`, "4 characters"}},
		"no id":               {find(""), []string{"4 characters"}},
	} {
		for _, want := range tt.wants {
			if tt.err == nil || !strings.Contains(tt.err.Error(), want) {
				t.Errorf("%s: error %v, want %q", name, tt.err, want)
			}
		}
	}
	if diff := cmp.Diff(before, s.All()); diff != "" {
		t.Errorf("a refusal changed something:\n%s", diff)
	}
}

// An id that fits several keys names none.
func TestAmbiguousID(t *testing.T) {
	t.Parallel()
	var s partnerkeys.Set
	seen := map[string]partnerkeys.Key{}
	for {
		k := s.Issue("acme", now)
		twin, again := seen[k.ID[:4]]
		if !again {
			seen[k.ID[:4]] = k
			continue
		}
		_, err := s.Find(k.ID[:4])
		if err == nil || !strings.Contains(err.Error(), "may be 2 keys") || !strings.Contains(err.Error(), k.ID) || !strings.Contains(err.Error(), twin.ID) {
			t.Errorf("error %v", err)
		}
		if found, err := s.Find(strings.ToUpper(k.ID)); err != nil || found.ID != k.ID {
			t.Errorf("found %v, error %v", found, err)
		}
		return
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"30d": 30 * day, "0d": 0, "12h30m": 12*time.Hour + 30*time.Minute, "1s": time.Second} {
		if got, err := partnerkeys.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, error %v", text, got, err)
		}
	}
	for _, text := range []string{"", "30", "-1h", "-1d", "1.5d", "99999999d", "soon", "d"} {
		if got, err := partnerkeys.ParseDuration(text); err == nil || !strings.Contains(err.Error(), "30d") {
			t.Errorf("%q: %v, error %v", text, got, err)
		}
	}
	for want, d := range map[string]time.Duration{"0s": 0, "59s": 59*time.Second + 999, "2m": 2*time.Minute + 59*time.Second, "23h": day - 1, "1d": day, "400d": 400 * day} {
		if got := partnerkeys.Short(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}
