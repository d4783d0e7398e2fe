package devcerts

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// serials are those of all leaves, and of the CA.
func serials(t *testing.T, dir Dir) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range slices.Concat(upstreams, []string{Auth, Gateway, Edge, "ca"}) {
		pair, err := tls.LoadX509KeyPair(dir.Cert(name), dir.Key(name))
		if err != nil {
			t.Fatal(err)
		}
		found[name] = pair.Leaf.SerialNumber.String()
	}
	return found
}

func write(t *testing.T, dir Dir, now time.Time, renew bool) {
	t.Helper()
	if err := dir.Write(now, renew, func(string) {}); err != nil {
		t.Fatal(err)
	}
}

func TestLeaves(t *testing.T) {
	t.Parallel()
	now := time.Now()
	dir := Dir(t.TempDir())
	write(t, dir, now, false)
	ca, err := os.ReadFile(dir.CA())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	for name, tc := range map[string]struct {
		host   string
		use    x509.ExtKeyUsage
		reused bool // as a client's and a server's
	}{
		"web-bff": {"web-bff", x509.ExtKeyUsageServerAuth, true},
		"orders":  {"127.0.0.1", x509.ExtKeyUsageServerAuth, true},
		"gateway": {"gateway", x509.ExtKeyUsageClientAuth, false},
		"edge":    {"localhost", x509.ExtKeyUsageServerAuth, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pair, err := tls.LoadX509KeyPair(dir.Cert(name), dir.Key(name))
			if err != nil {
				t.Fatal(err)
			}
			o := x509.VerifyOptions{DNSName: tc.host, Roots: roots, CurrentTime: now.Add(leafLife - time.Minute), KeyUsages: []x509.ExtKeyUsage{tc.use}}
			if _, err := pair.Leaf.Verify(o); err != nil {
				t.Error(err)
			}
			other := map[x509.ExtKeyUsage]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth: x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageClientAuth: x509.ExtKeyUsageServerAuth}
			o.KeyUsages = []x509.ExtKeyUsage{other[tc.use]}
			if _, err := pair.Leaf.Verify(o); (err == nil) != tc.reused {
				t.Errorf("for the other use: %v, want it good: %v", err, tc.reused)
			}
			o.CurrentTime = now.Add(leafLife + time.Minute)
			if _, err := pair.Leaf.Verify(o); err == nil {
				t.Error("it is good for ever")
			}
			if got := pair.Leaf.URIs[0].String(); got != SPIFFEID(name) {
				t.Errorf("SPIFFE ID %s, want %s", got, SPIFFEID(name))
			}
			info, err := os.Stat(dir.Key(name))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("key: %v, %v, want mode 0600", info.Mode(), err)
			}
		})
	}
}

func TestWriteRenews(t *testing.T) {
	t.Parallel()
	now := time.Now()
	dir := Dir(t.TempDir())
	write(t, dir, now, false)
	first := serials(t, dir)
	for _, tc := range []struct {
		name     string
		after    time.Duration
		renew    bool
		leaf, ca bool // are new
	}{
		{"at once", 0, false, false, false},
		{"when asked to", 0, true, true, false},
		{"with more than a third of a life left", leafLife*2/3 - time.Minute, false, false, false},
		{"with less", leafLife*2/3 + time.Minute, false, true, false},
		{"with its CA", caLife - leafLife + time.Minute, false, true, true},
	} {
		// Not in parallel: each goes on from the one before.
		write(t, dir, now.Add(tc.after), tc.renew)
		next := serials(t, dir)
		for name := range next {
			want := tc.leaf
			if name == "ca" {
				want = tc.ca
			}
			if isNew := next[name] != first[name]; isNew != want {
				t.Errorf("%s: %s is new: %v, want %v", tc.name, name, isNew, want)
			}
		}
		first = next
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contents is what a folder holds.
func contents(t *testing.T, dir Dir) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(string(dir))
	must(t, err)
	found := map[string]string{}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			found[e.Name()] = e.Type().String()
			continue
		}
		text, err := os.ReadFile(dir.file(e.Name()))
		must(t, err)
		found[e.Name()] = string(text)
	}
	return found
}

