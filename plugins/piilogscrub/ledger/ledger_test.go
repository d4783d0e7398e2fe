package ledger_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/ledger"
)

// book is a ledger whose clock a test sets, with what it gave up.
type book struct {
	*ledger.Ledger
	t     *testing.T
	clock time.Time
	wrote []string
}

func newBook(t *testing.T) *book {
	b := &book{t: t, clock: time.Unix(1_800_000_000, 0)}
	b.Ledger = ledger.New(func() time.Time { return b.clock })
	return b
}

func (b *book) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) line(id string) {
	b.t.Helper()
	r := &kongrecord.Record{}
	r.Request.ID, r.Response.Status = id, 200
	b.check(b.Line(r))
}

func (b *book) record(id string) {
	b.t.Helper()
	b.check(b.Recorded(id))
}

func (b *book) giveUp(all bool) {
	b.t.Helper()
	b.check(b.GiveUp(all, func(r *kongrecord.Record) {
		if r.Response.Status != 200 {
			b.t.Errorf("line of %s is not what it was: %+v", r.Request.ID, r)
		}
		b.wrote = append(b.wrote, r.Request.ID)
	}))
}

func (b *book) after(d time.Duration) {
	b.t.Helper()
	b.clock = b.clock.Add(d)
	b.giveUp(false)
}

func (b *book) want(ids ...string) {
	b.t.Helper()
	if diff := cmp.Diff(ids, b.wrote); diff != "" {
		b.t.Errorf("given up (-want +got):\n%s", diff)
	}
}

// killed is the next process after this one was killed.
func (b *book) killed(path string) string {
	b.t.Helper()
	text, err := os.ReadFile(path)
	b.check(err)
	path = filepath.Join(b.t.TempDir(), "lines")
	b.check(os.WriteFile(path, text, 0o600))
	b.Ledger = ledger.New(func() time.Time { return b.clock })
	b.check(b.TakeOver(path))
	return path
}

func TestLedger(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		events func(*book)
		want   []string
	}{
		"line, record": {func(b *book) { b.Expect(); b.line("a"); b.record("a"); b.after(time.Minute) }, nil},
		"record, line": {func(b *book) { b.Expect(); b.record("a"); b.line("a"); b.after(time.Minute) }, nil},
		"no record":    {func(b *book) { b.Expect(); b.line("a"); b.after(10 * time.Second) }, []string{"a"}},
		"not yet":      {func(b *book) { b.Expect(); b.line("a"); b.after(9 * time.Second) }, nil},
		"at the end":   {func(b *book) { b.Expect(); b.line("a"); b.giveUp(true) }, []string{"a"}},
		"no line":      {func(b *book) { b.Expect(); b.record("a"); b.after(time.Minute) }, nil},
		"not expected": {func(b *book) { b.line("a"); b.after(time.Minute) }, nil},
		"expected meanwhile": {func(b *book) {
			b.line("a")
			b.Expect()
			b.after(time.Minute)
		}, []string{"a"}},
		"expected no more": {func(b *book) {
			done := b.Expect()
			b.line("a")
			done()
			b.line("b")
			b.giveUp(true)
		}, []string{"a"}},
		"no log events at all any more": {func(b *book) { // Kong does not say that a configuration is gone
			b.Expect()
			for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
				b.line(id)
				b.after(time.Minute)
			}
			b.line("g")
			b.giveUp(true)
		}, []string{"a", "b", "c"}},
		"log events again": {func(b *book) {
			b.Expect()
			for _, id := range []string{"a", "b", "c", "d", "e"} {
				b.line(id)
				b.after(time.Minute)
			}
			b.record("f")
			b.line("f")
			b.line("g")
			b.giveUp(true)
		}, []string{"a", "b", "c", "g"}},
		"many at once": {func(b *book) {
			b.Expect()
			for _, id := range []string{"a", "b", "c", "d", "e"} {
				b.line(id)
			}
			b.clock = b.clock.Add(time.Second)
			b.record("f")
			b.after(time.Minute)
		}, []string{"a", "b", "c", "d", "e"}},
		"oldest first": {func(b *book) {
			b.Expect()
			b.line("a")
			b.after(5 * time.Second)
			b.line("b")
			b.after(5 * time.Second)
			b.after(5 * time.Second)
		}, []string{"a", "b"}},
		"late record": {func(b *book) {
			b.Expect()
			b.line("a")
			b.after(time.Minute)
			if !b.GivenUp("a") || b.GivenUp("b") {
				b.t.Error("a was given up, and b was not")
			}
			b.record("a")
			b.after(time.Minute)
		}, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t)
			tt.events(b)
			b.want(tt.want...)
		})
	}
}

// TestTooMany: what is too much is given up before its time.
func TestTooMany(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.Expect()
	for i := range 32769 {
		b.line(strconv.Itoa(i))
		b.record("no line of " + strconv.Itoa(i))
	}
	b.giveUp(false)
	b.want("0")
}

// TestLongLine: of a line for which the journal has no room, the path is left out.
func TestLongLine(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	path := filepath.Join(t.TempDir(), "lines")
	b.check(b.TakeOver(path))
	b.Expect()
	r := &kongrecord.Record{}
	r.Request.ID, r.Request.URI, r.Response.Status = "a", "/"+strings.Repeat("a", 5000), 200
	b.check(b.Line(r))
	b.killed(path)
	b.giveUp(true)
	b.want("a")
}

// TestEachCallOnce has processes killed and ended in any order, while lines and records
// come in any order. Each request with a record or a line is accounted for, once.
func TestEachCallOnce(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	b := newBook(t)
	path := filepath.Join(t.TempDir(), "lines")
	b.check(b.TakeOver(path))
	b.Expect()
	var want []string
	var left []func() // the other halves that are still to come
	for i := range 2000 {
		id := strconv.Itoa(i)
		switch random.IntN(4) {
		case 0:
			b.line(id)
			left = append(left, func() { b.record(id) })
		case 1:
			b.record(id)
			left = append(left, func() { b.line(id) })
		case 2:
			b.line(id)
			want = append(want, id)
		case 3:
			b.record(id)
		}
		for len(left) > 0 && random.IntN(2) == 0 {
			n := random.IntN(len(left))
			left[n]()
			left = slices.Delete(left, n, n+1)
		}
		switch random.IntN(100) {
		case 0:
			path = b.killed(path)
			b.Expect()
		case 1:
			b.check(b.HandOver())
			b.Ledger = ledger.New(func() time.Time { return b.clock })
			b.check(b.TakeOver(path))
			b.Expect()
		}
	}
	for _, half := range left {
		half()
	}
	b.after(10 * time.Second)
	slices.Sort(want)
	slices.Sort(b.wrote)
	b.want(want...)
}
