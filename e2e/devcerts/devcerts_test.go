package devcerts

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"slices"
	"strings"
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
	if err := dir.Write(now, renew); err != nil {
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
