package scrub

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

var testKey = []byte("0123456789abcdef0123456789abcdef")

func TestScrub(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		f        Format
		in, want string
	}{
		{"query", FormatQuery, "email=a%40b.io&page=2&q=call+%2B1+212+555+0100", "email=[email]&page=2&q=call+[phone]"},
		{"query, encoded twice", FormatQuery, "e=a%2540b.io&x=1", "e=[email]&x=1"},
		{"query, encoded too often", FormatQuery, "e=a%25252525252525252540b.io&x=1", "e=[dropped]&x=1"},
		{"query, name encoded", FormatQuery, "%70assword=hunter2&x=1", "%70assword=[field]&x=1"},
		{"query, form in a value", FormatQuery, "next=%2Fx%3Fpassword%3Dhunter2%26n%3D1&x=1", "next=%2Fx%3Fpassword%3D[field]%26n%3D1&x=1"},
		{"query, card in groups", FormatQuery, "n=4111+1111+1111+1111", "n=[card:1111]"},
		{"query, base64", FormatQuery, "state=eyJlbWFpbCI6ImFAYi5pbyJ9&x=1", "state=[email]&x=1"},
		{"query, short base64", FormatQuery, "q=YUBiLmlv&r=YUBjZC5pbw==&s=YUBjZGUuaW8%3D", "q=YUBiLmlv&r=[email]&s=[email]"},
		{"text, base64 card", FormatText, "x dG9rZW46IDQxMTExMTExMTExMTExMTE", "x [card:1111]"},
		{"query, empty", FormatQuery, "", ""},
		{"query, old escape", FormatQuery, "q=a%u0040b.io&x=1", "q=[email]&x=1"},
		{"query, no text", FormatQuery, "q=a%C1%80b.io&x=100%&y=%FCrgen", "q=[dropped]&x=100%&y=%FCrgen"},
		{"magnetic stripe", FormatText, "%B4111111111111111^DOE/JOHN^2712101000?", "[dropped]"},
		{"other script", FormatText, "n: ４１１１ １１１１ １１１１ １１１１ ☎ ٤١١١١١١١١١١١١١١١", "n: [card:1111] ☎ [card:1111]"},
		{"other dashes", FormatText, "ssn 460–89–9847, card 4111\u00a01111\u00a01111\u00a01111", "ssn [us_ssn], card [card:1111]"},
		{"url", FormatURL, "https://u:p@h.example/users/a@b.io?card=4111111111111111#t=a@b.io", "https://[credential]@h.example/users/[email]?card=[card:1111]#t=[email]"},
		{"url, path encoded", FormatURL, "/users/a%40b.io/x", "/users/[email]/x"},
		{"json", FormatJSON, `{"email":"a\u0040b.io","n":[1,2.5e3,true,null],"id":"550e8400-e29b-41d4-a716-446655440000"}`, `{"email":"[email]","n":[1,2.5e3,true,null],"id":"550e8400-e29b-41d4-a716-446655440000"}`},
		{"json, number", FormatJSON, `{"card":4111111111111111,"cvv":123,"ok":12345}`, `{"card":"[card:1111]","cvv":"[field]","ok":12345}`},
		{"json, object under a field's name", FormatJSON, `{"address":{"street":"x","no":7},"n":1}`, `{"address":"[field]","n":1}`},
		{"json, name in escapes", FormatJSON, `{"p\u0061ssword":"x"}`, `{"p\u0061ssword":"[field]"}`},
		{"json, name that is a value", FormatJSON, `{"a@b.io":1}`, `{"[email]":1}`},
		{"json, null", FormatJSON, `{"password":null}`, `{"password":null}`},
		{"json, too deep", FormatJSON, strings.Repeat("[", 70) + strings.Repeat("]", 70), `"[dropped]"`},
		{"json, broken", FormatJSON, `{"email":"a@b.io","password":"x`, `{"email":"[email]","password":"[field]`},
		{"json, name without a value", FormatJSON, `{"n":"a@b.io","`, `{"n":"[email]","`},
		{"json, bare word", FormatJSON, ` a@b.io `, ` [email] `},
		{"json in text", FormatText, `msg="{\"password\":\"a b\",\"n\":1}"`, `msg="{\"password\":\"[field]\",\"n\":1}"`},
		{"text that is JSON", FormatText, `{"p\u0061ssword":"x"}`, `{"p\u0061ssword":"[field]"}`},
		{"header", FormatText, "Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [credential]"},
		{"digest", FormatText, `Authorization: Digest username="ada", nonce="x"`, `Authorization: Digest [credential]`},
		{"trace header", FormatText, "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
		{"identifier that is none", FormatText, "x-request-id: a@b.io", "x-request-id: [email]"},
		{"nginx escapes", FormatText, `"j\xC3\xBCrgen@example.com"`, `"[email]"`},
		{"private key", FormatText, "-----BEGIN PRIVATE KEY-----MIIEvQIBADANBgkqhkiG9w0BAQ-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----[secret]-----END PRIVATE KEY-----"},
		{"request", FormatRequest, "GET /x?token=q8Zp3LkV0xTn7RwY HTTP/1.1", "GET /x?token=[secret] HTTP/1.1"},
		{
			"access", FormatAccess,
			`203.0.113.7 - ada [24/Nov/2025:03:13:41 +0000] "GET /u/a@b.io HTTP/1.1" 200 4821 "https://x.example/?q=a@b.io" "bot (a@b.io)" kong_request_id: "6b3f" rt=1 a@b.io`,
			`203.0.113.0 - [field] [24/Nov/2025:03:13:41 +0000] "GET /u/[email] HTTP/1.1" 200 4821 "https://x.example/?q=[email]" "bot ([email])" kong_request_id: "6b3f" rt=1 [email]`,
		},
		{
			"access, time that is none", FormatAccess,
			`- - - [a@b.io] "GET / HTTP/1.1" 200 1 "-" "-"`, `- - - [[email]] "GET / HTTP/1.1" 200 1 "-" "-"`,
		},
		{"access, broken", FormatAccess, `203.0.113.7 - - [24/Nov/2025] a@b.io`, `203.0.113.0 - - [24/Nov/2025] [email]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, Policy{})
			out, _ := e.Scrub([]byte(">"), []byte(tt.in), tt.f)
			if got := string(out); got != ">"+tt.want {
				t.Errorf("scrubbed %q\n got %q\nwant %q", tt.in, got[1:], tt.want)
			}
			again, _ := e.Scrub(nil, []byte(tt.want), tt.f)
			if string(again) != tt.want {
				t.Errorf("scrubbed again: %q, want %q", again, tt.want)
			}
			if tt.f == FormatJSON && json.Valid([]byte(tt.in)) && !json.Valid(out[1:]) && tt.want != "[dropped]" {
				t.Errorf("%q is no JSON any more", out)
			}
		})
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	all := "a@b.io 4111111111111111 DE89370400440532013000 203.0.113.7 2001:db8:1:2::7 460-89-9847 +12125550100"
	for _, tt := range []struct {
		name    string
		actions map[Kind]Action
		want    string
	}{
		{"default", nil, "[email] [card:1111] [iban] 203.0.113.0 2001:db8:1:: [us_ssn] [phone]"},
		{"redact", map[Kind]Action{Card: Redact, IP: Redact}, "[email] [card] [iban] [ip] [ip] [us_ssn] [phone]"},
		{"keep last four", map[Kind]Action{IBAN: KeepLast4, Email: KeepLast4, Phone: KeepLast4}, "[email] [card:1111] [iban:3000] 203.0.113.0 2001:db8:1:: [us_ssn] [phone:0100]"},
		{"drop", map[Kind]Action{Email: Drop, Card: Drop, IP: Drop}, "  [iban]   [us_ssn] [phone]"},
		{"keep", map[Kind]Action{Email: Keep, IP: Keep}, "a@b.io [card:1111] [iban] 203.0.113.7 2001:db8:1:2::7 [us_ssn] [phone]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, _ := newEngine(t, Policy{Actions: tt.actions}).Text(nil, []byte(all))
			if string(out) != tt.want {
				t.Errorf("got %q, want %q", out, tt.want)
			}
		})
	}
	t.Run("drop in JSON", func(t *testing.T) {
		t.Parallel()
		e := newEngine(t, Policy{Actions: map[Kind]Action{Card: Drop}})
		out, _ := e.JSON(nil, []byte(`{"n":4111111111111111,"s":"4111111111111111"}`))
		if want := `{"n":null,"s":""}`; string(out) != want {
			t.Errorf("got %s, want %s", out, want)
		}
	})
}

func TestPseudonyms(t *testing.T) {
	t.Parallel()
	policy := Policy{
		Actions:      map[Kind]Action{Email: Pseudonym, Phone: Pseudonym, IBAN: Pseudonym},
		PseudonymKey: testKey, PseudonymKeyID: "k1",
	}
	e := newEngine(t, policy)
	scrub := func(e *Engine, f Format, text string) string {
		out, _ := e.Scrub(nil, []byte(text), f)
		return string(out)
	}
	one := scrub(e, FormatText, "Ada@Example.com")
	if !strings.HasPrefix(one, "[email:k1:") || len(one) != len("[email:k1:]")+16 {
		t.Fatalf("pseudonym %q", one)
	}
	for _, same := range [][2]string{
		{one, scrub(e, FormatText, "ada@example.com")},
		{"x=" + one, scrub(e, FormatQuery, "x=ada%40example.com")},
		{scrub(e, FormatText, "+12125550100"), scrub(e, FormatText, "+1 (212) 555-0100")},
		{scrub(e, FormatText, "DE89370400440532013000"), scrub(e, FormatText, "de89 3704 0044 0532 0130 00")},
		{one, scrub(e, FormatText, one)},
	} {
		if same[0] != same[1] {
			t.Errorf("%q and %q differ", same[0], same[1])
		}
	}
	policy.PseudonymKeyID, policy.PseudonymKey = "k2", bytes.Repeat([]byte("x"), 32)
	rotated := newEngine(t, policy)
	for _, other := range []string{scrub(e, FormatText, "eve@example.com"), scrub(rotated, FormatText, "ada@example.com")} {
		if other == one {
			t.Errorf("%q stands for two people, or under two keys", one)
		}
	}
	policy.Actions[Field] = Pseudonym
	fields := newEngine(t, policy)
	if got := scrub(fields, FormatQuery, "password=4111111111111111&pin=1234"); got != "password=[field]&pin="+scrub(fields, FormatQuery, "pin=1234")[4:] || strings.HasSuffix(got, "=[field]") {
		t.Errorf("a card number under another name became %q: its hash must not be there", got)
	}
	if got := e.Pseudonym("user", "u1"); got != e.Pseudonym("user", "u1") || !strings.HasPrefix(got, "user:k1:") {
		t.Errorf("user %q", got)
	}
	if got := newEngine(t, Policy{}).Pseudonym("user", "u1"); got != "[user]" {
		t.Errorf("user without a key: %q", got)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{
		Fields: []string{"name", "X-Customer"}, NeverFields: []string{"order_no", "password"},
		PathTemplates: []string{"/users/{name}/orders/*", "/files/{dir}/**"},
		Patterns: []Pattern{
			{Name: "customer", Regexp: `\bC-\d{4}\b`}, {Name: "project", Keywords: []string{"Manhattan"}},
			{Name: "guarded", Regexp: `\bZ\d+\b`, Keywords: []string{"zeta"}},
		},
	})
	for _, tt := range []struct {
		f        Format
		in, want string
	}{
		{FormatQuery, "name=Ada&file_name=x&fullName=Ada&filename=x", "name=[field]&file_name=[field]&fullName=[field]&filename=x"},
		{FormatText, "order_no: 4111111111111111 no: 4111111111111111", "order_no: 4111111111111111 no: [card:1111]"},
		{FormatQuery, "password=4111111111111111&password=a@b.io", "password=4111111111111111&password=[email]"},
		{FormatURL, "/users/ada/orders/17?x=a@b.io", "/users/[field]/orders/17?x=[email]"},
		{FormatURL, "https://h.example/users/ada/orders/a@b.io", "https://h.example/users/[field]/orders/[email]"},
		{FormatURL, "/users/ada/orders", "/users/ada/orders"},
		{FormatURL, "/files/private/a/b/c", "/files/[field]/a/b/c"},
		{FormatText, "C-1234 and C-12345, MANHATTAN", "[custom] and C-12345, [custom]"},
		{FormatQuery, "q=%43-1234", "q=[custom]"},
		{FormatText, "Z1 alone", "Z1 alone"},
		{FormatText, "Z1 of Zeta", "[custom] of Zeta"},
	} {
		out, _ := e.Scrub(nil, []byte(tt.in), tt.f)
		if string(out) != tt.want {
			t.Errorf("scrubbed %q\n got %q\nwant %q", tt.in, out, tt.want)
		}
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{})
	for _, tt := range []struct{ name, in, want string }{
		{"password", "hunter2", "[field]"},
		{"X-Api-Key", "abc", "[field]"},
		{"authorization", "Bearer abc123def456", "Bearer [credential]"},
		{"authorization", "abc123def456", "[field]"},
		{"phone", "2125550100", "[phone]"},
		{"id", "2125550100", "2125550100"},
		{"ssn", "460899847", "[us_ssn]"},
		{"card_number", "4111111111111111", "[card:1111]"},
		{"card_number", "not a card", "[field]"},
		{"token", "q8Zp3LkV0xTn7RwY", "[secret]"},
		{"token", "a@b.io", "[email]"},
		{"x-request-id", "4111111111111111", "4111111111111111"},
		{"app_version", "1.2.3.4", "1.2.3.4"},
		{"x-forwarded-for", "203.0.113.7, 10.0.0.1", "203.0.113.0, 10.0.0.0"},
		{"password", "", ""},
	} {
		out, tally := e.Value(nil, tt.name, []byte(tt.in))
		if string(out) != tt.want {
			t.Errorf("%s: %q became %q, want %q", tt.name, tt.in, out, tt.want)
		}
		if changed := tt.in != tt.want; changed != (tally.Total() > 0) {
			t.Errorf("%s: %q: counted %d", tt.name, tt.in, tally.Total())
		}
	}
}

func TestTooLongIsDropped(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{MaxBytes: 10})
	out, tally := e.Text(nil, []byte("eleven byte"))
	if string(out) != "[dropped]" || tally[Dropped] != 1 {
		t.Errorf("wrote %q, counted %v", out, tally)
	}
	if got := e.Findings(nil, []byte("eleven byte"), FormatText); len(got) != 1 || got[0] != (Finding{Field, 0, 11}) {
		t.Errorf("findings %v", got)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := New(Policy{Actions: map[Kind]Action{Email: Pseudonym}}); !errors.Is(err, ErrNoKey) {
		t.Errorf("no key: %v", err)
	}
	if _, err := New(Policy{PseudonymKey: []byte("short"), PseudonymKeyID: "k1"}); !errors.Is(err, ErrShortKey) {
		t.Errorf("short key: %v", err)
	}
	if _, err := New(Policy{Actions: map[Kind]Action{Card: Pseudonym}, PseudonymKey: testKey, PseudonymKeyID: "k1"}); !errors.Is(err, ErrCardHash) {
		t.Errorf("hashed card: %v", err)
	}
	for name, p := range map[string]Policy{
		"kind":     {Actions: map[Kind]Action{Dropped: Redact}},
		"action":   {Actions: map[Kind]Action{Email: Keep + 1}},
		"truncate": {Actions: map[Kind]Action{Email: Truncate}},
		"key id":   {PseudonymKey: testKey, PseudonymKeyID: "k:1"},
		"bytes":    {MaxBytes: -1},
		"depth":    {MaxDepth: 99},
		"template": {PathTemplates: []string{"/a/{b}c"}},
		"stars":    {PathTemplates: []string{"/**/{a}"}},
		"keyword":  {Patterns: []Pattern{{Name: "x", Keywords: []string{""}}}},
	} {
		if _, err := New(p); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
