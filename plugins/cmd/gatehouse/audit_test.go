package main

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditchain"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// The files of auditFolder, oldest first: of three days, and of the one that goes on.
const (
	day1  = "audit-2026-01-02T00-00-00.000-time.jsonl.gz"
	day2  = "audit-2026-01-03T00-00-00.000-time.jsonl"
	today = "audit.jsonl"
)

// auditFolder has the files of a log and the public key of its chains. A process wrote
// day1 and half of day2, the next one the other half, and a third one today's.
func auditFolder(t *testing.T) (dir, key string) {
	t.Helper()
	dir = t.TempDir()
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	keys := t.TempDir()
	key = filepath.Join(keys, "chain.pub.pem")
	writeFile(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
	secretFile := filepath.Join(keys, "chain.pem")
	writeFile(t, secretFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	chainKey, err := auditchain.ReadKey(secretFile)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, today)
	for process := range 3 {
		l, err := auditlog.Open(auditlog.Options{Target: path, ChainKey: chainKey})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			writeRecord(t, l, process*4+i)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	list := strings.SplitAfter(readFile(t, path), "\n") // three times a start, four records, an end
	writeZipped(t, filepath.Join(dir, day1), strings.Join(list[:3], ""))
	writeFile(t, filepath.Join(dir, day2), strings.Join(list[3:12], ""))
	writeFile(t, path, strings.Join(list[12:], "")+`{"log":"access","tenant":"acme"}`+"\n")
	return dir, key
}

// writeRecord writes the record of a request: one each six hours, of two tenants by turns.
func writeRecord(t *testing.T, l *auditlog.Log, i int) {
	t.Helper()
	r := slog.NewRecord(time.Date(2026, 1, 1, 6*i, 0, 0, 0, time.UTC), slog.LevelInfo, "audit", 0)
	r.AddAttrs(slog.String("log", "audit"), slog.String("request_id", fmt.Sprint("r", i)),
		slog.String("consumer", []string{"web", "mobile"}[i/2%2]), slog.String("tenant", []string{"acme", "globex"}[i%2]), slog.String("user", "user:k1:aa5eba060f5f776b"))
	if err := l.Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeZipped(t *testing.T, path, text string) {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	writeFile(t, path, b.String())
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	chainIDs = regexp.MustCompile(`\b[0-9a-f]{16}\b`)
	times    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z`)
)

// stable is output without what differs from run to run: the folder, the time of
// signatures, and the names of chains, which are A, B, … as they come.
func stable(out, dir string) string {
	letters := map[string]string{}
	out = chainIDs.ReplaceAllStringFunc(strings.ReplaceAll(out, dir+"/", ""), func(id string) string {
		if letters[id] == "" {
			letters[id] = string(rune('A' + len(letters)))
		}
		return letters[id]
	})
	return times.ReplaceAllString(out, "TIME")
}

func TestAuditVerify(t *testing.T) {
	tests := []struct {
		name   string
		tamper func(t *testing.T, dir string)
		code   int
	}{
		{"whole", func(*testing.T, string) {}, 0},
		{"tampered", func(t *testing.T, dir string) {
			list := strings.SplitAfter(readFile(t, filepath.Join(dir, day2)), "\n")
			list[0] = strings.Replace(list[0], "acme", "evil", 1)
			writeFile(t, filepath.Join(dir, day2), strings.Join(append(list[:4], list[5:]...), ""))
		}, 1},
		{"file-removed", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, day2)); err != nil {
				t.Error(err)
			}
		}, 1},
		{"retention", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, day1)); err != nil {
				t.Error(err)
			}
		}, 0},
		{"archive-cut-off", func(t *testing.T, dir string) {
			path := filepath.Join(dir, day1)
			writeFile(t, path, readFile(t, path)[:60])
		}, 1},
		{"no-archive", func(t *testing.T, dir string) { writeFile(t, filepath.Join(dir, day1), "\x1f\x8bno archive") }, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, key := auditFolder(t)
			tt.tamper(t, dir)
			out, errs, code := gatehouse(t, "", "audit", "verify", "-key", key, dir)
			if code != tt.code || errs != "" {
				t.Errorf("exit code %d, want %d: %s", code, tt.code, errs)
			}
			golden.Check(t, "testdata/audit/"+tt.name+".txt", stable(out, dir))
			asJSON, _, code := gatehouse(t, "", "audit", "verify", "-json", "-key", key, dir)
			if code != tt.code {
				t.Errorf("-json: exit code %d, want %d", code, tt.code)
			}
			golden.Check(t, "testdata/audit/"+tt.name+".json", stable(asJSON, dir))
		})
	}
}

// TestAuditInput names files in every way there is, in whatever order.
func TestAuditInput(t *testing.T) {
	dir, key := auditFolder(t)
	path := func(name string) string { return filepath.Join(dir, name) }
	t.Setenv("GATEHOUSE_AUDIT_LOG", path(today))
	whole, _, _ := gatehouse(t, "", "audit", "verify", "-key", key)
	if !strings.HasPrefix(whole, "whole: breaks 0, notices 0; files 3, lines 19; chains 3") {
		t.Errorf("the log of the environment: %s", whole)
	}
	if out, errs, _ := gatehouse(t, "", "audit", "verify", "-key", key, path(today), path(day2), path(day1), path(today)); out != whole {
		t.Errorf("files: %s%s", out, errs)
	}
	if out, errs, code := gatehouse(t, readFile(t, path(today)), "audit", "verify", "-key", key, "-"); code != 0 || !strings.Contains(out, "lines 7") {
		t.Errorf("standard input: exit code %d: %s%s", code, out, errs)
	}
	writeFile(t, path("other.jsonl"), "")
	if _, errs, code := gatehouse(t, "", "audit", "verify", "-key", key, dir); code != 2 || !strings.Contains(errs, "two logs") {
		t.Errorf("a folder of two logs: exit code %d: %s", code, errs)
	}
	if out, _, code := gatehouse(t, "", "audit", "verify", path("no-such")); code != 1 || !strings.Contains(out, "no-such: unreadable") {
		t.Errorf("no such file: exit code %d: %s", code, out)
	}
}

// ids is the requests of records.
func ids(out string) string {
	var list []string
	for line := range strings.Lines(out) {
		_, id, _ := strings.Cut(line, `"request_id":"`)
		id, _, _ = strings.Cut(id, `"`)
		list = append(list, id)
	}
	return strings.Join(list, " ")
}

func TestAuditExport(t *testing.T) {
	dir, _ := auditFolder(t)
	for want, args := range map[string][]string{
		"r0 r2 r4 r6 r8 r10":                    {"-tenant", "acme"},
		"r2 r6 r10":                             {"-tenant", "acme", "-consumer", "mobile"},
		"r4 r5 r6 r7 r8 r9 r10 r11":             {"-since", "2026-01-02"},
		"r5 r7":                                 {"-since", "2026-01-02", "-until", "2026-01-03", "-tenant", "globex"},
		"r3":                                    {"-request-id", "r3"},
		"r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 r11": {"-user", "user:k1:aa5eba060f5f776b", "-since", "36500d"},
		"":                                      {"-tenant", "acm"},
	} {
		out, errs, code := gatehouse(t, "", append(append([]string{"audit", "export"}, args...), dir)...)
		if code != 0 || ids(out) != want {
			t.Errorf("%v: exit code %d, records %s, want %s: %s", args, code, ids(out), want, errs)
		}
	}
	out, _, _ := gatehouse(t, "", "audit", "export", "-request-id", "r11", dir)
	if !strings.Contains(readFile(t, filepath.Join(dir, today)), out) || strings.Count(out, "\n") != 1 {
		t.Errorf("the record is not as it stands: %s", out)
	}
}

// TestAuditExportGoesOn past what it cannot read.
func TestAuditExportGoesOn(t *testing.T) {
	dir, _ := auditFolder(t)
	path := filepath.Join(dir, day1)
	writeFile(t, path, readFile(t, path)[:60])
	writeFile(t, filepath.Join(dir, today), readFile(t, filepath.Join(dir, today))+`{"log":"audit","tena`)
	out, errs, code := gatehouse(t, "", "audit", "export", "-tenant", "acme", dir, filepath.Join(dir, "no-such"))
	if code != 1 || ids(out) != "r2 r4 r6 r8 r10" {
		t.Errorf("exit code %d, records %s", code, ids(out))
	}
	for _, want := range []string{day1 + ": not read to its end: after line 0: unexpected EOF\n", today + ": lines that are no JSON, cut off or damaged: 1\n", "no-such: not read", "5 records of 4 files\n"} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in %s", want, errs)
		}
	}
	if strings.Count(errs, "\n") != 4 {
		t.Errorf("more than a line each: %s", errs)
	}
}

