package scrub

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{MaxBytes: 100})
	long := strings.Repeat("x", 101)
	for _, tt := range []struct {
		name     string
		in, want string
		o        FilterOptions
	}{
		{name: "text", in: "a@b.io\nclean\n", want: "[email]\nclean\n"},
		{name: "no newline at the end", in: "clean\na@b.io", want: "clean\n[email]"},
		{name: "empty lines", in: "\n\n", want: "\n\n"},
		{name: "nothing", in: "", want: ""},
		{name: "too long", in: long + "\nclean\n" + long, want: "[dropped]\nclean\n[dropped]"},
		{name: "too long, JSON", in: `{"n":"` + long + "\"}\r\n[\"" + long + `"]`, want: "\"[dropped]\"\r\n\"[dropped]\""},
		{name: "JSON and carriage return", in: `{"card":4111111111111111}` + "\r\n" + `["a@b.io",4111111111111111]`, want: `{"card":"[card:1111]"}` + "\r\n" + `["[email]","[card:1111]"]`},
		{name: "too long, in the format JSON", in: long, want: `"[dropped]"`, o: FilterOptions{Format: FormatJSON}},
		{name: "no UTF-8", in: "J\xfcrgen a@b.io \xff\xfe\n", want: "J\xfcrgen [email] \xff\xfe\n"},
		{name: "a NUL", in: "first\x00second a@b.io\x00\n", want: "first\x00second [email]\x00\n"},
		{name: "UTF-16", in: "a\x00@\x00b\x00.\x00i\x00o\x00\r\x00\n\x00", want: "[dropped]\n[dropped]"},
		{name: "carriage return", in: "a@b.io\r\n", want: "[email]\r\n"},
		{
			name: "findings", in: "paid with card: 4111111111111111 by a@b.io\n\nclean",
			want: `{"findings":[{"kind":"card","start":16,"end":32},{"kind":"email","start":36,"end":42}]}` +
				"\n{\"findings\":[]}\n{\"findings\":[]}\n",
			o: FilterOptions{Findings: true},
		},
		{
			name: "findings of a line too long", in: long + "\n",
			want: `{"findings":[{"kind":"field","start":0,"end":101}]}` + "\n",
			o:    FilterOptions{Findings: true},
		},
		{
			name: "query", in: "password=x&n=1\n", want: "password=[field]&n=1\n",
			o: FilterOptions{Format: FormatQuery},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.o.Engine = e
			var out bytes.Buffer
			if err := Filter(iotest.OneByteReader(strings.NewReader(tt.in)), &out, tt.o); err != nil {
				t.Fatal(err)
			}
			if out.String() != tt.want {
				t.Errorf("wrote %q, want %q", out.String(), tt.want)
			}
		})
	}
}

// TestFilterFlushes checks that a line is written before the next one comes.
func TestFilterFlushes(t *testing.T) {
	t.Parallel()
	in, feed := io.Pipe()
	read, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- Filter(in, out, FilterOptions{Engine: newEngine(t, Policy{})}) }()
	if _, err := io.WriteString(feed, "a@b.io\n"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("[email]\n"))
	if _, err := io.ReadFull(read, got); err != nil || string(got) != "[email]\n" {
		t.Fatalf("read %q, %v", got, err)
	}
	if err := errors.Join(feed.Close(), <-done); err != nil {
		t.Fatal(err)
	}
}

func TestFilterErrors(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{})
	broken := errors.New("broken")
	var out bytes.Buffer
	if err := Filter(io.MultiReader(strings.NewReader("a@b.io\n"), iotest.ErrReader(broken)), &out, FilterOptions{Engine: e}); !errors.Is(err, broken) || out.String() != "[email]\n" {
		t.Errorf("what was read before the error became %q, %v", out.String(), err)
	}
	if err := Filter(iotest.ErrReader(broken), io.Discard, FilterOptions{Engine: e}); !errors.Is(err, broken) {
		t.Errorf("read error: got %v", err)
	}
	r, w := io.Pipe()
	if err := r.CloseWithError(broken); err != nil {
		t.Fatal(err)
	}
	var output *OutputError
	if err := Filter(strings.NewReader("x\n"), w, FilterOptions{Engine: e}); !errors.As(err, &output) || !errors.Is(err, broken) {
		t.Errorf("write error: got %v", err)
	}
}

func TestParseFormat(t *testing.T) {
	t.Parallel()
	for f := FormatText; f <= FormatRequest; f++ {
		if got, err := ParseFormat(f.String()); err != nil || got != f {
			t.Errorf("ParseFormat(%q) = %v, %v", f, got, err)
		}
	}
	if _, err := ParseFormat("xml"); err == nil || !strings.Contains(err.Error(), `"xml"`) {
		t.Errorf("unknown format: %v", err)
	}
}

// Keys that are no PEM blocks: those of RFC 4716, and PuTTY's.
const (
	sshLabel   = "SSH2 ENCRYPTED PRIVATE KEY"
	puttyLabel = "PuTTY"
)

