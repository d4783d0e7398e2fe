package scrub

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// mostLosing is the share of a format's clean lines that may lose anything but a part of
// an address.
const mostLosing = 0.005

// TestCleanLines holds each format to its share of clean lines that lose something, and
// prints the table.
func TestCleanLines(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes long; make eval has it")
	}
	e := newEngine(t, Policy{})
	const lines = 600
	table := fmt.Sprintf("Clean lines, by format\n%-26s %6s %6s %8s\n", "format", "lines", "losing", "share")
	for i, f := range slices.Concat(logFormats, namedFormats, []logFormat{{name: "any fields in any order"}}, numberFormats) {
		p, losing := newPlanter(uint64(100+i)), 0
		for range lines {
			one := f
			if len(f.templates) == 0 {
				one.templates = []string{p.fieldsInAnyOrder()}
			}
			line, addresses := p.line(one)
			lost := loses(e, line, addresses)
			if lost == "" {
				continue
			}
			losing++
			if *showAll {
				t.Logf("%s: %s\n%s", f.name, lost, line)
			}
		}
		share := float64(losing) / lines
		table += fmt.Sprintf("%-26s %6d %6d %7.2f%%\n", f.name, lines, losing, 100*share)
		if share > mostLosing {
			t.Errorf("%s: %.2f%% of clean lines lose something, at most %.1f%% may", f.name, 100*share, 100*mostLosing)
		}
	}
	fmt.Fprint(t.Output(), table)
}

// loses says what a line loses that is no part of one of its addresses, "" if nothing.
func loses(e *Engine, line string, addresses map[string]bool) string {
	for _, one := range e.Findings(nil, []byte(line), FormatText) {
		if value := line[one.Start:one.End]; one.Kind != IP || !addresses[value] {
			return fmt.Sprintf("%s %q", one.Kind, value)
		}
	}
	out, _ := e.Text(nil, []byte(line))
	if json.Valid([]byte(line)) && !json.Valid(out) {
		return "its form as JSON"
	}
	return ""
}

// fieldsInAnyOrder returns a template of any fields in any order, such as somebody's own format.
func (p *planter) fieldsInAnyOrder() string {
	var parts []string
	for range 5 + p.r.IntN(12) {
		parts = append(parts, pick(p, mixedFields))
	}
	return strings.Join(parts, pick(p, []string{" ", " ", " ", "\t", "|", ",", " | ", ";", ", "}))
}

var mixedFields = []string{
	"{{ip4}}", "{{ip4}}:{{port}}", "{{ip}}", "{{status}}", "{{status}}", "{{size}}", "{{size}}", "{{ms}}", "{{sec}}", "{{sec6}}", "{{f3}}", "{{tiny}}",
	"{{float}}", "-", `"-"`, `"{{agent}}"`, `"{{ref}}"`, `"{{request}}"`, "{{uuid}}", "{{hex32}}", "{{hex16}}", "{{hex8}}", "{{hex9}}", "{{HEX16}}",
	"{{HEX8}}", "{{ulid}}", "{{snowflake}}", "{{id}}", "{{semver}}", "{{build}}", "{{iso}}", "[{{clf}}]", "[{{clfms}}]", "{{day}} {{clock}}",
	"{{clockms}}", "{{epoch}}", "{{epochms}}", "{{epochf}}", "{{path}}", "{{target}}", "{{pid}}", "[{{pid}}]", "{{count}}", "{{n3}}", "{{n4}}", "{{level}}",
	"rt={{sec}}", "bytes={{size}}", "id={{id}}", "{{ms}}ms", "{{n2}}/{{n2}}/{{n3}}/{{n4}}/{{n4}}", "{{n1}}/{{ms}}/{{ms}}", "{{word}}", "{{host}}",
	"{{pod}}", "{{lat}}", "{{upsec}}", "{{rand20}}", "{{b64id}}", "{{account}}", "{{method}}", "{{proto}}", "{{sec}},{{sec}}", "{{n3}}:{{n3}}",
	"{{word}}:", "{{comma}}", "#{{pid}}", "({{n3}})", "{{f1}}%", "{{id9}}", "{{id10}}",
}

