package limiter

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// handedOver is a store that goes on from what another wrote.
func handedOver(t *testing.T, from *Local, now func() time.Time) *Local {
	t.Helper()
	text, err := json.Marshal(from.HandOver())
	if err != nil {
		t.Fatal(err)
	}
	var s Saved
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	l := NewLocal(1000, now)
	l.TakeOver(s)
	return l
}

// A node that is replaced again and again, by processes that read what the last one
// wrote, decides and owes what one does that runs on.
func TestHandedOverDecidesTheSame(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		one, next := newBook(1000), newBook(1000)
		limits := randomLimits(t, r)
		for i := range 200 {
			pause := time.Duration(r.Int64N(int64(3 * time.Second)))
			one.now, next.now = one.now.Add(pause), next.now.Add(pause)
			levels := randomLevels(r, limits, seed)
			if r.IntN(4) == 0 {
				next.Local = handedOver(t, next.Local, next.Local.now)
			}
			if r.IntN(3) == 0 {
				one.ask(levels...)
				next.ask(levels...)
				continue
			}
			ask := Ask{Levels: levels, Alone: true, Nodes: 1 + r.Int64N(3), Unsure: r.IntN(5) == 0}
			want, _ := one.Take(context.Background(), ask)
			got, _ := next.Take(context.Background(), ask)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, request %d: who runs on -, who was replaced +\n%s", seed, i, diff)
			}
		}
	}
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	b := newBook(100)
	level := func(key string) Level {
		return Level{Limit: mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: time.Hour}), Key: key, Cost: 1}
	}
	b.ask(level("heard"))
	b.ask(level("spared"))
	b.now = b.now.Add(time.Second)
	b.alone(3, 2, level("owed"))
	b.alone(3, 5, level("on its way"))
	b.due([]Level{level("on its way")})
	b.spared([]Level{level("spared")}, Verdict{Allowed: true, Outcomes: []Outcome{{Fits: true}}}, b.now.UnixMicro())
	s := b.HandOver()
	var got []string
	for _, c := range s.counters {
		got = append(got, fmt.Sprint(c.key, " ", c.owed))
	}
	if diff := cmp.Diff([]string{"on its way 5", "owed 2", "heard 0", "spared 0"}, got); diff != "" {
		t.Errorf("handed over, most important first: want -, got +\n%s", diff)
	}
	if first := s.First(1); first.Len() != 1 || first.counters[0].key != "on its way" || s.First(9).Len() != 4 {
		t.Errorf("the first is %+v, and of nine there are %d", first, s.First(9).Len())
	}
	charges, refunds := b.settlements(100)
	if b.Len() != 0 || len(charges)+len(refunds) > 0 {
		t.Errorf("%d counters stay, with %v and %v to be told", b.Len(), charges, refunds)
	}
}

// What is owed is charged by the process that was told of it.
func TestOwedIsHandedOver(t *testing.T) {
	t.Parallel()
	b := newBook(100)
	level := Level{Limit: mustCompile(t, Spec{Name: "l", Algorithm: Calendar, Quota: 100, Period: Month}), Key: "k", Cost: 1}
	b.ask(level)
	admitted := b.alone(3, 50, level)
	woken := 0
	next := NewLocal(100, b.Local.now)
	next.attach(func() { woken++ }, nil, nil)
	next.TakeOver(b.HandOver())
	b.Local, b.now = next, b.now.Add(time.Second)
	charges, _ := b.settlements(100)
	if woken != 1 || len(charges) != 1 || charges[0].Cost != admitted || admitted == 0 {
		t.Errorf("%d admitted; woken %d times to charge %+v", admitted, woken, charges)
	}
}

