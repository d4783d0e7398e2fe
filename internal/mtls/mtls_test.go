package mtls_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehousehq/gatehouse/internal/mtls"
)

// authority is a CA of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCA(t *testing.T, name string) *authority {
	t.Helper()
	return sign(t, nil, &x509.Certificate{
		DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	})
}

func sign(t *testing.T, ca *authority, template *x509.Certificate) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := template, key
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

// issue makes a leaf of that name, valid until then.
func (a *authority) issue(t *testing.T, name string, from, until time.Time) *authority {
	t.Helper()
	return sign(t, a, &x509.Certificate{
		DNSNames: []string{name}, URIs: []*url.URL{{Scheme: "spiffe", Host: "test", Path: "/" + name}},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   from, NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

func (a *authority) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

func (a *authority) keyPEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// files are a good set, to be spoilt.
func files(t *testing.T, ca, leaf *authority) mtls.Files {
	t.Helper()
	dir := t.TempDir()
	f := mtls.Files{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), CA: filepath.Join(dir, "ca.pem")}
	put(t, f.Cert, leaf.certPEM())
	put(t, f.Key, leaf.keyPEM(t))
	put(t, f.CA, ca.certPEM())
	return f
}

// TestBadFiles wants one line each, which names the file, what is wrong, and the fix.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca := newCA(t, "ca")
	leaf := ca.issue(t, "web-bff", now.Add(-time.Hour), now.Add(time.Hour))
	other := ca.issue(t, "web-bff", now.Add(-time.Hour), now.Add(time.Hour))
	remove := func(t *testing.T, path string) {
		t.Helper()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, f mtls.Files)
		file  string
		says  string
	}{
		"no certificate": {func(t *testing.T, f mtls.Files) { remove(t, f.Cert) }, "cert.pem", "no such file: write it"},
		"no key":         {func(t *testing.T, f mtls.Files) { remove(t, f.Key) }, "key.pem", "no such file: write it"},
		"no CA":          {func(t *testing.T, f mtls.Files) { remove(t, f.CA) }, "ca.pem", "no such file: write it"},
		"a folder":       {func(t *testing.T, f mtls.Files) { remove(t, f.Cert); must(t, os.Mkdir(f.Cert, 0o700)) }, "cert.pem", "is a directory, and no regular file: name a PEM file"},
		"unreadable": {func(t *testing.T, f mtls.Files) {
			if os.Geteuid() == 0 {
				t.Skip("root may read everything")
			}
			must(t, os.Chmod(f.Key, 0))
		}, "key.pem", "permission denied: let the user of this process read it"},
		"an empty certificate":  {func(t *testing.T, f mtls.Files) { put(t, f.Cert, nil) }, "cert.pem", "no certificate in it: put PEM there"},
		"no PEM":                {func(t *testing.T, f mtls.Files) { put(t, f.Cert, leaf.cert.Raw) }, "cert.pem", "no certificate in it: put PEM there"},
		"garbage in PEM":        {func(t *testing.T, f mtls.Files) { put(t, f.Cert, garbage) }, "cert.pem", "certificate 1 in it cannot be read"},
		"the key is no key":     {func(t *testing.T, f mtls.Files) { put(t, f.Key, leaf.certPEM()) }, "key.pem", "put the unencrypted private key there"},
		"another's key":         {func(t *testing.T, f mtls.Files) { put(t, f.Key, other.keyPEM(t)) }, "key.pem", "it is not the key of"},
		"a key for everybody":   {func(t *testing.T, f mtls.Files) { must(t, os.Chmod(f.Key, 0o644)) }, "key.pem", "its mode 0644 opens it to everybody: chmod 600 "},
		"a key to write for":    {func(t *testing.T, f mtls.Files) { must(t, os.Chmod(f.Key, 0o602)) }, "key.pem", "its mode 0602 opens it to everybody"},
		"expired":               {replaced(ca, now.Add(-2*time.Hour), now.Add(-time.Hour)), "cert.pem", "it expired at 20"},
		"of tomorrow":           {replaced(ca, now.Add(time.Hour), now.Add(2*time.Hour)), "cert.pem", "it is valid from 20"},
		"an empty CA":           {func(t *testing.T, f mtls.Files) { put(t, f.CA, nil) }, "ca.pem", "no certificate in it: put the certificates of the CAs there"},
		"a leaf is no CA":       {func(t *testing.T, f mtls.Files) { put(t, f.CA, leaf.certPEM()) }, "ca.pem", "may not sign others"},
		"a CA after a leaf":     {func(t *testing.T, f mtls.Files) { put(t, f.CA, append(leaf.certPEM(), ca.certPEM()...)) }, "ca.pem", "certificate 1 in it"},
		"a leaf after a CA":     {func(t *testing.T, f mtls.Files) { put(t, f.CA, append(ca.certPEM(), leaf.certPEM()...)) }, "ca.pem", "certificate 2 in it, \"\", may not sign others"},
		"a CA for lists alone":  {listSigner(ca), "ca.pem", "certificate 2 in it"},
		"half of a second CA":   {func(t *testing.T, f mtls.Files) { put(t, f.CA, append(ca.certPEM(), ca.certPEM()[:200]...)) }, "ca.pem", "a block in it is not whole"},
		"half of a chain":       {func(t *testing.T, f mtls.Files) { put(t, f.Cert, append(leaf.certPEM(), ca.certPEM()[:200]...)) }, "cert.pem", "a block in it is not whole"},
		"a pipe as certificate": {pipe(func(f mtls.Files) string { return f.Cert }), "cert.pem", "is a pipe, and no regular file: name a PEM file"},
		"a pipe as key":         {pipe(func(f mtls.Files) string { return f.Key }), "key.pem", "is a pipe"},
		"a link to a pipe":      {linked(func(f mtls.Files) string { return f.CA }), "ca.pem", "is a pipe"},
		"a key in the CA's":     {func(t *testing.T, f mtls.Files) { put(t, f.CA, leaf.keyPEM(t)) }, "ca.pem", "no certificate in it"},
		"an expired CA":         {expiredCA(now), "ca.pem", "it expired at 20"},
		"of another CA":         {func(t *testing.T, f mtls.Files) { put(t, f.CA, newCA(t, "x").certPEM()) }, "cert.pem", "none of the CAs in "},
		"a certificate of none": {func(t *testing.T, f mtls.Files) { put(t, f.Cert, leaf.keyPEM(t)) }, "cert.pem", "no certificate in it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := files(t, ca, leaf)
			tc.spoil(t, f)
			_, err := mtls.Open(mtls.Settings{Files: f}, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), "/"+tc.file+": ") || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %s and %q", err, tc.file, tc.says)
			}
		})
	}
}

