package scrub

import (
	"encoding/json"
	"strings"
	"testing"
)

// nestedNames are names of every role, and of none.
var nestedNames = []string{
	"password", "token", "key", "code", "pin", "pan", "card", "phone", "cookie", "authorization", "address", "secret", "session", "ssn", "ip",
	"m", "log", "value", "name", "n", "url", "x-request-id",
}

// nestedTexts are strings with something in them that is redacted, and without.
var nestedTexts = []string{
	"correcthorse", "joe@x.io", "4111111111111111", "+1 212 555 0100", "", "a \"b\" \\ c", "Bearer abcdefgh12", "password=hunter22", `password=["x"]`,
	`{"a`, `x "pin":1234,`, "/x?q=%7B%22pin%22%3A1234%7D", "pin=1", "\"", "a\nb: c", "secret: {\"a\":1}", "&quot;pin&quot;:1234", "[card", "10.1.2.3",
}

var nestedNumbers = []string{"1234", "4111111111111111", "4155552671", "123456789012", "0.5", "-7", "true", "false", "null"}

// nested returns a JSON value of any type, at most depth objects and arrays deep, in which
// strings hold JSON of their own, at most layers deep.
func (p *planter) nested(depth, layers int) string {
	switch n := p.r.IntN(10); {
	case n < 2 || depth == 0:
		return quotedJSON(pick(p, nestedTexts))
	case n < 5:
		return pick(p, nestedNumbers)
	case n < 7 && layers > 0:
		around := pick(p, [][2]string{{"", ""}, {"", ""}, {"", "\n"}, {"body: ", ""}, {"x=", " y"}})
		return quotedJSON(around[0] + p.nested(depth, layers-1) + around[1])
	case n == 7:
		return p.nestedList("[", "]", func() string { return p.nested(depth-1, layers) })
	}
	return p.nestedObject(depth, layers)
}

func (p *planter) nestedObject(depth, layers int) string {
	return p.nestedList("{", "}", func() string { return quotedJSON(pick(p, nestedNames)) + ":" + p.nested(depth-1, layers) })
}

func (p *planter) nestedList(open, end string, item func() string) string {
	var items []string
	for range p.r.IntN(4) {
		items = append(items, item())
	}
	return open + strings.Join(items, pick(p, []string{",", ", "})) + end
}

func quotedJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// TestNestedJSONStaysJSON checks that what was valid JSON still is, in every string that
// holds some, whatever the line is read as.
func TestNestedJSONStaysJSON(t *testing.T) {
	t.Parallel()
	p, failed := newPlanter(41), 0
	engines := []*Engine{defaultEngine(), newEngine(t, Policy{Actions: map[Kind]Action{Field: Drop, Card: Drop, Phone: Drop, Secret: Drop}})}
	for range rounds(20000) {
		text := p.nestedObject(3, 2)
		for _, e := range engines {
			for _, f := range []Format{FormatText, FormatJSON, FormatAccess, FormatQuery} {
				out, _ := e.Scrub(nil, []byte(text), f)
				if lost := lostJSON(text, string(out)); lost != "" {
					t.Errorf("as %s: no JSON any more: %s\n%s\n%s", f, lost, text, out)
					failed++
				}
				checkSettles(t, e, []byte(text), f)
			}
		}
		if failed > 10 {
			t.FailNow()
		}
	}
}

// lostJSON returns the text that was JSON and became none: all of it, or one in a string.
func lostJSON(before, after string) string {
	var was, is any
	if json.Unmarshal([]byte(before), &was) != nil {
		return ""
	}
	if json.Unmarshal([]byte(after), &is) != nil {
		return after
	}
	return lostWithin(was, is)
}

// lostWithin is lostJSON for the strings in two values; what was redacted whole is left out.
func lostWithin(was, is any) string {
	switch was := was.(type) {
	case map[string]any:
		is, _ := is.(map[string]any)
		for name, v := range was {
			if lost := lostWithin(v, is[name]); lost != "" {
				return lost
			}
		}
	case []any:
		is, _ := is.([]any)
		for i := range min(len(was), len(is)) {
			if lost := lostWithin(was[i], is[i]); lost != "" {
				return lost
			}
		}
	case string:
		is, ok := is.(string)
		if s := strings.TrimSpace(was); ok && s != "" && (s[0] == '{' || s[0] == '[') && !isMarkerText(is) {
			return lostJSON(was, is)
		}
	}
	return ""
}

// isMarkerText reports whether a text is one marker, which stands for all that was there.
func isMarkerText(s string) bool {
	return len(s) > 2 && s[0] == '[' && strings.IndexByte(s, ']') == len(s)-1 && isAlpha(s[1])
}