func TestSavedThatMakesNoSense(t *testing.T) {
	t.Parallel()
	const limits = `"limits":[{"name":"l","algorithm":"fixed_window","quota":9,"window":60}]`
	for name, tt := range map[string]struct{ text, want string }{
		"good":               {`{` + limits + `,"counters":[{"key":"k","limit":1,"state":[1,2,3]}]}`, ""},
		"none":               {`{}`, ""},
		"cut off":            {`{` + limits, "unexpected end"},
		"no list":            {`{"counters":7}`, "cannot unmarshal"},
		"unknown algorithm":  {`{"limits":[{"name":"l","algorithm":"dice","quota":9,"window":60}]}`, `algorithm "dice"`},
		"endless window":     {`{"limits":[{"name":"l","algorithm":"fixed_window","quota":9,"window":9223372036854775807}]}`, "window"},
		"unknown zone":       {`{"limits":[{"name":"l","algorithm":"calendar","period":"day","quota":9,"zone":"Nowhere/Land"}]}`, "time zone"},
		"limit not there":    {`{` + limits + `,"counters":[{"key":"k","limit":2}]}`, "limit is not there"},
		"no limit":           {`{` + limits + `,"counters":[{"key":"k"}]}`, "limit is not there"},
		"heard of no limit":  {`{` + limits + `,"counters":[{"key":"k","limit":1,"heard":{"at":1}}]}`, "limit is not there"},
		"stale of nothing":   {`{` + limits + `,"counters":[{"key":"k","limit":1,"stale":true}]}`, "limit is not there"},
		"negative limit":     {`{` + limits + `,"counters":[{"key":"k","limit":-1}]}`, "limit is not there"},
		"too many nodes":     {`{` + limits + `,"counters":[{"key":"k","limit":1,"nodes":9000000000}]}`, "out of range"},
		"negative debt":      {`{` + limits + `,"counters":[{"key":"k","limit":1,"owed":-1}]}`, "out of range"},
		"too long a state":   {`{` + limits + `,"counters":[{"key":"k","limit":1,"state":[1,2,3,4,5,6,7,8,9,10,11,12,13,14]}]}`, "out of range"},
		"counter of nothing": {`{` + limits + `,"counters":[{"limit":1}]}`, "out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s Saved
			err := json.Unmarshal([]byte(tt.text), &s)
			if got := fmt.Sprint(err); (err == nil) != (tt.want == "") || !strings.Contains(got, tt.want) && tt.want != "" {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
			if err != nil && s.Len() != 0 {
				t.Errorf("%d counters beside the error", s.Len())
			}
		})
	}
}

// FuzzSaved: whatever is read can be decided by, and written again.
func FuzzSaved(f *testing.F) {
	f.Add([]byte(`{"limits":[{"name":"l","algorithm":"sliding_window","quota":9,"window":60}],"counters":[{"key":"k","limit":1,"state":[5,0,3],"owed":2,"nodes":3}]}`))
	f.Add([]byte(`{"limits":[{"name":"l","algorithm":"token_bucket","quota":9,"window":60}],"counters":[{"key":"k","limit":1,"stale":true,"heard":{"limit":1,"at":1,"remaining":4,"reset":9}}]}`))
	f.Add([]byte(`{"limits":[{"name":"l","algorithm":"calendar","period":"day","zone":"Europe/Berlin","quota":9}],"counters":[{"key":"k","limit":1,"alone":7}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s Saved
		if json.Unmarshal(text, &s) != nil {
			return
		}
		l := NewLocal(4, func() time.Time { return time.UnixMicro(start) })
		l.TakeOver(s)
		for _, c := range s.counters {
			ask := Ask{Levels: []Level{{Limit: c.limit, Key: c.key, Cost: 1}}, Alone: true, Nodes: 3}
			if _, err := l.Take(context.Background(), ask); err != nil {
				t.Fatal(err)
			}
		}
		l.settlements(10)
		var again Saved
		text, err := json.Marshal(l.HandOver())
		if err == nil {
			err = json.Unmarshal(text, &again)
		}
		if err != nil || again.Len() > 4 {
			t.Errorf("%d of %d counters, and %v, of %s", again.Len(), s.Len(), err, text)
		}
	})
}