var garbage = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("garbage")})

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pipe puts one in place of a file.
func pipe(of func(mtls.Files) string) func(*testing.T, mtls.Files) {
	return func(t *testing.T, f mtls.Files) {
		t.Helper()
		must(t, os.Remove(of(f)))
		must(t, syscall.Mkfifo(of(f), 0o600))
	}
}

func linked(of func(mtls.Files) string) func(*testing.T, mtls.Files) {
	return func(t *testing.T, f mtls.Files) {
		t.Helper()
		pipe(of)(t, f)
		must(t, os.Rename(of(f), of(f)+".pipe"))
		must(t, os.Symlink(of(f)+".pipe", of(f)))
	}
}

// listSigner adds a CA that may sign revocation lists, and no certificate.
func listSigner(ca *authority) func(*testing.T, mtls.Files) {
	return func(t *testing.T, f mtls.Files) {
		t.Helper()
		put(t, f.CA, append(ca.certPEM(), sign(t, nil, &x509.Certificate{
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCRLSign, NotAfter: time.Now().Add(time.Hour),
		}).certPEM()...))
	}
}

func replaced(ca *authority, from, until time.Time) func(*testing.T, mtls.Files) {
	return func(t *testing.T, f mtls.Files) {
		t.Helper()
		leaf := ca.issue(t, "web-bff", from, until)
		put(t, f.Cert, leaf.certPEM())
		put(t, f.Key, leaf.keyPEM(t))
	}
}

