package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// written writes files into a folder, to which the test goes.
func written(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const routesAndPolicy = `_format_version: "3.0"
services:
- name: shop
  url: http://shop.internal
  routes:
  - {name: orders, paths: [/v1/orders]}
  - {name: all, paths: [/v1]}
  - {name: users, paths: ["~/v1/users/[0-9]+$"]}
plugins:
- name: pii-log-scrub
  config: {fields: [customer_ref]}
`

func TestScrub(t *testing.T) {
	long := `{"n":"` + strings.Repeat("x", 70_000) + `"}`
	access := `203.0.113.7 - - [24/Nov/2025:03:13:41 +0000] "GET %s HTTP/1.1" 200 4821 "-" "curl/8.4.0" kong_request_id: "6b3f0a1c2d4e5f60718293a4b5c6d7e8"` + "\n"
	line := func(uri string) string { return strings.Replace(access, "%s", uri, 1) }
	written(t, map[string]string{
		"app.log": "mail joe@example.com\r\nref customer_ref=4711", "more.log": "card 4111111111111111\n",
		"policy.yaml": "fields: [customer_ref]\npatterns: [{name: order, regex: 'O-[0-9]{4}'}]\nactions: {email: drop}\n",
		"whole.yaml":  "# a plugin, as it is in kong.yaml\nname: pii-log-scrub\nconfig:\n  fields: [customer_ref]\n",
		"kong.yaml":   routesAndPolicy, "key.yaml": "actions: {email: pseudonym}\npseudonym_key: '{vault://env/scrub-key}'\npseudonym_key_id: k1\n",
		"onehop.yaml": "_format_version: '3.0'\nplugins: [{name: gatehouse, config: {run: [pii_log_scrub], pii_log_scrub: {fields: [customer_ref]}}}]\n",
		"bad.yaml":    "fields: [customer_ref]\nactions:\n  email: hash\nnever_field: [id]\n",
		"short.yaml":  "pseudonym_key: short\npseudonym_key_id: k1\n", "empty.yaml": "# nothing\n", "tab.yaml": "fields:\n\t- a\n", "none.yaml": "_format_version: '3.0'\n",
		"a.gz": "\x1f\x8b\x08\x00", "a.zst": "\x28\xb5\x2f\xfd", "utf16.log": "\xff\xfea\x00", "long.log": long + "\n",
		"access.log": line("/v1/orders/7?email=joe@example.com") + line("/v1/users/17") + line("/x?card=4111111111111111"),
		"kong.jsonl": `{"route":{"name":"orders"},"request":{"querystring":{"email":"joe@example.com"}}}` + "\n",
	})
	t.Setenv("SCRUB_KEY", strings.Repeat("k", 32))
	for _, tt := range []struct {
		args, in string
		code     int
		out      string
		errs     []string // each is a part of what is on standard error; none: it is empty
	}{
		{"", "a@b.io\n", 0, "[email]\n", nil},
		{"--findings", "paid with 4111 1111 1111 1111 today\n", 0, `{"findings":[{"kind":"card","start":10,"end":29}]}` + "\n", nil},
		{"-", "a@b.io", 0, "[email]", nil},
		{"app.log more.log", "", 0, "mail [email]\r\nref customer_ref=4711\ncard [card:1111]\n", nil},
		{"more.log - more.log", "a@b.io", 0, "card [card:1111]\n[email]\ncard [card:1111]\n", nil},
		{"--policy policy.yaml app.log", "", 0, "mail \r\nref customer_ref=[field]", nil},
		{"--policy whole.yaml app.log", "", 0, "mail [email]\r\nref customer_ref=[field]", nil},
		{"--policy kong.yaml app.log", "", 0, "mail [email]\r\nref customer_ref=[field]", nil},
		{"--policy onehop.yaml app.log", "", 0, "mail [email]\r\nref customer_ref=[field]", nil},
		{"--policy key.yaml", "a@b.io\n", 0, "[email:k1:b20be1cb6589db3b]\n", nil},
		{"--policy bad.yaml app.log", "", 1, "", []string{
			"gatehouse: bad.yaml:3: error: actions.email: \"hash\": ", "expected one of: default, redact, ", "gatehouse: bad.yaml:4: error: never_field: no such field; never_fields?",
		}},
		{"--policy short.yaml", "", 1, "", []string{"gatehouse: short.yaml:1: error: pseudonym_key: length must be at least 32"}},
		{"--policy empty.yaml", "", 1, "", []string{"empty.yaml: error: there is nothing in it but comments; write the plugin's config"}},
		{"--policy tab.yaml", "", 1, "", []string{"tab.yaml:2: error: a tab in the indentation"}},
		{"--policy none.yaml", "", 1, "", []string{"none.yaml: no plugin pii-log-scrub in it"}},
		{"--policy nowhere.yaml", "", 1, "", []string{"read policy: open nowhere.yaml: no such file or directory"}},
		{"app.log nowhere.log . a.gz a.zst utf16.log more.log", "", 1, "mail [email]\r\nref customer_ref=4711\ncard [card:1111]\n", []string{
			"gatehouse: open nowhere.log: no such file or directory\ngatehouse: . is a directory: name the files in it\n",
			"a.gz is compressed with gzip: zcat", "a.zst is compressed with zstd", "utf16.log is in UTF-16",
		}},
		{"", "\x1f\x8b\x08", 1, "", []string{"standard input is compressed with gzip"}},
		{"long.log", "", 0, "\"[dropped]\"\n", []string{"texts dropped, since they could not be examined: 1;"}},
		{"--strict long.log", "", 3, "\"[dropped]\"\n", []string{"could not be examined: 1"}},
		{"--strict long.log nowhere.log", "", 1, "\"[dropped]\"\n", []string{"could not be examined: 1", "nowhere.log"}},
		{"--strict app.log", "", 0, "mail [email]\r\nref customer_ref=4711", nil},
		{"", "a\x00@\x00b\x00.\x00i\x00o\x00\nx\xff\xfe\n", 0, "[dropped]\nx\xff\xfe\n", []string{"could not be examined: 1"}},
		{"--explain --policy policy.yaml app.log", "", 0, "app.log:1:5-20: email, drop: it is an e-mail address (rule form)\n" +
			"app.log:2:17-21: field, redact: its name says so (rule name, field customer_ref)\n", nil},
		{"--explain --policy policy.yaml", "O-1234\n", 0, `standard input:1:0-6: custom, redact: the policy's pattern "order" matches (rule pattern)` + "\n", nil},
		{"--explain", `{"m":"{\"a\":[1],\"pin\":1234}"}` + "\n", 0, "standard input:1:25-29: field, redact: its name says so (rule name, field m pin)\n", nil},
		{"--explain long.log", "", 0, "long.log:1:0-70008: field, drop: it is longer than max_value_bytes (rule too-long)\n", []string{"examined: 1"}},
		{"--stats more.log", "", 0, "card [card:1111]\n", []string{"KIND  ACTION      RULE  COUNT\ncard  keep_last4  form  1\nlines: 1, with findings: 1, texts dropped: 0\n"}},
		{"--dry-run --policy kong.yaml access.log kong.jsonl", "", 0, `ROUTE   FIELD                      KIND   ACTION      COUNT
-       address                    ip     truncate    1
-       request ?card              card   keep_last4  1
orders  address                    ip     truncate    1
orders  request ?email             email  redact      1
orders  request.querystring.email  email  redact      1
users   address                    ip     truncate    1
lines: 4, with findings: 4, texts dropped: 0
`, nil},
		{"--dry-run --explain", "", 2, "", []string{"only one of --findings, --explain and --dry-run"}},
		{"--format xml", "", 2, "", []string{`--format: unknown format "xml": use one of text, access`}},
		{"--in-place app.log", "", 2, "", []string{"there is no flag --in-place"}},
	} {
		out, errs, code := gatehouse(t, tt.in, append([]string{"scrub"}, strings.Fields(tt.args)...)...)
		if out != tt.out || code != tt.code || len(tt.errs) == 0 && errs != "" {
			t.Errorf("scrub %s: exit code %d, wrote\n%s\nwant %d and\n%s\nstandard error: %s", tt.args, code, out, tt.code, tt.out, errs)
		}
		for _, want := range tt.errs {
			if !strings.Contains(errs, want) {
				t.Errorf("scrub %s: standard error has no %q:\n%s", tt.args, want, errs)
			}
		}
	}
}

// TestScrubHelp: help is on standard output, with examples.
func TestScrubHelp(t *testing.T) {
	out, errs, code := gatehouse(t, "", "scrub", "--help")
	if code != 0 || errs != "" || !strings.Contains(out, "gatehouse scrub --policy kong.yaml --dry-run access.log") {
		t.Errorf("exit code %d, %s\n%s", code, errs, out)
	}
}

// TestScrubClosedOutput: an output that nobody reads ends an endless input.
func TestScrubClosedOutput(t *testing.T) {
	read, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	defer out.Close()
	var lines strings.Builder
	if code := run(t.Context(), streams{strings.NewReader("a@b.io\n"), &lines, out}, []string{"scrub", "--stats"}); code != 1 || lines.String() != "[email]\n" {
		t.Errorf("with --stats to a closed standard error: exit code %d, %q", code, lines.String())
	}
	var errs strings.Builder
	if code := run(t.Context(), streams{endless{}, out, &errs}, []string{"scrub"}); code != 1 || errs.String() != "gatehouse: write standard output: broken pipe\n" {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, "a@b.io\n"), nil }

// TestScrubInterrupted: Ctrl-C ends a wait for input, be it of a pipe that nobody writes to.
func TestScrubInterrupted(t *testing.T) {
	in, feed := io.Pipe()
	defer feed.Close()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"scrub"}, {"scrub", pipe, "next.log"}} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		var out, errs strings.Builder
		if code := run(ctx, streams{in, &out, &errs}, args); code != 1 || errs.String() != "gatehouse: interrupted\n" {
			t.Errorf("%v: exit code %d, %q", args, code, errs.String())
		}
	}
}

// TestScrubFlushes: a line is there before the next one comes.
func TestScrubFlushes(t *testing.T) {
	in, feed := io.Pipe()
	read, out := io.Pipe()
	done := make(chan int, 1)
	go func() { done <- run(t.Context(), streams{in, out, io.Discard}, []string{"scrub"}) }()
	for range 2 {
		if _, err := io.WriteString(feed, "a@b.io\n"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len("[email]\n"))
		if _, err := io.ReadFull(read, got); err != nil || string(got) != "[email]\n" {
			t.Fatalf("read %q, %v", got, err)
		}
	}
	if err := feed.Close(); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestScrubItsOwnOutput: a file that is written to would be read for ever.
func TestScrubItsOwnOutput(t *testing.T) {
	written(t, map[string]string{"app.log": "a@b.io\n"})
	out, err := os.OpenFile("app.log", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var errs strings.Builder
	if code := run(t.Context(), streams{strings.NewReader(""), out, &errs}, []string{"scrub", "app.log"}); code != 1 || !strings.Contains(errs.String(), "app.log is what is written to") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}
