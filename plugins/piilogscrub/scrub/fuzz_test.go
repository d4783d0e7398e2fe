package scrub

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// fuzzSeeds are texts that reach every detector and every encoding.
func fuzzSeeds() (seeds []string) {
	for _, cases := range detectorCases {
		for _, marked := range cases {
			text, _ := parseMarked(marked, Field)
			seeds = append(seeds, text)
		}
	}
	p := newPlanter(4)
	for _, sign := range signs {
		seeds = append(seeds, fmt.Sprintf(sign, "password", "hunter2"), fmt.Sprintf(sign, "key", p.hex(16)))
	}
	seeds = append(seeds, "curl -u user:hunter2 x", "mysql -uroot -phunter2 shop", "ALTER USER a WITH PASSWORD 'x''y'", "<a:password b='c'>x</a:password>",
		"app:x@tcp(db:3306)/shop", "zed&#64;ex.org zed=40ex.org", "F002=164111111111111111", "SSN 460 - 89 - 9847", "/reset/"+p.hex(40), "__Host-a=b",
		"-----BEGIN RSA PRIVATE KEY-----\nx: y\n\nabcd\n-----END RSA PRIVATE KEY-----", "&lt;password&gt;x&lt;/password&gt;", `{"value":"x","name":"password"}`)
	for k := range keyFor {
		for _, at := range places {
			seeds = append(seeds, p.plant(at, k, p.value(k)).text)
		}
	}
	for _, f := range logFormats {
		line, _ := p.line(f)
		seeds = append(seeds, line)
	}
	return append(seeds, "%2525252540", `\\\\u0040`, strings.Repeat("[", 100), `{"a":{"a":[1,2`, "a@b@c@d.ee@f.gg")
}

// nestedSeeds are texts of JSON in JSON.
func nestedSeeds() (seeds []string) {
	for p := newPlanter(5); len(seeds) < 50; {
		seeds = append(seeds, p.nestedObject(3, 2))
	}
	return seeds
}

// FuzzScrub checks that any text of any format comes out bounded, and that
// findings are in order, apart and within the text.
func FuzzScrub(f *testing.F) {
	for i, s := range append(fuzzSeeds(), nestedSeeds()...) {
		f.Add([]byte(s), uint8(i))
	}
	key := bytes.Repeat([]byte{1}, MinKeyBytes)
	engines := []*Engine{newEngine(f, Policy{}), newEngine(f, Policy{
		PseudonymKey: key, PseudonymKeyID: "k1", PathTemplates: []string{"/users/{name}/**"},
		Actions:  map[Kind]Action{Email: Pseudonym, IP: Redact, Phone: Keep, IBAN: KeepLast4},
		Patterns: []Pattern{{Name: "customer", Regexp: `\bC-\d{4,8}\b`, Keywords: []string{"c-"}}},
	}), newEngine(f, Policy{Actions: map[Kind]Action{IP: Drop, Field: Drop, Card: Drop, Custom: Drop, Email: Drop}})}
	f.Fuzz(func(t *testing.T, text []byte, n uint8) {
		format := Format(n % 6)
		for _, e := range engines {
			out, tally := e.Scrub(nil, text, format)
			if len(out) > 32*len(text)+64 {
				t.Fatalf("%d bytes became %d", len(text), len(out))
			}
			if tally.Total() == 0 && !bytes.Equal(out, text) {
				t.Fatalf("nothing found, but %q became %q", text, out)
			}
			if lost := lostJSON(string(text), string(out)); lost != "" && readAsJSON(text, format) {
				t.Fatalf("%q became %q: no JSON any more is %q", text, out, lost)
			}
			checkSettles(t, e, text, format)
			checkOrder(t, e.Findings(nil, text, format), len(text))
			e.Value(nil, "x-name", text)
		}
	})
}

// checkSettles checks that scrubbing again and again ends, as a [Filter] does.
func checkSettles(t *testing.T, e *Engine, text []byte, format Format) {
	t.Helper()
	for range maxPasses {
		out, _ := e.Scrub(nil, text, format)
		if bytes.Equal(out, text) {
			return
		}
		text = out
	}
	t.Fatalf("%q is not at rest after %d passes", text, maxPasses)
}