func expiredCA(now time.Time) func(*testing.T, mtls.Files) {
	return func(t *testing.T, f mtls.Files) {
		t.Helper()
		put(t, f.CA, sign(t, nil, &x509.Certificate{
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: now.Add(-2 * time.Hour), NotAfter: now.Add(-time.Hour),
		}).certPEM())
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	whole := map[string]string{"X_CERT_FILE": "c", "X_KEY_FILE": "k", "X_CLIENT_CA_FILE": "a", "X_CLIENT_NAME": "spiffe://gatehouse.test/gateway, kong.internal"}
	without := func(name, value string) map[string]string {
		env := map[string]string{}
		for k, v := range whole {
			env[k] = v
		}
		env[name] = value
		return env
	}
	for name, tc := range map[string]struct {
		env  map[string]string
		says string // of the error; empty: there is none
	}{
		"all":                  {whole, ""},
		"insecure by its name": {map[string]string{"X": "insecure"}, ""},
		"nothing":              {nil, "X_CLIENT_CA_FILE is not set: set it to the PEM file of the CAs that sign clients' certificates, or X=insecure"},
		"no CA":                {without("X_CLIENT_CA_FILE", ""), "X_CLIENT_CA_FILE is not set"},
		"no certificate":       {without("X_CERT_FILE", ""), "X_CERT_FILE is not set"},
		"no key":               {without("X_KEY_FILE", ""), "X_KEY_FILE is not set"},
		"nobody to believe":    {without("X_CLIENT_NAME", ""), "X_CLIENT_NAME is not set: set it to whom to believe, such as spiffe://gatehouse.test/gateway"},
		"insecure and files":   {without("X", "insecure"), "X is insecure, and files or names are set"},
		"another word":         {without("X", "off"), `X is "off": set it to insecure, or leave it out`},
		"no name":              {without("X_CLIENT_NAME", "a,,b"), `X_CLIENT_NAME: "" is no SPIFFE ID and no DNS name`},
		"a URL":                {without("X_CLIENT_NAME", "https://kong"), `"https://kong" is no SPIFFE ID`},
		"a domain alone":       {without("X_CLIENT_NAME", "spiffe://"), `"spiffe://" is no SPIFFE ID`},
		"a wildcard":           {without("X_CLIENT_NAME", "*.internal"), `"*.internal" is no SPIFFE ID and no DNS name`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := mtls.Parse("X", func(name string) string { return tc.env[name] })
			switch {
			case tc.says == "" && err != nil:
				t.Error(err)
			case tc.says == "" && s.Insecure == (len(s.Clients) == 2):
				t.Errorf("settings %+v", s)
			case tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)):
				t.Errorf("error %v, want %q", err, tc.says)
			}
		})
	}
}

func FuzzParseNames(f *testing.F) {
	f.Add("spiffe://gatehouse.test/gateway")
	f.Add("kong, *.x, spiffe://a:1/")
	f.Fuzz(func(t *testing.T, text string) {
		names, err := mtls.ParseNames(text)
		if err == nil && len(names) == 0 {
			t.Errorf("%q: no name and no error", text)
		}
		for _, n := range names {
			if again, err := mtls.ParseNames(n.String()); err != nil || len(again) != 1 {
				t.Errorf("%q gives %q, which is none: %v", text, n, err)
			}
		}
	})
}

// logLines takes lines and hands them out while they come.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logLines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// party is a server, and a client that has the same identity.
type party struct {
	files  mtls.Files
	log    *logLines
	server *httptest.Server
	http   *http.Client
	status http.Handler
}

func newParty(t *testing.T, f mtls.Files, believes string) *party {
	t.Helper()
	p := &party{files: f, log: &logLines{}}
	logger := slog.New(slog.NewTextHandler(p.log, nil))
	names, err := mtls.ParseNames(believes)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := mtls.Open(mtls.Settings{Files: f, Clients: names}, logger)
	if err != nil {
		t.Fatal(err)
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	p.server = httptest.NewUnstartedServer(identity.Only(hello))
	p.server.Config.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelWarn)
	// Not StartTLS, which adds a certificate of its own.
	p.server.Listener = tls.NewListener(p.server.Listener, identity.Server())
	p.server.Start()
	t.Cleanup(p.server.Close)
	transport := &http.Transport{DialContext: (&net.Dialer{}).DialContext}
	identity.Use(transport)
	t.Cleanup(transport.CloseIdleConnections)
	p.http = &http.Client{Transport: transport}
	registry := prometheus.NewRegistry()
	registry.MustRegister(identity)
	p.status = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return p
}

