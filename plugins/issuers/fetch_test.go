package issuers

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// publisher serves an issuer's documents over TLS, as handler says, and is configured as
// an issuer that is reached elsewhere than its iss says.
func publisher(t *testing.T, iss string, handler http.Handler) Issuer {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return Issuer{Consumer: "web-app", ISS: iss, Discovery: server.URL, CAFile: ca, Overlap: time.Hour, Timeout: 5 * time.Second}
}

// documents serves what is recorded of a publisher, with its jwks_uri at this server.
func documents(t *testing.T, name, iss string) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc(wellKnown, func(w http.ResponseWriter, r *http.Request) {
		text := string(document(t, name+"-configuration.json"))
		_, uri, _ := strings.Cut(text, `"jwks_uri": "`)
		uri, _, _ = strings.Cut(uri, `"`)
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		fmt.Fprint(w, strings.Replace(text, uri, "https://"+r.Host+"/keys", 1))
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(document(t, name+"-jwks.json")) })
	return mux
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, p := range publishers {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			issuer := publisher(t, p.iss, documents(t, p.name, p.iss))
			file := Issuer{ISS: p.iss, JWKS: "testdata/" + p.name + "-jwks.json", Timeout: time.Second}
			direct := issuer
			direct.Discovery, direct.JWKS = "", issuer.Discovery+"/keys"
			full := issuer
			full.Discovery += wellKnown
			for how, issuer := range map[string]Issuer{"discovered": issuer, "by its whole address": full, "by its JWKS": direct, "a file": file} {
				r := Read(t.Context(), issuer)
				if r.Err != nil || len(r.Keys) != p.keys || len(r.Refused) != p.refused {
					t.Errorf("%s: %+v", how, r)
				}
			}
		})
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// huge answers for as long as anybody reads.
func huge(w http.ResponseWriter, _ *http.Request) {
	for chunk := strings.Repeat(" ", 1<<16); ; {
		if _, err := fmt.Fprint(w, chunk); err != nil {
			return
		}
	}
}

func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// TestUnreadable: each way in which an issuer cannot be read is a line with its cause and
// what to do, within its time.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	const iss = "https://id.example.com"
	good := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"https://%s/keys"}`, iss, r.Host)
	}
	redirects := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.example/x", http.StatusFound)
	}
	for _, tt := range []struct {
		name            string
		discovery, keys http.HandlerFunc
		want            string
	}{
		{"redirects", redirects, nil, `redirects to "https://evil.example/x", and redirects are not followed; write the place itself`},
		{"redirects for keys", good, redirects, "redirects are not followed"},
		{"not there", answer(404, "<html>\n"), nil, "answers 404 Not Found; look whether"},
		{"keys not there", good, answer(503, "later"), "/keys answers 503 Service Unavailable; look whether"},
		{"huge", huge, nil, "has more than 1048576 bytes"},
		{"huge keys", good, huge, "/keys has more than 1048576 bytes"},
		{"slow", hangs, nil, "there was no whole answer within 300ms; look whether it is up, or set timeout"},
		{"slow keys", good, hangs, "there was no whole answer within 300ms"},
		{"malformed", answer(200, "{"), nil, "its discovery document is malformed"},
		{"a page", answer(200, "<html>"), nil, "its discovery document is malformed"},
		{"empty", answer(200, ""), nil, "its discovery document is malformed"},
		{"another issuer's", answer(200, `{"issuer":"https://evil.example","jwks_uri":"https://evil.example/keys"}`), nil, `says that it is "https://evil.example"; write that as iss`},
		{"with a slash too many", answer(200, `{"issuer":"https://id.example.com/","jwks_uri":"https://evil.example/keys"}`), nil, `says that it is "https://id.example.com/"`},
		{"no issuer", answer(200, `{"jwks_uri":"https://evil.example/keys"}`), nil, `says that it is ""`},
		{"no jwks_uri", answer(200, `{"issuer":"https://id.example.com"}`), nil, "has no jwks_uri; write where the keys are as jwks"},
		{"keys without TLS", answer(200, `{"issuer":"https://id.example.com","jwks_uri":"http://id.example.com/keys"}`), nil, "is not over TLS"},
		{"keys on this machine", answer(200, `{"issuer":"https://id.example.com","jwks_uri":"http://127.0.0.1:6379/keys"}`), nil, "on this machine"},
		{"keys in a file", answer(200, `{"issuer":"https://id.example.com","jwks_uri":"/etc/keys"}`), nil, "is no URL"},
		{"keys malformed", good, answer(200, "<html>"), "the JWKS is malformed"},
		{"no keys", good, answer(200, `{"keys":[]}`), "no key that Kong can verify a token with"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc(wellKnown, tt.discovery)
			if tt.keys != nil {
				mux.HandleFunc("/keys", tt.keys)
			}
			issuer := publisher(t, iss, mux)
			if strings.Contains(tt.name, "slow") {
				issuer.Timeout = 300 * time.Millisecond
			}
			checkUnreadable(t, issuer, tt.want)
		})
	}
}

func checkUnreadable(t *testing.T, issuer Issuer, want string) {
	t.Helper()
	r := Read(t.Context(), issuer)
	if r.Err == nil || len(r.Keys) > 0 {
		t.Fatalf("keys %v, error %v", r.Keys, r.Err)
	}
	if text := line(issuer, r.Err); !strings.Contains(text, want) || strings.Contains(text, "\n") || !strings.Contains(text, ";") {
		t.Errorf("%q, want one line with %q and what to do", text, want)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	good := publisher(t, "https://id.example.com", http.NotFoundHandler())
	stranger := good
	stranger.CAFile = ""
	noFile, noCA, notThere, nobody := good, good, good, good
	noFile.CAFile = filepath.Join(t.TempDir(), "none.pem")
	noCA.CAFile = "testdata/README.md"
	notThere.Discovery, notThere.JWKS = "", "testdata/none.json"
	nobody.Discovery = "https://127.0.0.1:1"
	for want, issuer := range map[string]Issuer{
		"certificate signed by unknown authority":                     stranger,
		"none.pem cannot be read":                                     noFile,
		"ca_file testdata/README.md: no certificate in it":            noCA,
		"testdata/none.json cannot be read":                           notThere,
		"127.0.0.1:1/.well-known/openid-configuration cannot be read": nobody,
	} {
		checkUnreadable(t, issuer, want)
	}
}

func TestReadEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	mux := http.NewServeMux()
	mux.HandleFunc(wellKnown, func(w http.ResponseWriter, r *http.Request) { cancel(); hangs(w, r) })
	if r := Read(ctx, publisher(t, "https://id.example.com", mux)); r.Err == nil {
		t.Errorf("read %+v", r)
	}
}