// TestBadCA: a CA that cannot be used is an error that names the file, and stays.
func TestBadCA(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, dir Dir)
		says  string
	}{
		"no key":         {func(t *testing.T, dir Dir) { must(t, os.Remove(dir.Key("ca"))) }, "ca-key.pem: no such file"},
		"no certificate": {func(t *testing.T, dir Dir) { must(t, os.Remove(dir.CA())) }, "ca.pem: no such file"},
		"an empty key":   {func(t *testing.T, dir Dir) { must(t, os.Truncate(dir.Key("ca"), 0)) }, "ca-key.pem"},
		"an empty one":   {func(t *testing.T, dir Dir) { must(t, os.Truncate(dir.CA(), 0)) }, "ca.pem: no certificate in it"},
		"another's key":  {func(t *testing.T, dir Dir) { must(t, os.Rename(dir.Key(Edge), dir.Key("ca"))) }, "does not match"},
		"a pipe":         {func(t *testing.T, dir Dir) { must(t, os.Remove(dir.CA())); must(t, syscall.Mkfifo(dir.CA(), 0o600)) }, "ca.pem: is a pipe"},
		"a link to nowhere": {func(t *testing.T, dir Dir) {
			must(t, os.Remove(dir.CA()))
			must(t, os.Symlink("nowhere", dir.CA()))
			must(t, os.Remove(dir.Key("ca")))
		}, "ca.pem: no such file"},
		"a leaf": {func(t *testing.T, dir Dir) {
			must(t, os.Rename(dir.Cert(Edge), dir.CA()))
			must(t, os.Rename(dir.Key(Edge), dir.Key("ca")))
		}, "ca.pem may not sign others"},
		"of tomorrow": {func(t *testing.T, dir Dir) {
			ca, err := newPair(caTemplate(now.Add(24*time.Hour)), nil)
			must(t, err)
			must(t, ca.write(dir.CA(), dir.Key("ca")))
		}, "ca.pem is valid from 20"},
		"somebody else's that expires soon": {func(t *testing.T, dir Dir) {
			template := caTemplate(now.Add(leafLife/2 - caLife))
			template.Subject.CommonName = "ours"
			ca, err := newPair(template, nil)
			must(t, err)
			must(t, ca.write(dir.CA(), dir.Key("ca")))
		}, "which was not made here, expires at 20"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := Dir(t.TempDir())
			write(t, dir, now, false)
			tc.spoil(t, dir)
			before := contents(t, dir)
			err := dir.Write(now, true, func(line string) { t.Errorf("line %q", line) })
			if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "right, or remove both for a new CA") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, tc.says)
			}
			if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
				t.Errorf("files have changed (-before +after):\n%s", diff)
			}
		})
	}
}

// TestBadLeaf: a leaf that its part or peers would refuse is made anew, with a line, and
// the others stay.
func TestBadLeaf(t *testing.T) {
	t.Parallel()
	now := time.Now()
	issued := func(change func(*x509.Certificate), by func(t *testing.T, dir Dir) *pair) func(*testing.T, Dir) {
		return func(t *testing.T, dir Dir) {
			template := leafTemplate("orders", now)
			change(template)
			leaf, err := newPair(template, by(t, dir))
			must(t, err)
			must(t, leaf.write(dir.Cert("orders"), dir.Key("orders")))
		}
	}
	ours := func(t *testing.T, dir Dir) *pair {
		ca, err := readPair(dir.CA(), dir.Key("ca"))
		must(t, err)
		return ca
	}
	for name, tc := range map[string]struct {
		spoil func(*testing.T, Dir)
		says  string // of the line
	}{
		"of another CA": {issued(func(*x509.Certificate) {}, func(t *testing.T, _ Dir) *pair {
			ca, err := newPair(caTemplate(now), nil)
			must(t, err)
			return ca
		}), "did not sign it"},
		"of tomorrow":    {issued(func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) }, ours), "it is valid from 20"},
		"another's":      {issued(func(c *x509.Certificate) { c.DNSNames = []string{"users"} }, ours), "it has other names"},
		"without SPIFFE": {issued(func(c *x509.Certificate) { c.URIs = nil }, ours), "it has other names"},
		"without its IP": {issued(func(c *x509.Certificate) { c.IPAddresses = nil }, ours), "it has other names"},
		"for clients":    {issued(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] }, ours), "it is for another use"},
		"soon over":      {issued(func(c *x509.Certificate) { c.NotAfter = now.Add(time.Hour) }, ours), "it expires at 20"},
		"mismatched": {func(t *testing.T, dir Dir) {
			must(t, os.Link(dir.Key("users"), dir.file("x")))
			must(t, os.Rename(dir.file("x"), dir.Key("orders")))
		}, "does not match"},
		"no key": {func(t *testing.T, dir Dir) { must(t, os.Remove(dir.Key("orders"))) }, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := Dir(t.TempDir())
			write(t, dir, now, false)
			tc.spoil(t, dir)
			_ = os.Remove(dir.file("x")) // a rename of one file to its other name does nothing
			before := contents(t, dir)
			var lines []string
			must(t, dir.Write(now, false, func(line string) { lines = append(lines, line) }))
			if len(lines) != 1 || !strings.HasPrefix(lines[0], dir.Cert("orders")+" is made anew: ") || !strings.Contains(lines[0], tc.says) {
				t.Errorf("lines %q, want one with %q", lines, tc.says)
			}
			for file, text := range contents(t, dir) {
				if isNew := text != before[file]; isNew != strings.HasPrefix(file, "orders") {
					t.Errorf("%s is new: %v", file, isNew)
				}
			}
		})
	}
}