// ask has the client of p ask the server of to, over a new connection if fresh.
func (p *party) ask(t *testing.T, to *party, fresh bool) (int, error) {
	t.Helper()
	if fresh {
		p.http.CloseIdleConnections()
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+to.server.Listener.Addr().String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func (p *party) metric(t *testing.T, name string) string {
	t.Helper()
	w := httptest.NewRecorder()
	p.status.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	for line := range strings.Lines(w.Body.String()) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not seen within 20 s: %s", what)
}

const ownExpiry, failedReload = `gatehouse_certificate_not_after_timestamp_seconds{certificate="own"}`, "gatehouse_certificate_reload_failed"

// TestRotation goes from one CA to another under traffic, a step at a time, as an operator
// does: no request fails.
func TestRotation(t *testing.T) {
	t.Parallel()
	now := time.Now()
	until := now.Add(time.Hour)
	oldCA, newCA := newCA(t, "old"), newCA(t, "new")
	bff := newParty(t, files(t, oldCA, oldCA.issue(t, "bff", now.Add(-time.Hour), until)), "spiffe://test/gateway")
	orders := newParty(t, files(t, oldCA, oldCA.issue(t, "orders", now.Add(-time.Hour), until)), "spiffe://test/bff")

	done := make(chan struct{})
	var failed []error
	var traffic sync.WaitGroup
	traffic.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if status, err := bff.ask(t, orders, true); status != http.StatusOK {
				failed = append(failed, fmt.Errorf("status %d: %w", status, err))
			}
		}
	})
	both := append(oldCA.certPEM(), newCA.certPEM()...)
	uses := func(p *party, times int) {
		eventually(t, "a new certificate in use", func() bool { return p.log.count("new certificate in use") == times })
	}
	for _, p := range []*party{bff, orders} {
		put(t, p.files.CA, both)
		uses(p, 1)
	}
	for p, name := range map[*party]string{bff: "bff", orders: "orders"} {
		leaf := newCA.issue(t, name, now.Add(-time.Hour), until.Add(time.Hour))
		put(t, p.files.Key, leaf.keyPEM(t)) // for a moment the two do not match
		put(t, p.files.Cert, leaf.certPEM())
		want := fmt.Sprint(float64(until.Add(time.Hour).Unix()))
		eventually(t, "the new expiry", func() bool { return p.metric(t, ownExpiry) == want })
	}
	for _, p := range []*party{bff, orders} {
		put(t, p.files.CA, newCA.certPEM())
		before := p.log.count("new certificate in use")
		uses(p, before+1)
	}
	close(done)
	traffic.Wait()
	if len(failed) > 0 {
		t.Errorf("%d requests failed, the first: %v", len(failed), failed[0])
	}
}

// TestLastGoodStays: files that are no good are one line and a metric, and change nothing.
func TestLastGoodStays(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca := newCA(t, "ca")
	leaf := ca.issue(t, "bff", now.Add(-time.Hour), now.Add(time.Hour))
	for name, spoil := range map[string]func(*testing.T, mtls.Files){
		"expired":    replaced(ca, now.Add(-2*time.Hour), now.Add(-time.Hour)),
		"mismatched": func(t *testing.T, f mtls.Files) { t.Helper(); put(t, f.Key, newCA(t, "x").keyPEM(t)) },
		"foreign":    replaced(newCA(t, "foreign"), now.Add(-time.Hour), now.Add(time.Hour)),
		"empty":      func(t *testing.T, f mtls.Files) { t.Helper(); put(t, f.Cert, nil) },
		"gone":       func(t *testing.T, f mtls.Files) { t.Helper(); must(t, os.Remove(f.CA)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newParty(t, files(t, ca, leaf), "spiffe://test/bff")
			if failed := p.metric(t, failedReload); failed != "0" {
				t.Errorf("%s is %q at first", failedReload, failed)
			}
			spoil(t, p.files)
			eventually(t, "the metric", func() bool { return p.metric(t, failedReload) == "1" })
			if status, err := p.ask(t, p, true); status != http.StatusOK {
				t.Errorf("status %d, %v, with the last good one", status, err)
			}
			if lines := p.log.count("the last good one stays"); lines != 1 {
				t.Errorf("%d lines, want 1", lines)
			}
			good := ca.issue(t, "bff", now.Add(-time.Hour), now.Add(2*time.Hour))
			put(t, p.files.CA, ca.certPEM())
			put(t, p.files.Cert, good.certPEM())
			put(t, p.files.Key, good.keyPEM(t))
			eventually(t, "recovery", func() bool { return p.metric(t, failedReload) == "0" })
		})
	}
}

