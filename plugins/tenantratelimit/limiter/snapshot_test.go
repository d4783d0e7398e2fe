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
	var s Snapshot
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
			descriptors := randomDescriptors(r, limits, seed)
			if r.IntN(4) == 0 {
				next.Local = handedOver(t, next.Local, next.Local.now)
			}
			if r.IntN(3) == 0 {
				one.ask(descriptors...)
				next.ask(descriptors...)
				continue
			}
			req := Request{Descriptors: descriptors, Offline: true, Nodes: 1 + r.Int64N(3), Unsure: r.IntN(5) == 0}
			want, _ := one.Take(context.Background(), req)
			got, _ := next.Take(context.Background(), req)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, request %d: who runs on -, who was replaced +\n%s", seed, i, diff)
			}
		}
	}
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	b := newBook(100)
	descriptor := func(key string) Descriptor {
		return Descriptor{Limit: mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: time.Hour}), Key: key, Cost: 1}
	}
	b.ask(descriptor("heard"))
	b.ask(descriptor("charged late"))
	b.now = b.now.Add(time.Second)
	b.offline(3, 2, descriptor("owed"))
	b.offline(3, 5, descriptor("on its way"))
	b.takeOwed([]Descriptor{descriptor("on its way")})
	b.chargedLate([]Descriptor{descriptor("charged late")}, Verdict{Allowed: true, Results: []Result{{Fits: true}}}, b.now.UnixMicro())
	s := b.HandOver()
	var got []string
	for _, c := range s.counters {
		got = append(got, fmt.Sprint(c.key, " ", c.Owed))
	}
	if diff := cmp.Diff([]string{"on its way 5", "owed 2", "charged late 0", "heard 0"}, got); diff != "" {
		t.Errorf("handed over, most important first: want -, got +\n%s", diff)
	}
	if first := s.First(1); first.Len() != 1 || first.counters[0].key != "on its way" || s.First(9).Len() != 4 {
		t.Errorf("the first is %+v, and of nine there are %d", first, s.First(9).Len())
	}
	charges, refunds := b.unsettled(100)
	if b.Len() != 0 || len(charges)+len(refunds) > 0 {
		t.Errorf("%d counters stay, with %v and %v to be told", b.Len(), charges, refunds)
	}
}

// What is owed is charged by the process that was told of it.
func TestOwedIsHandedOver(t *testing.T) {
	t.Parallel()
	b := newBook(100)
	descriptor := Descriptor{Limit: mustCompile(t, Spec{Name: "l", Algorithm: Calendar, Quota: 100, Period: Month}), Key: "k", Cost: 1}
	b.ask(descriptor)
	admitted := b.offline(3, 50, descriptor)
	woken := 0
	next := NewLocal(100, b.Local.now)
	next.attach(func() { woken++ }, nil, nil)
	next.TakeOver(b.HandOver())
	b.Local, b.now = next, b.now.Add(time.Second)
	charges, _ := b.unsettled(100)
	if woken != 1 || len(charges) != 1 || charges[0].Cost != admitted || admitted == 0 {
		t.Errorf("%d admitted; woken %d times to charge %+v", admitted, woken, charges)
	}
}

func TestSnapshotThatMakesNoSense(t *testing.T) {
	t.Parallel()
	const limits = `"limits":[{"name":"l","algorithm":"fixed_window","quota":9,"window":60000000000}]`
	for name, tt := range map[string]struct{ text, want string }{
		"good":               {`{` + limits + `,"counters":[{"key":"k","limit":1,"state":{"stamp":1,"basis":2,"count":[3]}}]}`, ""},
		"none":               {`{}`, ""},
		"cut off":            {`{` + limits, "unexpected end"},
		"no list":            {`{"counters":7}`, "cannot unmarshal"},
		"unknown algorithm":  {`{"limits":[{"name":"l","algorithm":"dice","quota":9,"window":60000000000}]}`, `algorithm: "dice"`},
		"endless window":     {`{"limits":[{"name":"l","algorithm":"fixed_window","quota":9,"window":9223372036854775807}]}`, "window"},
		"unknown zone":       {`{"limits":[{"name":"l","algorithm":"calendar","period":"day","quota":9,"zone":"Nowhere/Land"}]}`, "time_zone"},
		"limit not there":    {`{` + limits + `,"counters":[{"key":"k","limit":2}]}`, "limit is not there"},
		"no limit":           {`{` + limits + `,"counters":[{"key":"k"}]}`, "limit is not there"},
		"heard of no limit":  {`{` + limits + `,"counters":[{"key":"k","limit":1,"heard":{"at":1}}]}`, "limit is not there"},
		"stale of nothing":   {`{` + limits + `,"counters":[{"key":"k","limit":1,"stale":true}]}`, "limit is not there"},
		"negative limit":     {`{` + limits + `,"counters":[{"key":"k","limit":-1}]}`, "limit is not there"},
		"too many nodes":     {`{` + limits + `,"counters":[{"key":"k","limit":1,"nodes":9000000000}]}`, "out of range"},
		"negative debt":      {`{` + limits + `,"counters":[{"key":"k","limit":1,"owed":-1}]}`, "out of range"},
		"another's limit":    {`{` + limits + `,"counters":[{"key":"k","limit":1,"heard_limit":2,"heard":{"at":1}}]}`, "limit is not there"},
		"counter of nothing": {`{` + limits + `,"counters":[{"limit":1}]}`, "out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s Snapshot
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

// FuzzSnapshot: whatever is read can be decided by, and written again.
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte(`{"limits":[{"name":"l","algorithm":"sliding_window","quota":9,"window":60000000000}],"counters":[{"key":"k","limit":1,"state":{"stamp":5,"count":[3]},"owed":2,"nodes":3}]}`))
	f.Add([]byte(`{"limits":[{"name":"l","algorithm":"token_bucket","quota":9,"window":60000000000}],"counters":[{"key":"k","limit":1,"stale":true,"heard_limit":1,"heard":{"at":1,"remaining":4,"reset":9}}]}`))
	f.Add([]byte(`{"limits":[{"name":"l","algorithm":"calendar","period":"day","zone":"Europe/Berlin","quota":9}],"counters":[{"key":"k","limit":1,"offline_since":7}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s Snapshot
		if json.Unmarshal(text, &s) != nil {
			return
		}
		l := NewLocal(4, func() time.Time { return time.UnixMicro(start) })
		l.TakeOver(s)
		for _, c := range s.counters {
			req := Request{Descriptors: []Descriptor{{Limit: c.limit, Key: c.key, Cost: 1}}, Offline: true, Nodes: 3}
			if _, err := l.Take(context.Background(), req); err != nil {
				t.Fatal(err)
			}
		}
		l.unsettled(10)
		var again Snapshot
		text, err := json.Marshal(l.HandOver())
		if err == nil {
			err = json.Unmarshal(text, &again)
		}
		if err != nil || again.Len() > 4 {
			t.Errorf("%d of %d counters, and %v, of %s", again.Len(), s.Len(), err, text)
		}
	})
}