// TestKeyModes: what others may read is closed to them, with a line.
func TestKeyModes(t *testing.T) {
	t.Parallel()
	dir := Dir(t.TempDir())
	now := time.Now()
	write(t, dir, now, false)
	before := serials(t, dir)
	for name, mode := range map[string]os.FileMode{"ca": 0o644, "orders": 0o640, "users": 0o400, Edge: 0o600} {
		must(t, os.Chmod(dir.Key(name), mode))
	}
	var lines []string
	must(t, dir.Write(now, false, func(line string) { lines = append(lines, line) }))
	if len(lines) != 2 || !strings.Contains(lines[0], "ca-key.pem had the mode 0644, and now has 0600") || !strings.Contains(lines[1], "orders-key.pem had the mode 0640") {
		t.Errorf("lines %q", lines)
	}
	for name, want := range map[string]os.FileMode{"ca": 0o600, "orders": 0o600, "users": 0o400, Edge: 0o600} {
		info, err := os.Stat(dir.Key(name))
		must(t, err)
		if info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, want %v", name, info.Mode(), want)
		}
	}
	if diff := cmp.Diff(before, serials(t, dir)); diff != "" {
		t.Errorf("certificates have changed:\n%s", diff)
	}
}

const base = `_format_version: "3.0"
upstreams: [{name: a.upstream, targets: []}, {name: b.upstream, targets: []}]
services:
  - {name: a, host: a.upstream, protocol: https, tls_verify: true}
  - {name: plain, host: b.upstream}
  - {name: own, host: b.upstream, protocol: https, tls_verify: true, ca_certificates: [x]}
`

// TestOverlay: services that are to be verified get a certificate and a CA, the others
// stay as they are, and each id is of its content.
func TestOverlay(t *testing.T) {
	t.Parallel()
	dir := Dir(t.TempDir())
	write(t, dir, time.Now(), false)
	read := func() (o overlay) {
		text, err := dir.Overlay([]byte(base))
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, &o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	first := read()
	gateway, ca := reference{first.Certificates[0].ID}, first.CACertificates[0].ID
	want := []service{{"a", gateway, []string{ca}}}
	if diff := cmp.Diff(want, first.Services); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]upstream{{"a.upstream", gateway}}, first.Upstreams); diff != "" {
		t.Errorf("upstreams (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(first, read()); diff != "" {
		t.Errorf("the same again (-want +got):\n%s", diff)
	}
	write(t, dir, time.Now(), true)
	if next := read(); next.Certificates[0].ID == gateway.ID || next.CACertificates[0].ID != ca {
		t.Error("a new certificate has the id of the old one, or the same CA another")
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	dir := Dir(t.TempDir())
	write(t, dir, time.Now(), false)
	merged, err := dir.Config([]byte(base))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"BEGIN PRIVATE KEY", "{name: plain, host: b.upstream}"} {
		if !strings.Contains(string(merged), want) {
			t.Errorf("no %q in:\n%s", want, merged)
		}
	}
	if info, err := os.Stat(dir.OverlayFile()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("overlay: %v, %v, want mode 0600", info, err)
	}
	if _, err := dir.Config([]byte("services: [")); err == nil {
		t.Error("a broken base is taken")
	}
}

// TestShorten: the leaf expires when it was told to, and is one that Write replaces.
func TestShorten(t *testing.T) {
	t.Parallel()
	now := time.Now()
	dir := Dir(t.TempDir())
	write(t, dir, now, false)
	soon := now.Add(time.Minute).Truncate(time.Second)
	if err := dir.Shorten("orders", soon); err != nil {
		t.Fatal(err)
	}
	short, err := tls.LoadX509KeyPair(dir.Cert("orders"), dir.Key("orders"))
	if err != nil {
		t.Fatal(err)
	}
	if !short.Leaf.NotAfter.Equal(soon) {
		t.Errorf("it expires at %v, want %v", short.Leaf.NotAfter, soon)
	}
	before := serials(t, dir)
	write(t, dir, now, false)
	if after := serials(t, dir); after["orders"] == before["orders"] || after["users"] != before["users"] {
		t.Errorf("serials before %v, after %v: want orders alone to be made anew", before, after)
	}
}