// TestFilterKeysOverLines checks that a private key that is written over several lines goes
// from BEGIN to END, whatever a logger puts around its lines, and that lines of others in
// between stay.
func TestFilterKeysOverLines(t *testing.T) {
	t.Parallel()
	e, p := newEngine(t, Policy{}), newPlanter(31)
	for name, around := range map[string][2]string{
		"bare": {"", ""}, "prefix": {"2025-11-24T03:13:41Z app[7]: ", ""}, "JSON": {`{"log":"`, `\n","stream":"stderr"}`},
		"indented": {"    ", ""}, "syslog": {"<14>1 host app - - ", "\r"},
	} {
		for _, label := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK", sshLabel, puttyLabel} {
			other := "other GET /v1/orders/17 200 request_id=" + p.hex(32)
			body := []string{p.mixed(64), p.mixed(62) + "+/", p.mixed(20) + "=="}
			if label == "PGP PRIVATE KEY BLOCK" {
				body = append([]string{"Version: 1", ""}, body...)
			}
			begin, end := "-----BEGIN "+label+"-----", "-----END "+label+"-----"
			switch label {
			case sshLabel:
				begin, end = "---- BEGIN "+label+" ----", "---- END "+label+" ----"
				body = append([]string{`Comment: "rsa-key"`}, body...)
			case puttyLabel:
				begin, end = "Private-Lines: 3", "Private-MAC: "+p.hex(40)
			}
			lines := []string{around[0] + begin + around[1]}
			for i, l := range body {
				lines = append(lines, around[0]+l+around[1])
				if i == len(body)-2 {
					lines = append(lines, other)
				}
			}
			lines = append(lines, around[0]+end+around[1], around[0]+"sum "+p.hex(40)+around[1])
			in := strings.Join(lines, "\n")
			var out bytes.Buffer
			if err := Filter(strings.NewReader(in), &out, FilterOptions{Engine: e}); err != nil {
				t.Fatal(err)
			}
			got := strings.Split(out.String(), "\n")
			for _, l := range body[len(body)-3:] {
				if strings.Contains(out.String(), l) {
					t.Errorf("%s, %s: %s stays in\n%s", name, label, l, out.String())
				}
			}
			if len(got) != len(lines) || got[len(lines)-1] != lines[len(lines)-1] || !strings.Contains(out.String(), other) {
				t.Errorf("%s, %s: other lines changed:\n%s", name, label, out.String())
			}
			out.Reset()
			if err := Filter(strings.NewReader(in), &out, FilterOptions{Engine: e, Findings: true}); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(out.String(), `"kind":"secret"`); n < 3 {
				t.Errorf("%s, %s: %d parts of the key are told:\n%s", name, label, n, out.String())
			}
		}
	}
}

// TestFilterForgetsKeys checks that a key which never ends does not take all lines after it.
func TestFilterForgetsKeys(t *testing.T) {
	t.Parallel()
	p := newPlanter(32)
	in := "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("x\n", maxPEMLines) + p.mixed(64) + "\n"
	var out bytes.Buffer
	if err := Filter(strings.NewReader(in), &out, FilterOptions{Engine: newEngine(t, Policy{})}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), in[len(in)-65:]) {
		t.Errorf("the line after %d others is gone: %q", maxPEMLines, out.String()[max(0, out.Len()-100):])
	}
}

// TestExplain: each finding says by which rule it is one.
func TestExplain(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{MaxBytes: 5000, PathTemplates: []string{"/users/{name}"}, Patterns: []Pattern{{Name: "first", Regexp: "X-9"}, {Name: "order", Regexp: `O-\d{4}`}}})
	for _, tt := range []struct {
		text    string
		f       Format
		kind    Kind
		rule    Rule
		pattern string
	}{
		{"by a@b.io", FormatText, Email, RuleForm, ""},
		{"YWRhQGV4YW1wbGUuY29tIGlzIGhlcmU=", FormatText, Email, RuleForm, ""},
		{"password=hunter2", FormatText, Field, RuleName, ""},
		{`{"password":["x"]}`, FormatText, Field, RuleName, ""},
		{"token=letmein77", FormatText, Secret, RuleName, ""},
		{"the order O-1234", FormatText, Custom, RulePattern, "order"},
		{"/users/ada", FormatURL, Field, RuleTemplate, ""},
		{"curl -u ada:hunter2 http://x.internal", FormatText, Credential, RuleOption, ""},
		{"ALTER USER a WITH PASSWORD 'hunter2'", FormatText, Field, RuleStatement, ""},
		{`unix: - ada [24/Nov/2025:03:13:41 +0000] "GET / HTTP/1.1" 200 1 "-" "-" kong_request_id: ""`, FormatText, Field, RuleUser, ""},
		{strings.Repeat("x", 5001), FormatText, Field, RuleTooLong, ""},
		{strings.Repeat("[", 70) + strings.Repeat("]", 70), FormatJSON, Field, RuleTooDeep, ""},
		{"x=%25252525252525252540", FormatQuery, Field, RuleUnreadable, ""},
	} {
		list := e.Explain(nil, []byte(tt.text), tt.f)
		if len(list) != 1 || list[0].Kind != tt.kind || list[0].Rule != tt.rule || list[0].Pattern != tt.pattern {
			t.Errorf("%s: %v, want one of %v by %v", tt.text, list, tt.kind, tt.rule)
			continue
		}
		if dropped := tt.rule >= RuleTooLong; list[0].Dropped != dropped || list[0].Why() == "" {
			t.Errorf("%s: dropped is %t, why: %q", tt.text, list[0].Dropped, list[0].Why())
		}
	}
}

