package issuers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bench is a syncer of one issuer whose JWKS is a file, with all that it talks to.
type bench struct {
	*Syncer
	file string

	mu sync.Mutex
	seen
}

// seen is what a syncer finds and leaves.
type seen struct {
	text      []byte // in the store
	saves     int
	fails     error // of the store
	published int
	publish   error
	lines     []string
}

func (b *bench) Load() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text, b.fails
}

func (b *bench) String() string { return "the bench" }

func (b *bench) Save(overlay []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text, b.saves = overlay, b.saves+1
	return nil
}

// now is what there is to see.
func (b *bench) now() seen {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{file: filepath.Join(t.TempDir(), "jwks.json")}
	b.Syncer = &Syncer{
		Issuers: []Issuer{{Consumer: "web-app", ISS: "https://id.example.com/web", JWKS: b.file, Overlap: time.Hour, Timeout: time.Second}},
		Store:   b,
		Taken:   func() (map[string]string, error) { return nil, nil },
		Publish: func(context.Context) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.published++
			return b.publish
		},
		Say: func(line string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.lines = append(b.lines, line)
		},
	}
	return b
}

// issue has the issuer publish keys of these kids.
func (b *bench) issue(t *testing.T, kids ...string) {
	t.Helper()
	text := `{}`
	if kids != nil {
		recorded, _, err := ReadKeys(document(t, "auth0-jwks.json"))
		if err != nil {
			t.Fatal(err)
		}
		text = string(document(t, "auth0-jwks.json"))
		for i, kid := range kids {
			text = strings.ReplaceAll(text, recorded[i].KID, kid)
		}
		for _, key := range recorded[len(kids):] {
			text = strings.ReplaceAll(text, `"`+key.KID+`"`, `""`) // refused, since it has no kid
		}
	}
	if err := os.WriteFile(b.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// kids are those that a gateway has.
func (b *bench) kids(t *testing.T) (kids []string) {
	t.Helper()
	state, err := ReadState(b.now().text, b.Issuers)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range state["web-app"] {
		kids = append(kids, key.KID)
	}
	return kids
}

func (b *bench) wantKids(t *testing.T, when string, kids ...string) {
	t.Helper()
	if got := b.kids(t); !slices.Equal(got, kids) {
		t.Errorf("%s: kids %v, want %v", when, got, kids)
	}
}

// pass lets time go by until whatever is due has been done.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestSchedule: an issuer rotates, goes and comes back, hour after hour, and each round
// begins anew, as after a restart.
func TestSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.issue(t, "a", "b")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); b.Run(ctx, 5*time.Minute) }()
		synctest.Wait()
		b.wantKids(t, "at once", "a", "b")
		pass(6 * time.Hour)
		if quiet := b.now(); quiet.saves != 1 || quiet.published < 6*60*10/55 || quiet.published > 6*60*10/45+1 {
			t.Errorf("%d saves and %d rounds in six hours in which nothing happened", quiet.saves, quiet.published)
		}
		b.issue(t, "b", "c")
		pass(6 * time.Minute)
		b.wantKids(t, "rotated", "a", "b", "c")
		pass(53 * time.Minute)
		b.wantKids(t, "in the overlap", "a", "b", "c")
		pass(13 * time.Minute)
		b.wantKids(t, "after it", "b", "c")
		b.issue(t)
		pass(12 * time.Hour)
		b.wantKids(t, "gone for half a day", "b", "c")
		if lines := b.now().lines; len(lines) != 1 || !strings.Contains(lines[0], "issuer https://id.example.com/web: the JWKS has no key") {
			t.Errorf("lines %q, want one", lines)
		}
		b.issue(t, "c", "d")
		pass(6 * time.Minute)
		b.issue(t)
		pass(6 * time.Minute)
		b.wantKids(t, "back, and gone again", "b", "c", "d")
		if lines := b.now().lines; len(lines) != 2 {
			t.Errorf("lines %q, want two: it was well in between", lines)
		}
		b.mu.Lock()
		b.publish = errors.New("no node is there")
		b.mu.Unlock()
		pass(time.Hour)
		if said := strings.Count(strings.Join(b.now().lines, "\n"), "no node is there"); said != 1 {
			t.Errorf("it is said %d times", said)
		}
		cancel()
		<-done
	})
}

func TestRound(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.issue(t, "a")
	if failed, err := b.Round(t.Context()); failed != 0 || err != nil || b.published != 1 {
		t.Errorf("%d failed, %v, published %d times", failed, err, b.published)
	}
	if len(b.lines) != 1 || !strings.Contains(b.lines[0], "key 2 is not taken: it has no kid") {
		t.Errorf("lines %q", b.lines)
	}
	b.publish = errors.New("no node")
	if _, err := b.Round(t.Context()); !errors.Is(err, b.publish) {
		t.Errorf("error %v of a round that is not published", err)
	}
	b.publish = nil
	b.issue(t)
	if failed, err := b.Round(t.Context()); failed != 1 || err != nil || b.published != 3 {
		t.Errorf("%d failed, %v, published %d times; the last good keys are published", failed, err, b.published)
	}
	b.wantKids(t, "gone", "a")
}

// TestOnlyChanges: keys are published when they have changed, once, whether an issuer
// fails or not, and again where the nodes did not take them.
func TestOnlyChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.OnlyChanges = true
	for i, step := range []struct {
		kids      []string
		publish   error
		published int
	}{
		{kids: []string{"a", "b"}, published: 1},
		{kids: []string{"a", "b"}, published: 1},
		{kids: []string{"b", "c"}, publish: errors.New("no node"), published: 2},
		{kids: nil, published: 3},
		{kids: []string{"b", "c"}, published: 3},
	} {
		b.issue(t, step.kids...)
		b.publish = step.publish
		if _, err := b.Round(t.Context()); !errors.Is(err, step.publish) || b.published != step.published {
			t.Errorf("round %d: error %v, published %d times, want %d", i+1, err, b.published, step.published)
		}
	}
}

// TestRoundThatIsNone: what cannot be known changes nothing.
func TestRoundThatIsNone(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx     context.Context
		prepare func(*bench)
	}{
		"no store":          {t.Context(), func(b *bench) { b.fails = broken }},
		"no overlay":        {t.Context(), func(b *bench) { b.text = []byte("services: []") }},
		"no base":           {t.Context(), func(b *bench) { b.Taken = func() (map[string]string, error) { return nil, broken } }},
		"the program's end": {ended, func(*bench) {}},
	} {
		b := newBench(t)
		b.issue(t, "a")
		tt.prepare(b)
		before := string(b.text)
		if _, err := b.Round(tt.ctx); err == nil || b.published > 0 || string(b.text) != before {
			t.Errorf("%s: error %v, published %d times, %d saves", name, err, b.published, b.saves)
		}
	}
}

func TestBetween(t *testing.T) {
	t.Parallel()
	for at, want := range map[float64]time.Duration{0: 270 * time.Second, 0.5: 300 * time.Second, 1: 330 * time.Second} {
		if got := between(5*time.Minute, at).Round(time.Millisecond); got != want {
			t.Errorf("at %v: %v, want %v", at, got, want)
		}
	}
}