// TestForeignPeers: each side says in one line what it does not like in the other.
func TestForeignPeers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca, foreign := newCA(t, "ca"), newCA(t, "foreign")
	server := newParty(t, files(t, ca, ca.issue(t, "orders", now.Add(-time.Hour), now.Add(time.Hour))), "spiffe://test/bff,dns.bff")
	brief := func(name string, by *authority, believes ...*authority) mtls.Files {
		f := files(t, by, by.issue(t, name, now.Add(-time.Hour), now.Add(time.Hour)))
		var cas []byte
		for _, ca := range believes {
			cas = append(cas, ca.certPEM()...)
		}
		put(t, f.CA, cas)
		return f
	}
	for name, tc := range map[string]struct {
		client             mtls.Files
		status             int
		clientSays, server string // what each says
	}{
		"a friend":                {brief("bff", ca, ca), http.StatusOK, "", ""},
		"by its DNS name":         {brief("dns.bff", ca, ca), http.StatusOK, "", ""},
		"somebody else":           {brief("users", ca, ca), http.StatusForbidden, "", `msg="forbidden peer" peer="users spiffe://test/users"`},
		"of a foreign CA":         {brief("bff", foreign, ca, foreign), 0, "unknown certificate authority", "certificate signed by unknown authority"},
		"who does not believe it": {brief("bff", foreign, foreign), 0, "certificate signed by unknown authority", "bad certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParty(t, tc.client, "nobody")
			status, err := p.ask(t, server, true)
			if status != tc.status || tc.clientSays != "" && (err == nil || !strings.Contains(err.Error(), tc.clientSays)) {
				t.Errorf("status %d, %v, want %d, %q", status, err, tc.status, tc.clientSays)
			}
			if tc.server != "" {
				eventually(t, "the server's line", func() bool { return server.log.count(tc.server) == 1 })
			}
		})
	}
}

// TestExpiry: who goes on with a certificate that has expired says so once, and the other
// side says so too.
func TestExpiry(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca := newCA(t, "ca")
	orders := newParty(t, files(t, ca, ca.issue(t, "orders", now.Add(-time.Hour), now.Add(time.Hour))), "bff")
	bff := newParty(t, files(t, ca, ca.issue(t, "bff", now.Add(-time.Hour), now.Add(2*time.Second))), "bff")
	eventually(t, "the line of who has it", func() bool {
		bff.metric(t, ownExpiry)
		return bff.log.count("certificate has expired, and peers will refuse it") == 1
	})
	if status, err := bff.ask(t, orders, true); err == nil || !strings.Contains(err.Error(), "expired certificate") {
		t.Errorf("status %d, %v, want a refusal that says why", status, err)
	}
	eventually(t, "the line of who refuses it", func() bool { return orders.log.count("certificate has expired or is not yet valid") == 1 })
	bff.metric(t, ownExpiry)
	if lines := bff.log.count("has expired, and peers"); lines != 1 {
		t.Errorf("%d lines, want 1", lines)
	}
}

// TestKeptConnections: what a connection was opened with serves all its requests.
func TestKeptConnections(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca := newCA(t, "ca")
	p := newParty(t, files(t, ca, ca.issue(t, "bff", now.Add(-time.Hour), now.Add(time.Hour))), "bff")
	var opened int
	dial := p.http.Transport.(*http.Transport).DialTLSContext
	p.http.Transport.(*http.Transport).DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		opened++
		return dial(ctx, network, addr)
	}
	for range 5 {
		if status, err := p.ask(t, p, false); status != http.StatusOK {
			t.Fatalf("status %d, %v", status, err)
		}
	}
	if got, want := p.metric(t, `gatehouse_peer_certificate_not_after_timestamp_seconds{peer="bff"}`), p.metric(t, ownExpiry); got != want || got == "" {
		t.Errorf("the peer's expiry is %q, want %q", got, want)
	}
	if opened != 1 {
		t.Errorf("%d connections for 5 requests, want 1", opened)
	}
}