// TestAuditRefuses has each mistake in a command line be one line that names it.
func TestAuditRefuses(t *testing.T) {
	dir, _ := auditFolder(t)
	writeFile(t, filepath.Join(t.TempDir(), "empty.pem"), "")
	for want, args := range map[string][]string{
		"name one at least of --tenant":                        {"export", dir},
		"-tenant is empty":                                     {"export", "-tenant", "", "-since", "90d", dir},
		`-since: "yesterday" is no time`:                       {"export", "-since", "yesterday", dir},
		`-until: "2026-13-01" is no time`:                      {"export", "-until", "2026-13-01", dir},
		"--until: 2026-01-01 is not after --since":             {"export", "-since", "2026-01-01", "-until", "2026-01-01", dir},
		"GATEHOUSE_AUDIT_LOG is not set and names no":          {"export", "-tenant", "acme"},
		"-key: open no-such.pem: no such file":                 {"verify", "-key", "no-such.pem", dir},
		"-key: audit_test.go holds no public key":              {"verify", "-key", "audit_test.go", dir},
		"gatehouse audit verify: name a FILE: GATEHOUSE_AUDIT": {"verify"},
	} {
		_, errs, code := gatehouse(t, "", append([]string{"audit"}, args...)...)
		if code != 2 || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: exit code %d and %q, want 2 and one line with %q", args, code, errs, want)
		}
	}
}

// TestPseudonymOfUser is what docs/audit-integrity.md has openssl make of a user's id:
// printf 'user\0%s' u1 | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
func TestPseudonymOfUser(t *testing.T) {
	engine, err := scrub.New(scrub.Policy{PseudonymKey: []byte("0123456789abcdef0123456789abcdef"), PseudonymKeyID: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	if got := engine.Pseudonym("user", "u1"); got != "user:k1:aa5eba060f5f776b" {
		t.Errorf("pseudonym %s", got)
	}
}