// TestStays holds texts that come out as they are, but for the part of an address that
// goes. What would make the same digits a person's is beside them.
func TestStays(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{})
	for _, tt := range []struct{ in, want string }{
		// a fraction, an address, a status and a size, side by side
		{"took 0.045 0.045 10.1.2.3:8080 200", "took 0.045 0.045 10.1.2.0:8080 200"},
		{"0.069 48714671-d115-4c1e-9d3f-0a1b2c3d4e5f", ""},
		{"06 48714671-d115-4c1e-9d3f-0a1b2c3d4e5f", ""},
		{"2025-11-24 10:05:06 10.46.123.36 GET /", "2025-11-24 10:05:06 10.46.123.0 GET /"},
		{`"GET / HTTP/1.1" 304 500 319 52055`, ""},
		{`"GET / HTTP/1.1" 200 45 4821 "-"`, ""},
		{`"GET / HTTP/1.1" 404 555 0100 -`, ""},
		{"TCP_MISS/304 2344962 CONNECT", ""},
		{"be/srv1 0/0/30/69/109 200 2750 - -", ""},
		{`"… Mobile Safari/537.36" 200 1234567 17`, ""},
		{`200 1234567 "mobile@docker"`, ""},
		{"pod mobile-api-7d9c5b6f4 200 1234567", ""},
		{`{"duration":0.0437956204379562,"mobile":-1234567.5}`, ""},
		{`{"offset":4111111111111111,"id":"6205500000000000004"}`, ""},
		// with a word beside them, or alone
		{"call 0.045 555 0100", "call 0.045 [phone]"},
		{`"GET /" 200 mobile 404 555 0100`, `"GET /" 200 mobile [phone]`},
		{"reached at 404 555 0100 today", "reached at [phone] today"},
		{`{"mobile":1234567,"card":4111111111111111}`, `{"mobile":"[phone]","card":"[card:1111]"}`},
		{`{"number":"6205500000000000004"}`, `{"number":"[card:0004]"}`},
		{"visa 304 500 319 52055", "visa [card:2055]"},
		// versions and products
		{"GET /mobile/21.9.1556/x", ""},
		{"GET /mobile/8812734/x", ""},
		{"Server: nginx/1.25.3.1, openresty/1.25.3.1", ""},
		{"/phone/2125550100 /tel/212.555.0100", "/phone/[phone] /tel/[phone]"},
		{"client/1.2.3.4 curl to /1.2.3.4", "client/1.2.3.0 curl to /1.2.3.0"},
		// identifiers
		{"order id 3445538778, id: 787510612", ""},
		{"commit 8857557d merged, 8857557d", ""},
		{"IMEI: 356938035643809, phone IMEI: 356938035643809", ""},
		{"26.927602981Z 10:05:06.27602981Z", ""},
		{"[PSYoungGen: 65536K->10748K(76288384K)]", ""},
		{"national id 123456782, 8857557D", "national id [national_id], [national_id]"},
		{"dni 12345678z, aadhaar 2341 2341 2346", "dni [national_id], aadhaar [national_id]"},
		{"Suite 680 36 4022 Oak Lane", ""},
		{"SSN 680 36 4022", "SSN [us_ssn]"},
		{`{"n":"680 36 4022"}`, `{"n":"[us_ssn]"}`},
		{"at 17031 2202 Rissik St, call office at 17031 2202", "at 17031 2202 Rissik St, call office at [phone]"},
		// addresses
		{"peer address: 10.1.2.3:443 connect() failed (111: Connection refused)", "peer address: 10.1.2.0:443 connect() failed (111: Connection refused)"},
		{`{"client.address":"10.1.2.3","server.address":"db.example.com","address":"[2001:db8:1:2::3]:80"}`, `{"client.address":"10.1.2.0","server.address":"db.example.com","address":"[2001:db8:1::]:80"}`},
		{"address: unix:/run/app.sock, address: db-1:5432", ""},
		{`{"client.address":"12 Oak Lane","address":"Oak Lane 12"}`, `{"client.address":"[field]","address":"[field]"}`},
		// what follows a value
		{"GET /caf%E9?page=2&lang=fr HTTP/1.1", ""},
		{"GET /caf%E9?mail=a%40b.io&q=caf%E9", "GET /caf%E9?mail=[email]&q=caf%E9"},
		{"GET /a;jsessionid=X?page=2 HTTP/1.1", "GET /a;jsessionid=[field]?page=2 HTTP/1.1"},
		{"Server=db;Password=x;Encrypt=True;Pwd=a;b;Trust Server Certificate=no", "Server=db;Password=[field];Encrypt=True;Pwd=[field];Trust Server Certificate=no"},
		{`{"raw":"GET / HTTP/1.1\r\nCookie: a=b; c=d\r\nHost: h"}`, `{"raw":"GET / HTTP/1.1\r\nCookie: [field]\r\nHost: h"}`},
		{`{"raw":"{\"h\":\"Cookie: a=b\\r\\nHost: h\"}"}`, `{"raw":"{\"h\":\"Cookie: [field]\\r\\nHost: h\"}"}`},
	} {
		want := tt.want
		if want == "" {
			want = tt.in
		}
		out, _ := e.Text(nil, []byte(tt.in))
		if string(out) != want {
			t.Errorf("scrubbed %s\n     got %s\n    want %s", tt.in, out, want)
		}
		if again, _ := e.Text(nil, out); string(again) != string(out) {
			t.Errorf("scrubbed again: %s, want %s", again, out)
		}
	}
}
