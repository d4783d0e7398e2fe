package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/e2e/stack"
)

// The times of a rotation. The new key is published for lead before it signs, which is
// longer than it takes until gateways have it; the old one stays published until the last
// token that it signed has expired; and Kong has it for syncOverlap more.
const (
	syncEvery   = time.Second
	syncOverlap = 3 * time.Second
	lead        = 6 * time.Second
	tokenLife   = 5 * time.Second
	keyOverlap  = tokenLife + 2*time.Second
	// syncSlack is for a round, and for the workers to take its config up, on a machine that
	// is busy.
	syncSlack = 10 * time.Second
)

// TestIssuerRotates: under traffic an issuer takes a new key, twice. Not one valid token is
// refused, and each old key is gone when its overlap is over, and not before.
func TestIssuerRotates(t *testing.T) {
	notShort(t)
	if gate.bin == "" {
		t.Skip("gatehouse issuers sync runs beside a gateway on this machine")
	}
	overlay, stop := startSync(t)
	defer stop()
	defer restoreKeys(t)
	traffic := startIssued(t)
	for n := range 2 {
		old := issued(t, devtoken.Web, devtoken.Claims{Tenant: "acme", User: "u1", Expires: time.Now().Add(time.Hour)})
		next := rotateKey(t)
		waitUntil(next.SignsFrom.Add(time.Second))
		if kid := kidOf(issued(t, devtoken.Web, devtoken.Claims{Tenant: "acme", User: "u1"})); kid != next.KID {
			t.Fatalf("rotation %d: the issuer signs with key %s, want %s", n+1, kid, next.KID)
		}
		checkOldKey(t, old, next.OthersGoneAt)
		if text, err := os.ReadFile(overlay); err != nil || strings.Contains(string(text), "key: "+kidOf(old)) || !strings.Contains(string(text), "key: "+next.KID) {
			t.Errorf("rotation %d: the overlay has the old key, or not the new one (%v):\n%s", n+1, err, text)
		}
	}
	traffic.stop()
	traffic.report(t)
}

// startSync has gatehouse issuers sync keep the gateway's keys, on the gateway's config
// without them, until it is stopped. It returns the overlay that it writes.
func startSync(t *testing.T) (overlay string, stop func()) {
	t.Helper()
	dir := t.TempDir()
	config, file, overlay := filepath.Join(dir, "kong.yaml"), filepath.Join(dir, "issuers.yaml"), filepath.Join(dir, "kong-issuers.yaml")
	if err := os.WriteFile(config, gate.base, 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := stack.IssuersOf(gate.base, gate.ports.Auth.TLS(), gate.certs.CA())
	if err != nil {
		t.Fatal(err)
	}
	for i := range list.List {
		list.List[i].Overlap = syncOverlap.String()
	}
	if err := list.Write(file); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, filepath.Join(gate.bin, "gatehouse"), "issuers", "sync",
		"-issuers", file, "-out", overlay, "-every", syncEvery.String(), "-config", config, "-node", gate.admin, "-development")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the issuers' keys in an overlay", func() bool { _, err := os.Stat(overlay); return err == nil })
	return overlay, func() {
		cancel()
		err := cmd.Wait()
		t.Logf("gatehouse issuers sync ended with %v and said:\n%s", err, out.String())
		postConfig(t, gate.config).wantStatus(t, http.StatusCreated)
	}
}

// rotation is what the auth service says of a new key.
type rotation struct {
	KID          string    `json:"kid"`
	SignsFrom    time.Time `json:"signs_from"`
	OthersGoneAt time.Time `json:"others_gone_at"`
}

func rotateKey(t *testing.T) (r rotation) {
	t.Helper()
	url := fmt.Sprintf("%s/web/keys?lead_seconds=%.0f&overlap_seconds=%.0f", gate.services[services.Auth][0], lead.Seconds(), keyOverlap.Seconds())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	send(t, req).wantStatus(t, http.StatusCreated).into(t, &r)
	return r
}

func restoreKeys(t *testing.T) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, gate.services[services.Auth][0]+"/web/keys", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	send(t, req).wantStatus(t, http.StatusNoContent)
}

