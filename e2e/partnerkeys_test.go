package e2e

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/apikey"
)

// partner is a consumer whose keys gatehouse keys keeps, on the gateway under test.
type partner struct {
	name, dir string
}

// newPartner is a partner of its own, over the gateway's config until restore is called.
func newPartner(t *testing.T) (p *partner, restore func()) {
	t.Helper()
	if !gate.here {
		t.Skip("left out: the Redis of this gateway is not reached from here")
	}
	p = &partner{name: fmt.Sprintf("partner-%d", time.Now().UnixNano()), dir: t.TempDir()}
	overlay := fmt.Sprintf("consumers: [{username: %s, custom_id: %[1]s, acls: [{group: partners}]}]\n", p.name)
	for path, text := range map[string][]byte{p.base(): gate.config, p.overlay(): []byte(overlay)} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p, func() { postConfig(t, gate.config).wantStatus(t, http.StatusCreated) }
}

func (p *partner) base() string    { return filepath.Join(p.dir, "kong.yaml") }
func (p *partner) overlay() string { return filepath.Join(p.dir, "partner.yaml") }
func (p *partner) file() string    { return filepath.Join(p.dir, "keys.yaml") }

// keys runs gatehouse keys.
func (p *partner) keys(t *testing.T, command string, args ...string) (out, errs string, err error) {
	t.Helper()
	with := []string{"keys", command, "-keys", p.file()}
	if command != "list" {
		with = append(with, "-config", p.base(), "-overlay", p.overlay(), "-node", gate.admin)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(gate.bin, "gatehouse"), append(with, args...)...)
	cmd.Env = append(os.Environ(), "GATEHOUSE_ENV=development", "REDIS_URL="+redisURL())
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return strings.TrimSpace(stdout.String()), stderr.String(), err
}

// redisURL is the Redis of a gateway on this machine.
func redisURL() string {
	return cmp.Or(os.Getenv("REDIS_URL"), "redis://"+gate.ports.Redis.Addr()+"/0")
}

func (p *partner) mustKeys(t *testing.T, command string, args ...string) (out, errs string) {
	t.Helper()
	out, errs, err := p.keys(t, command, args...)
	if err != nil {
		t.Fatalf("keys %s: %v: %s", command, err, errs)
	}
	return out, errs
}

// ids are those of the partner's keys, the oldest first.
func (p *partner) ids(t *testing.T) (list []string) {
	t.Helper()
	out, _ := p.mustKeys(t, "list", p.name)
	for _, line := range strings.Split(out, "\n")[1:] {
		list = append(list, strings.Fields(line)[1])
	}
	return list
}

// withKey sends a request with a key, over a connection of its own if fresh.
func withKey(ctx context.Context, key string, fresh bool) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, gate.proxy+"/partner/v2/orders", http.NoBody)
	if err != nil {
		return 0, err
	}
	req.Header.Set("apikey", key)
	req.Close = fresh
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// partnerLoad is a partner who sends requests with the keys that it has.
type partnerLoad struct {
	*load
	keys atomic.Pointer[[]string]
}

// use has the next requests come with these keys, in turn.
func (l *partnerLoad) use(keys ...string) { l.keys.Store(&keys) }

// startPartner sends some 50 requests a second, every other one over a new connection, and
// so to any worker. What a limit refuses has passed: its key was taken.
func startPartner(t *testing.T, keys ...string) *partnerLoad {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l, done := &partnerLoad{load: &load{}}, make(chan struct{})
	l.use(keys...)
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			keys, began := *l.keys.Load(), time.Now()
			status, err := withKey(ctx, keys[i%len(keys)], i/len(keys)%2 == 0)
			switch {
			case ctx.Err() != nil:
			case err == nil && (status == http.StatusOK || status == http.StatusTooManyRequests):
				l.passed.Add(1)
			default:
				l.fail(began, fmt.Errorf("status %d, error %w", status, err))
			}
		}
	}()
	l.stop = func() { cancel(); <-done }
	t.Cleanup(l.stop)
	return l
}