// readAsJSON reports whether a text of the format is one that is to stay JSON.
func readAsJSON(text []byte, f Format) bool {
	text = bytes.TrimSpace(text)
	return f == FormatJSON || f < FormatURL && len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// FuzzFilter checks that whatever is read comes out with as many lines, that JSON stays
// JSON, and that what was filtered stays as it is.
func FuzzFilter(f *testing.F) {
	for i, s := range append(fuzzSeeds(), nestedSeeds()...) {
		f.Add([]byte(s), uint8(i))
		f.Add([]byte(s+"\r\n"+s+"\n\n{\"n\":4111111111111111}\r"), uint8(i))
	}
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"), uint8(0))
	f.Add([]byte("a\x00@\x00b\x00.\x00i\x00o\x00\r\x00\n\x00"), uint8(0))
	f.Add([]byte("00@0000.AA\x00\x00\x00"), uint8(0))
	f.Add([]byte(`["`+strings.Repeat("x", 300)+`"]`), uint8(0))
	engine := newEngine(f, Policy{MaxBytes: 256, Patterns: []Pattern{{Name: "customer", Regexp: `\bC-\d{4,8}\b`}}})
	f.Fuzz(func(t *testing.T, text []byte, n uint8) {
		o := FilterOptions{Engine: engine, Format: Format(n % 6)}
		once := filtered(t, text, o)
		if twice := filtered(t, once, o); !bytes.Equal(twice, once) {
			t.Fatalf("%q\nbecame %q\n  then %q", text, once, twice)
		}
		before, after := bytes.Split(text, []byte("\n")), bytes.Split(once, []byte("\n"))
		if len(before) != len(after) {
			t.Fatalf("%d lines became %d: %q", len(before), len(after), once)
		}
		for i, line := range before {
			if lost := lostJSON(string(line), string(after[i])); lost != "" && readAsJSON(line, o.Format) {
				t.Fatalf("%q became %q: no JSON any more is %q", line, after[i], lost)
			}
		}
		o.Render = func(dst []byte, l *Line) []byte {
			var list []Finding
			for _, x := range l.Explain() {
				list = append(list, x.Finding)
				if x.Why() == "" {
					t.Fatalf("nothing says why %v is found", x)
				}
			}
			checkOrder(t, list, l.Size)
			return dst
		}
		filtered(t, text, o)
	})
}

func filtered(t *testing.T, text []byte, o FilterOptions) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Filter(bytes.NewReader(text), &out, o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func checkOrder(t *testing.T, list []Finding, size int) {
	t.Helper()
	end := 0
	for _, f := range list {
		if f.Start < end || f.End <= f.Start && size > 0 || f.End > size || f.Kind >= Dropped {
			t.Fatalf("finding %v behind %d in %d bytes", f, end, size)
		}
		end = f.End
	}
}

// plantedSecrets stand in the fuzzed texts, with a blank before and behind.
var plantedSecrets = []string{
	"john.doe@example.com", "4111111111111111", "DE89370400440532013000", "460-89-9847",
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJl", "AKIAIOSFODNN7EXAMPLE",
	"gatehouse_PlantedForTheTests00000000000000000000000001QjvcL",
}

// FuzzPlanted checks that no text around a secret makes it survive, as it is or
// encoded.
func FuzzPlanted(f *testing.F) {
	for i, s := range fuzzSeeds() {
		f.Add(s[:len(s)/2], s[len(s)/2:], uint8(i))
	}
	e := newEngine(f, Policy{})
	f.Fuzz(func(t *testing.T, before, after string, n uint8) {
		for _, name := range DefaultNeverFields() {
			if strings.Contains(normalize(before), normalize(name)) {
				t.Skip("a card number may stand where a request's identifier does")
			}
		}
		secret := plantedSecrets[int(n/6)%len(plantedSecrets)]
		if isMeasured(e, before+" ") {
			t.Skip("a card number may stand where a measure does")
		}
		for _, planted := range []string{secret, percentAll(secret), percentAll(percentAll(secret))} {
			text := before + " " + planted + " " + after
			if strings.Contains(before, planted) || strings.Contains(after, planted) {
				t.Skip("planted twice")
			}
			out, _ := e.Scrub(nil, []byte(text), Format(n%6))
			if bytes.Contains(out, []byte(planted)) {
				t.Fatalf("%s survived in %q", planted, out)
			}
		}
	})
}

// isMeasured reports whether a number behind a text is taken for a measure.
func isMeasured(e *Engine, before string) bool {
	var s scan
	s.init(e, []byte(before))
	return s.isMeasure(len(before), longID)
}

// TestScrubTwice checks that a text which was scrubbed stays as it is.
func TestScrubTwice(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{})
	for _, seed := range fuzzSeeds() {
		out, _ := e.Text(nil, []byte(seed))
		if again, _ := e.Text(nil, out); !bytes.Equal(again, out) {
			t.Errorf("%q\nbecame %q\n  then %q", seed, out, again)
		}
	}
}
