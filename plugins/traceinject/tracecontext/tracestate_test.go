package tracecontext_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

func TestParseTracestate(t *testing.T) {
	t.Parallel()
	allValueCharacters := characters(0x20, 0x2b) + characters(0x2d, 0x3c) + characters(0x3e, 0x7e)
	tests := []struct {
		name, in, want string
		err            error
	}{
		{"one member", "rojo=00f067aa0ba902b7", "rojo=00f067aa0ba902b7", nil},
		{"order stays", "rojo=1,congo=2,baz=3", "rojo=1,congo=2,baz=3", nil},
		{"empty header", "", "", nil},
		{"lines joined, one of them empty", "foo=1, ", "foo=1", nil},
		{"lines joined, the first empty", ", foo=1", "foo=1", nil},
		{"nothing but separators", " ,\t, ,", "", nil},
		{"ows around members", "foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3", nil},
		{"ows around the list", "\t foo=1 \t", "foo=1", nil},
		{"leading space belongs to the value", "foo=  1", "foo=  1", nil},
		{"equal duplicates", "foo=1,foo=1", "foo=1", nil},
		{"of duplicates the most recent stays", "foo=1,bar=9,foo=2", "foo=1,bar=9", nil},
		{"all key characters", "abcdefghijklmnopqrstuvwxyz0123456789_-*/@a-z0-9_-*/=1", "abcdefghijklmnopqrstuvwxyz0123456789_-*/@a-z0-9_-*/=1", nil},
		{"all value characters", "a=" + allValueCharacters, "a=" + allValueCharacters, nil},
		{"key begins with a digit", "0a=1", "0a=1", nil},
		{"at signs are key characters in level 2", "foo@=1,foo@@bar=2,foo@bar@baz=3", "foo@=1,foo@@bar=2,foo@bar@baz=3", nil},
		{"key of 256 characters", strings.Repeat("z", 256) + "=1", strings.Repeat("z", 256) + "=1", nil},
		{"value of 256 characters", "z=" + strings.Repeat("v", 256), "z=" + strings.Repeat("v", 256), nil},
		{"32 members", members(32), members(32), nil},

		{"33 members", members(33), "", tracecontext.ErrTracestateMembers},
		{"33 members, duplicates among them", members(32) + ",a01=again", "", tracecontext.ErrTracestateMembers},
		{"key with a space", "foo =1", "", tracecontext.ErrTracestateKey},
		{"key in uppercase", "FOO=1", "", tracecontext.ErrTracestateKey},
		{"key with a dot", "foo.bar=1", "", tracecontext.ErrTracestateKey},
		{"key begins with an at sign", "@foo=1,bar=2", "", tracecontext.ErrTracestateKey},
		{"key begins with a dash", "-foo=1", "", tracecontext.ErrTracestateKey},
		{"empty key", "=1", "", tracecontext.ErrTracestateKey},
		{"key of 257 characters", "foo=1," + strings.Repeat("z", 257) + "=1", "", tracecontext.ErrTracestateKey},
		{"value with an equals sign", "foo=bar=baz", "", tracecontext.ErrTracestateValue},
		{"empty value", "foo=,bar=3", "", tracecontext.ErrTracestateValue},
		{"value of 257 characters", "z=" + strings.Repeat("v", 257), "", tracecontext.ErrTracestateValue},
		{"value with a tab in it", "foo=a\tb", "", tracecontext.ErrTracestateValue},
		{"value not ASCII", "foo=é", "", tracecontext.ErrTracestateValue},
		{"no equals sign", "foo", "", tracecontext.ErrTracestateMember},
		{"one bad member spoils all", "good=1,bad", "", tracecontext.ErrTracestateMember},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tracecontext.ParseTracestate(tt.in)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if got.String() != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTracestateGet(t *testing.T) {
	t.Parallel()
	state, err := tracecontext.ParseTracestate("rojo=1,congo=2")
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := state.Get("congo"); v != "2" || !ok {
		t.Errorf("congo is %q, %v", v, ok)
	}
	if v, ok := state.Get("bongo"); v != "" || ok {
		t.Errorf("bongo is %q, %v", v, ok)
	}
}

func TestTracestateTruncate(t *testing.T) {
	t.Parallel()
	long, longer := "l="+strings.Repeat("x", 127), "m="+strings.Repeat("y", 200)
	tests := []struct {
		name, in string
		limit    int
		want     string
	}{
		{"fits", "a=1,b=2", 7, "a=1,b=2"},
		{"from the right", "a=1,b=2,c=3", 7, "a=1,b=2"},
		{"whole members only", "a=1,b=22222", 10, "a=1"},
		{"members over 128 characters go first", "a=1," + long + ",b=2,c=3", 20, "a=1,b=2,c=3"},
		{"no more of them than need be", longer + ",a=1," + long, 210, longer + ",a=1"},
		{"128 characters is not over 128", "a=1,l=" + strings.Repeat("x", 126) + ",b=2", 132, "a=1,l=" + strings.Repeat("x", 126)},
		{"nothing fits", "a=1", 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state, err := tracecontext.ParseTracestate(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := state.Truncate(tt.limit).String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if state.String() != tt.in {
				t.Errorf("the original became %q", state)
			}
		})
	}
}

// TestTracestateProperties holds for any valid list: what is written is read
// back, and truncation keeps order, keeps within the limit and drops nothing
// that would have fitted at the right end.
func TestTracestateProperties(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		state := randomState(random)
		again, err := tracecontext.ParseTracestate(state.String())
		if err != nil || again.String() != state.String() {
			t.Fatalf("%q is read back as %q, %v", state, again, err)
		}
		limit := random.IntN(700)
		short := state.Truncate(limit)
		if n := len(short.String()); n > limit && len(short) > 0 {
			t.Fatalf("%d characters of %q are over the limit of %d", n, short, limit)
		}
		if !isSubsequence(short, state) {
			t.Fatalf("%q is not %q with members left out", short, state)
		}
	}
}

func randomState(random *rand.Rand) tracecontext.Tracestate {
	state := make(tracecontext.Tracestate, random.IntN(tracecontext.MaxMembers+1))
	for i := range state {
		state[i] = tracecontext.Member{Key: fmt.Sprintf("k%d", i), Value: strings.Repeat("v", 1+random.IntN(256))}
	}
	return state
}

func isSubsequence(part, whole tracecontext.Tracestate) bool {
	for _, m := range whole {
		if len(part) > 0 && part[0] == m {
			part = part[1:]
		}
	}
	return len(part) == 0
}

func FuzzParseTracestate(f *testing.F) {
	for _, seed := range []string{"rojo=1,congo=2", "foo=1 \t , \t bar=2,,", "a=1,a=2", "foo@bar= x", members(33), "=", "é=1"} {
		f.Add(seed, 512)
	}
	f.Fuzz(func(t *testing.T, value string, limit int) {
		state, err := tracecontext.ParseTracestate(value)
		if err != nil {
			if state != nil {
				t.Fatalf("%q gave %v beside an error", value, state)
			}
			return
		}
		written := state.String()
		again, err := tracecontext.ParseTracestate(written)
		if err != nil || again.String() != written || len(written) > len(value) {
			t.Fatalf("%q is written as %q and read back as %q, %v", value, written, again, err)
		}
		if short := state.Truncate(limit); len(short) > 0 && len(short.String()) > limit {
			t.Fatalf("%q is over the limit of %d", short, limit)
		}
	})
}

func characters(from, to byte) string {
	var b strings.Builder
	for c := from; c <= to; c++ {
		b.WriteByte(c)
	}
	return b.String()
}

func members(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("a%02d=%d", i+1, i+1)
	}
	return strings.Join(list, ",")
}