// TestPartnerKeyRotates: under traffic a partner's key is rotated, and not one request is
// refused as long as its key is good. The old key stays while somebody uses it, and opens
// nothing after it was revoked.
func TestPartnerKeyRotates(t *testing.T) {
	notShort(t)
	p, restore := newPartner(t)
	defer restore()
	oldKey, _ := p.mustKeys(t, "issue", p.name)
	l := startPartner(t, oldKey)
	l.waitPassed(t, 50)

	newKey, _ := p.mustKeys(t, "rotate", "-overlap", "1h", p.name)
	l.use(oldKey, newKey)
	l.waitPassed(t, 100)
	ids := p.ids(t)
	eventuallyWithin(t, 30*time.Second, "both keys are seen", func() bool {
		out, _ := p.mustKeys(t, "list", p.name)
		return strings.Count(out, " ago") == 2
	})
	if _, errs, err := p.keys(t, "revoke", ids[0]); err == nil || !strings.Contains(errs, p.name+" uses it") {
		t.Errorf("the old key is in use, and revoked: error %v, %s", err, errs)
	}
	l.waitPassed(t, 50)

	l.use(newKey)
	var said string
	eventuallyWithin(t, 3*time.Minute, "the old key is out of use", func() bool {
		_, errs, err := p.keys(t, "revoke", "-unused-for", "20s", ids[0])
		said = errs
		return err == nil
	})
	t.Log(said)
	const tries = 40
	refused := 0
	for range tries {
		status, err := withKey(t.Context(), oldKey, true)
		if err != nil {
			t.Fatal(err)
		}
		if status == http.StatusUnauthorized {
			refused++
		}
	}
	l.waitPassed(t, 50)
	l.stop()
	if failed := l.failed(); len(failed) > 0 || refused < tries {
		t.Errorf("of requests with a good key %d failed and %d passed; with the revoked one %d of %d were refused; %v", len(failed), l.passed.Load(), refused, tries, failed)
	}
	t.Logf("with a good key: %d requests passed, %d were refused; with the revoked key: %d of %d were refused", l.passed.Load(), len(l.failed()), refused, tries)
}

// TestPartnerIsForgotten: with a consumer's keys goes what is known of their use.
func TestPartnerIsForgotten(t *testing.T) {
	notShort(t)
	p, restore := newPartner(t)
	defer restore()
	key, _ := p.mustKeys(t, "issue", p.name)
	if status, err := withKey(t.Context(), key, true); err != nil || status != http.StatusOK {
		t.Fatalf("status %d, error %v", status, err)
	}
	eventuallyWithin(t, 30*time.Second, "the key is seen", func() bool {
		out, _ := p.mustKeys(t, "list", p.name)
		return strings.Contains(out, " ago")
	})
	if _, errs, err := p.keys(t, "revoke", "-all", p.name); err == nil || !strings.Contains(errs, p.name+" uses it") {
		t.Errorf("a key in use is revoked: error %v, %s", err, errs)
	}
	if _, errs := p.mustKeys(t, "revoke", "-force", "-all", p.name); strings.Contains(errs, "not erased") {
		t.Error(errs)
	}
	if status, err := withKey(t.Context(), key, true); err != nil || status != http.StatusUnauthorized {
		t.Errorf("status %d, error %v after the key was revoked", status, err)
	}
	if _, errs, err := p.keys(t, "revoke", "-all", p.name); err == nil || !strings.Contains(errs, "none was seen") {
		t.Errorf("something is left: error %v, %s", err, errs)
	}
}