// checkOldKey uses a token of the old key that has not expired for as long as it is taken:
// until its key's overlap is over, and no longer.
func checkOldKey(t *testing.T, token string, unpublished time.Time) {
	t.Helper()
	over := unpublished.Add(syncOverlap)
	var last answer
	eventuallyWithin(t, time.Until(over)+syncSlack, "the old key being gone", func() bool {
		last = get(t, "/web/v1/dashboard", token)
		return last.status == http.StatusUnauthorized
	})
	if early := time.Until(over); early > 0 || !strings.Contains(string(last.body), "No credentials found for given 'kid'") {
		t.Errorf("the old key was gone %v before its overlap was over: %s", early, last.body)
	}
	t.Logf("key %s was gone %v after its overlap was over", kidOf(token), time.Since(over).Round(time.Millisecond))
}

// issuedTraffic is clients that each use one short-lived token after the other.
type issuedTraffic struct {
	stop func()

	mu      sync.Mutex
	byKID   map[string]int // requests that passed
	tokens  int
	refused []string
}

const (
	issuedClients = 6
	issuedPace    = 150 * time.Millisecond // under the limits of each client's tenant
	// tokenMargin is how long before its end a token is used last.
	tokenMargin = 2 * time.Second
)

func startIssued(t *testing.T) *issuedTraffic {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &issuedTraffic{byKID: map[string]int{}}
	var running sync.WaitGroup
	for n := range issuedClients {
		running.Go(func() { l.client(ctx, fmt.Sprintf("rotates-%d", n)) })
	}
	l.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(l.stop)
	return l
}

func (l *issuedTraffic) client(ctx context.Context, tenant string) {
	for ctx.Err() == nil {
		began := time.Now()
		token, err := devtoken.Ask(ctx, gate.services[services.Auth][0], devtoken.Web, devtoken.Claims{Tenant: tenant, User: "u1", Expires: began.Add(tokenLife)})
		if err != nil {
			l.note(ctx, "", err.Error())
			continue
		}
		l.mu.Lock()
		l.tokens++
		l.mu.Unlock()
		for time.Since(began) < tokenLife-tokenMargin && ctx.Err() == nil {
			l.note(ctx, kidOf(token), l.request(ctx, token))
			time.Sleep(issuedPace)
		}
	}
}

// request says why a request was not let through; what a service or a limit says of one is
// nothing about its token.
func (l *issuedTraffic) request(ctx context.Context, token string) (refused string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, gate.proxy+"/web/v1/dashboard", http.NoBody)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusGatewayTimeout:
		return ""
	}
	return resp.Status
}

func (l *issuedTraffic) note(ctx context.Context, kid, refused string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case refused == "":
		l.byKID[kid]++
	case ctx.Err() == nil:
		l.refused = append(l.refused, fmt.Sprintf("%s by key %s: %s", time.Now().Format(time.TimeOnly), kid, refused))
	}
}

// report wants nothing refused, and enough requests by each of three keys to say so.
func (l *issuedTraffic) report(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	requests := 0
	for _, count := range l.byKID {
		requests += count
	}
	t.Logf("%d requests with %d tokens of %d keys: %d refused", requests, l.tokens, len(l.byKID), len(l.refused))
	for _, kid := range slices.Sorted(maps.Keys(l.byKID)) {
		t.Logf("%6d by key %s", l.byKID[kid], kid)
	}
	if len(l.refused) > 0 {
		t.Errorf("refused:\n%s", strings.Join(l.refused[:min(len(l.refused), 10)], "\n"))
	}
	if len(l.byKID) != 3 || requests < 500 {
		t.Errorf("%d requests by %d keys say little", requests, len(l.byKID))
	}
}

// kidOf is the key that a token names, which may stand in a header; empty if it names none.
func kidOf(token string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(token, "Authorization: Bearer "), ".")
	text, _ := base64.RawURLEncoding.DecodeString(first)
	var header struct{ KID string }
	_ = json.Unmarshal(text, &header)
	return header.KID
}

func waitUntil(at time.Time) { time.Sleep(time.Until(at)) }