// TestFilterLeavesWhatMentionsKeys checks that neither a line which only mentions a key's
// beginning nor one that begins a key which never ends takes anything out of the lines behind.
func TestFilterLeavesWhatMentionsKeys(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{})
	scrubbed := func(in string) []string {
		var out bytes.Buffer
		if err := Filter(strings.NewReader(in), &out, FilterOptions{Engine: e}); err != nil {
			t.Fatal(err)
		}
		return strings.Split(out.String(), "\n")
	}
	heads := []string{
		"Error: no -----BEGIN PRIVATE KEY----- found in /etc/ssl/key.pem", "-----BEGIN RSA PRIVATE KEY-----", `{"msg":"no -----BEGIN PRIVATE KEY-----"}`,
		"2025-11-24T03:13:41Z app[7]: -----BEGIN PRIVATE KEY-----", `level=error msg="expected -----BEGIN PRIVATE KEY-----"`, "Private-Lines: 14",
		"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----", "expected -----BEGIN EC PRIVATE KEY-----: got nothing", `"-----BEGIN PRIVATE KEY-----" is missing`,
	}
	for i, f := range logFormats {
		p, lines := newPlanter(uint64(300+i)), []string(nil)
		for range 20 {
			line, _ := p.line(f)
			lines = append(lines, line)
		}
		rest := strings.Join(lines, "\n")
		alone := scrubbed(rest)
		for _, head := range heads {
			behind := scrubbed(head + "\n" + rest)
			if behind[0] != head {
				t.Errorf("%s\nbecame\n%s", head, behind[0])
			}
			for i, line := range behind[1:] {
				if line != alone[i] {
					t.Errorf("%s: behind %s\n%s\nbecame\n%s", f.name, head, lines[i], line)
				}
			}
		}
	}
}

// TestFilterReadsTemplatesAnywhere checks that path templates apply to the paths in lines of
// any kind, and to nothing else.
func TestFilterReadsTemplatesAnywhere(t *testing.T) {
	t.Parallel()
	o := FilterOptions{Engine: newEngine(t, Policy{PathTemplates: []string{"/users/{name}/orders/*", "/files/{name}/**"}})}
	for in, want := range map[string]string{
		"GET /users/bob/orders/3 HTTP/1.1":                                   "GET /users/[field]/orders/3 HTTP/1.1",
		"https://h.example/users/bob/orders/3?page=2":                        "https://h.example/users/[field]/orders/3?page=2",
		`{"request":{"uri":"/users/bob/orders/3"},"status":200}`:             `{"request":{"uri":"/users/[field]/orders/3"},"status":200}`,
		`{"request":{"url":"https://h:8443/users/bob/orders/3?a=b"}}`:        `{"request":{"url":"https://h:8443/users/[field]/orders/3?a=b"}}`,
		`{"request":"GET /users/bob/orders/3 HTTP/1.1"}`:                     `{"request":"GET /users/[field]/orders/3 HTTP/1.1"}`,
		`{"m":"{\"uri\":\"/users/bob/orders/3\"}"}`:                          `{"m":"{\"uri\":\"/users/[field]/orders/3\"}"}`,
		`time=1 path=/users/bob/orders/3 status=200`:                         `time=1 path=/users/[field]/orders/3 status=200`,
		`upstream: "http://10.0.0.1:80/files/a/b/c", host: "h"`:              `upstream: "http://10.0.0.0:80/files/[field]/b/c", host: "h"`,
		`/x?next=%2Fusers%2Fbob%2Forders%2F3&n=1`:                            `/x?next=%2Fusers%2F[field]%2Forders%2F3&n=1`,
		"/users/bob/orders, /users/bob, /v1/users/bob/orders/3, a/files/b/c": "",
		`{"path":"/users/joe@x.io/orders/3"}`:                                `{"path":"/users/[email]/orders/3"}`,
		`- - - [24/Nov/2025:03:13:41 +0000] "GET /users/bob/orders/3 HTTP/1.1" 200 1 "https://h/files/a" "x" kong_request_id: "1"`: `- - - [24/Nov/2025:03:13:41 +0000] "GET /users/[field]/orders/3 HTTP/1.1" 200 1 "https://h/files/[field]" "x" kong_request_id: "1"`,
	} {
		if want == "" {
			want = in
		}
		for _, f := range []Format{FormatText, FormatAccess, FormatJSON} {
			o.Format = f
			if got := string(filtered(t, []byte(in), o)); got != want {
				t.Errorf("as %s: %s\nbecame  %s\nwant    %s", f, in, got, want)
			}
		}
	}
}