// TestPartnerKeyInNoLog plants a key that is good, and one that is not, wherever a client
// can write, and looks for them in everything that the run has logged.
func TestPartnerKeyInNoLog(t *testing.T) {
	good, other := apikey.New(), apikey.New()
	restore := useConfig(t, func(config map[string]any) {
		addFileLog(config)
		if gate.fileLog != "" {
			config["services"] = append(config["services"].([]any), map[string]any{
				"name": "dead", "host": "127.0.0.1", "port": 1, "retries": 0,
				"routes": []any{map[string]any{"name": "dead", "paths": []any{"/dead"}}},
			})
		}
		for _, c := range config["consumers"].([]any) {
			if consumer := c.(map[string]any); consumer["username"] == "globex-crm" {
				consumer["keyauth_credentials"] = append(consumer["keyauth_credentials"].([]any), map[string]any{"key": good})
			}
		}
	})
	defer restore()
	var query, path string
	for name, encode := range encodings {
		query += "&a=" + encode(good) + "&note=see+" + encode(other) + "&apikey=" + encode(good)
		if !strings.HasPrefix(name, "base64") {
			path += "/" + encode(good) + "/x-" + encode(other) + "_y"
		}
	}
	headers := []string{
		"User-Agent: client of " + other, "Referer: https://shop.example/" + good + "?k=" + percentAll(other),
		"X-Note: " + good, "X-Request-Id: " + other, "Cookie: k=" + good, "Authorization: Key " + other,
	}
	recorded := func() int { return strings.Count(readFile(t, gate.fileLog), "\n") }
	before := recorded()
	type request struct {
		name, path string
		headers    []string
		status     int
	}
	requests := []request{
		{"200", "/partner/v2/orders", []string{"apikey: " + good}, http.StatusOK},
		{"200, planted", "/partner/v2/orders?" + query[1:], append([]string{"apikey: " + good}, headers...), http.StatusOK},
		{"401", "/partner/v2/orders", append([]string{"apikey: " + other}, headers...), http.StatusUnauthorized},
		{"401, in the query only", "/partner/v2/orders?apikey=" + good, nil, http.StatusUnauthorized},
		{"404", "/nowhere" + path + "?" + query[1:], headers, http.StatusNotFound},
	}
	for size := 1800; gate.fileLog != "" && size < 1920; size += 10 { // Kong's nginx ends its error line somewhere in the key
		requests = append(requests, request{fmt.Sprint("502, cut by ", size), "/dead/?" + strings.Repeat("a", size) + "=" + good, nil, http.StatusBadGateway})
	}
	for _, r := range requests {
		t.Run(r.name, func(t *testing.T) {
			got := getWithBody(t, r.path, `{"apikey":"`+good+`","note":"`+other+`"}`, r.headers...).wantStatus(t, r.status)
			id := got.header.Get("X-Kong-Request-Id")
			for _, log := range []string{"access", "audit"} {
				eventually(t, log+" line of request "+id, func() bool { return hasLine(t, `"log":"`+log+`"`, id) })
			}
			if r.status == http.StatusOK {
				noKeys(t, "the gateway's span", gatewaySpan(t, got.traceID(t)), good, other)
				if sent := receivedOnce(t, "orders", got.traceID(t)).Header.Values("apikey"); len(sent) > 0 {
					t.Error("the service got the key")
				}
			}
		})
	}
	noKeys(t, "the logs", logs(t), good, other)
	if gate.fileLog != "" {
		eventually(t, "file-log's record of each request", func() bool { return recorded() >= before+len(requests) })
		noKeys(t, "what file-log wrote", readFile(t, gate.fileLog), good, other)
	}
}

// noKeys looks for keys in every encoding, and for what is left of one that was cut.
func noKeys(t *testing.T, where, text string, keys ...string) {
	t.Helper()
	for _, key := range keys {
		part := key[len(apikey.Prefix) : len(apikey.Prefix)+20]
		for encoding, encode := range encodings {
			for _, secret := range []string{encode(key), part} {
				if i := strings.Index(text, secret); i >= 0 {
					t.Errorf("%s: a key, %s: …%s…", where, encoding, text[max(0, i-200):min(len(text), i+len(secret)+100)])
				}
			}
		}
	}
}
