package scrub

import (
	stdcmp "cmp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var otherKey = []byte(strings.Repeat("o", MinKeyBytes))

// TestStrictest wants of each part of a policy what takes the most out of a text.
func TestStrictest(t *testing.T) {
	t.Parallel()
	customer := Pattern{Name: "customer", Regexp: `C-\d+`}
	hashed := Policy{Actions: map[Kind]Action{Email: Pseudonym}, PseudonymKey: testKey, PseudonymKeyID: "k1"}
	rehashed := Policy{Actions: map[Kind]Action{Email: Pseudonym}, PseudonymKey: otherKey, PseudonymKeyID: "k2"}
	act := func(k Kind, a Action) Policy { return Policy{Actions: map[Kind]Action{k: a}} }
	tests := []struct {
		name     string
		policies []Policy
		want     Policy // an action that is absent is the kind's default
	}{
		{"none", nil, Policy{}},
		{"one", []Policy{{Fields: []string{"ref"}, NeverFields: []string{"build"}, MaxBytes: 99}}, Policy{Fields: []string{"ref"}, NeverFields: []string{"build"}, MaxBytes: 99, MaxDepth: DefaultMaxDepth}},
		{"fields of both", []Policy{{Fields: []string{"a1", "b1"}}, {Fields: []string{"b1", "c1"}}}, Policy{Fields: []string{"a1", "b1", "c1"}}},
		{"templates of both", []Policy{{PathTemplates: []string{"/{a}"}}, {PathTemplates: []string{"/{b}", "/{a}"}}}, Policy{PathTemplates: []string{"/{a}", "/{b}"}}},
		{"patterns of both, each once", []Policy{{Patterns: []Pattern{customer}}, {Patterns: []Pattern{customer, {Name: "x", Regexp: "x"}}}}, Policy{Patterns: []Pattern{customer, {Name: "x", Regexp: "x"}}}},
		{"never fields of all", []Policy{{NeverFields: []string{"Order-Ref", "build"}}, {NeverFields: []string{"order_ref"}}}, Policy{NeverFields: []string{"Order-Ref"}}},
		{"never fields of one", []Policy{{NeverFields: []string{"build"}}, {}}, Policy{}},
		{"never fields of the other", []Policy{{}, {NeverFields: []string{"build"}}}, Policy{}},
		{"smallest bounds", []Policy{{MaxBytes: 500, MaxDepth: 9}, {MaxBytes: 400}, {}}, Policy{MaxBytes: 400, MaxDepth: DefaultMaxDepth}},
		{"keep and default", []Policy{act(Email, Keep), {}}, Policy{}},
		{"drop and keep", []Policy{act(Email, Drop), act(Email, Keep)}, act(Email, Drop)},
		{"all keep", []Policy{act(Email, Keep), act(Email, Keep)}, act(Email, Keep)},
		{"card redacted and kept in part", []Policy{act(Card, Redact), {}}, act(Card, Redact)},
		{"different parts of an address", []Policy{act(IP, KeepLast4), act(IP, Truncate)}, act(IP, Redact)},
		{"pseudonym and redact", []Policy{hashed, {}}, Policy{PseudonymKey: testKey, PseudonymKeyID: "k1"}},
		{"pseudonyms under one key", []Policy{hashed, hashed}, hashed},
		{"pseudonyms under two keys", []Policy{hashed, rehashed}, Policy{}},
		{"key of another", []Policy{hashed, {Actions: hashed.Actions, PseudonymKey: testKey, PseudonymKeyID: "k2"}}, Policy{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Strictest(tt.policies...)
			want := tt.want
			if len(tt.policies) > 0 {
				want.MaxBytes, want.MaxDepth = stdcmp.Or(want.MaxBytes, DefaultMaxBytes), stdcmp.Or(want.MaxDepth, DefaultMaxDepth)
			}
			if diff := cmp.Diff(effective(want.Actions), effective(got.Actions)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			got.Actions, want.Actions = nil, nil
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStrictestEngine: what one policy takes out, the strictest does.
func TestStrictestEngine(t *testing.T) {
	t.Parallel()
	policies := []Policy{
		{PathTemplates: []string{"/users/{name}/orders/*"}, NeverFields: []string{"customer_ref"}, Actions: map[Kind]Action{Email: Keep}},
		{PathTemplates: []string{"/users/*/orders/{id}/**"}, Fields: []string{"customer_ref"}},
		{Patterns: []Pattern{{Name: "customer", Regexp: `\bC-\d+\b`}}},
	}
	for i := range 70 { // past what one policy may have
		policies = append(policies, Policy{Patterns: []Pattern{{Name: "n", Regexp: strings.Repeat("q", i+1) + "1"}}})
	}
	e, err := NewStrictest(policies...)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := e.URL(nil, []byte("/users/ada/orders/4711?customer_ref=abc&by=a@b.io&c=C-77&d=qq1"))
	if got, want := string(out), "/users/[field]/orders/[field]?customer_ref=[field]&by=[email]&c=[custom]&d=[custom]"; got != want {
		t.Errorf("wrote %s\nwant  %s", got, want)
	}
}

func TestDropping(t *testing.T) {
	t.Parallel()
	e := Dropping()
	for _, f := range []Format{FormatText, FormatAccess, FormatJSON, FormatQuery, FormatURL, FormatRequest} {
		want := "[dropped]"
		if f == FormatJSON {
			want = `"[dropped]"`
		}
		if out, tally := e.Scrub(nil, []byte("a"), f); string(out) != want || tally[Dropped] != 1 {
			t.Errorf("format %d: wrote %q, counted %v", f, out, tally)
		}
	}
	if out, _ := e.Value(nil, "request_id", []byte("4711")); string(out) != "[dropped]" {
		t.Errorf("value became %q", out)
	}
	if out, _ := e.Text(nil, nil); len(out) > 0 {
		t.Errorf("nothing became %q", out)
	}
	if got := e.Pseudonym("user", "u1"); got != "[user]" {
		t.Errorf("pseudonym %q", got)
	}
}

// TestSound: what is wrong is said, one error each, and what is left makes an engine.
func TestSound(t *testing.T) {
	t.Parallel()
	good := Policy{
		Actions: map[Kind]Action{Email: Drop}, Fields: []string{"ref"}, NeverFields: []string{"build"}, PathTemplates: []string{"/{a}"},
		Patterns: []Pattern{{Name: "p", Regexp: "p"}}, MaxBytes: 99, MaxDepth: 3,
	}
	if sound, err := good.WithoutMistakes(); err != nil || !cmp.Equal(good, sound) {
		t.Errorf("error %v of a good policy: %s", err, cmp.Diff(good, sound))
	}
	bad := Policy{
		Actions:      map[Kind]Action{Email: Truncate, Phone: Pseudonym, Card: Pseudonym, JWT: Keep, Dropped: Redact, IP: Keep + 1},
		Fields:       []string{"ref", "é", strings.Repeat("x", maxName+1)},
		NeverFields:  []string{"", "build"},
		PseudonymKey: []byte("short"), PseudonymKeyID: "k1",
		PathTemplates: []string{"/{a}", "/a/{b}c"},
		Patterns:      []Pattern{{Name: "p", Regexp: "("}, {Name: "q", Regexp: "q"}},
		MaxBytes:      -1, MaxDepth: 99,
	}
	want := Policy{
		Actions: map[Kind]Action{Email: Redact, Phone: Redact, Card: Redact, JWT: Keep, IP: Redact},
		Fields:  []string{"ref"}, NeverFields: []string{"build"}, PathTemplates: []string{"/{a}"}, Patterns: []Pattern{{Name: "q", Regexp: "q"}},
	}
	sound, err := bad.WithoutMistakes()
	if diff := cmp.Diff(want, sound); diff != "" {
		t.Errorf("sound policy (-want +got):\n%s", diff)
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 12 {
		t.Errorf("%d errors, want 12:\n%v", lines, err)
	}
	if _, err := New(sound); err != nil {
		t.Errorf("the sound policy is refused: %v", err)
	}
	if _, err := New(bad); err == nil {
		t.Error("the bad policy is taken")
	}
	crowd := Policy{Patterns: make([]Pattern, maxPatterns+1)}
	for i := range crowd.Patterns {
		crowd.Patterns[i] = Pattern{Name: "p", Regexp: "p"}
	}
	if sound, err := crowd.WithoutMistakes(); err == nil || len(sound.Patterns) != maxPatterns {
		t.Errorf("error %v and %d patterns, want %d", err, len(sound.Patterns), maxPatterns)
	}
}
