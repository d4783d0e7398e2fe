package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/apikey"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
	"github.com/gatehousehq/gatehouse/plugins/partnerkeys"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// keysBase is a config with two partners.
const keysBase = `_format_version: "3.0"
plugins: [{ name: trace-inject }]
consumers:
  - { username: globex-crm, custom_id: globex }
  - { username: initech-erp, custom_id: initech, keyauth_credentials: [{ key: dev-only }] }
services:
  - { name: orders, host: orders.internal }
`

// keyring is what the commands work on: a config, a file of keys, a Redis.
type keyringFixture struct {
	config, file, redis string
}

func newKeyring(t *testing.T) keyringFixture {
	t.Helper()
	dir := t.TempDir()
	k := keyringFixture{filepath.Join(dir, "kong.yaml"), filepath.Join(dir, "keys.yaml"), "redis://" + miniredis.RunT(t).Addr()}
	if err := os.WriteFile(k.config, []byte(keysBase), 0o600); err != nil {
		t.Fatal(err)
	}
	return k
}

// run runs one of the commands.
func (k keyringFixture) run(t *testing.T, command string, args ...string) (out, errs string, code int) {
	t.Helper()
	with := []string{"keys", command, "-keys", k.file}
	if command != "list" {
		with = append(with, "-config", k.config)
	}
	if command == "list" || command == "revoke" {
		with = append(with, "-redis", k.redis)
	}
	return gatehouse(t, "", append(with, args...)...)
}

// mustRun is run for what has to work.
func (k keyringFixture) mustRun(t *testing.T, command string, args ...string) (out, errs string) {
	t.Helper()
	out, errs, code := k.run(t, command, args...)
	if code != 0 {
		t.Fatalf("keys %s %v: exit code %d: %s", command, args, code, errs)
	}
	return out, errs
}

// keys are those in the file.
func (k keyringFixture) keys(t *testing.T) []partnerkeys.Key {
	t.Helper()
	set, err := partnerkeys.Read(k.file)
	if err != nil {
		t.Fatal(err)
	}
	return set.All()
}

// observe has a node that has written, and writes what it sees until the test ends, or the
// node is stopped, and that others have looked for longer.
func (k keyringFixture) observe(t *testing.T, name string) (r *usage.Recorder, stop func()) {
	t.Helper()
	client, err := redisurl.Open(k.redis)
	if err != nil {
		t.Fatal(err)
	}
	client.Set(t.Context(), "gatehouse:{credentials}:since", time.Now().Add(-80*24*time.Hour).Unix(), 0)
	r = usage.NewRecorder(client, "gatehouse", name, 100, func(int) {})
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		for ctx.Err() == nil {
			_ = r.Flush(ctx)
			time.Sleep(20 * time.Millisecond)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); group.Wait(); _ = client.Close() })
	t.Cleanup(stop)
	return r, stop
}

// use has a node see that a key was used so long ago.
func use(r *usage.Recorder, key partnerkeys.Key, ago time.Duration) {
	r.Observe(time.Now().Add(-ago), usage.Request{Realm: "t.x", Units: 1, Credential: usage.Credential{ID: key.ID, Consumer: key.Consumer}})
}

// seen has a node write that a key was used so long ago.
func (k keyringFixture) seen(t *testing.T, key partnerkeys.Key, ago time.Duration) {
	t.Helper()
	r, _ := k.observe(t, "node-"+key.ID)
	use(r, key, ago)
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A key is shown once, on standard output, and nowhere again.
func TestKeysOfAPartner(t *testing.T) {
	k := newKeyring(t)
	var shown []string
	show := func(out string) {
		key := strings.TrimSuffix(out, "\n")
		if !apikey.Valid(key) {
			t.Fatalf("%q is no key", out)
		}
		shown = append(shown, key[:len(key)-4])
	}
	said := ""
	out, errs := k.mustRun(t, "issue", "globex-crm")
	show(out)
	said += errs
	out, errs = k.mustRun(t, "rotate", "-overlap", "2h", "globex-crm")
	show(out)
	said += errs
	all := k.keys(t)
	if len(all) != 2 || all[1].Replaces != all[0].ID || time.Until(all[0].Ends) > 2*time.Hour || time.Until(all[0].Ends) < 119*time.Minute {
		t.Fatalf("keys %+v", all)
	}
	k.seen(t, all[0], 3*time.Minute)
	out, errs = k.mustRun(t, "list")
	said += out + errs
	for _, want := range []string{
		`globex-crm +` + all[0].ID + ` +gatehouse_…` + all[0].Text[len(all[0].Text)-4:] + ` +0s +ends in 1h +3m ago`,
		`globex-crm +` + all[1].ID + ` +gatehouse_…` + all[1].Text[len(all[1].Text)-4:] + ` +\ds +- +never`,
	} {
		if !regexp.MustCompile(strings.ReplaceAll(want, "+0s", `+\ds`)).MatchString(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	// In use: it stays. Not in use: it goes. Forced: it goes.
	_, errs, code := k.run(t, "revoke", all[0].ID[:8])
	said += errs
	if code != 1 || !strings.Contains(errs, "key "+all[0].ID) || !strings.Contains(errs, "globex-crm uses it: last seen at") || len(k.keys(t)) != 2 {
		t.Errorf("a key in use: code %d, %s", code, errs)
	}
	_, errs = k.mustRun(t, "revoke", "-unused-for", "2m", all[0].ID)
	said += errs
	if left := k.keys(t); len(left) != 1 || left[0].ID != all[1].ID {
		t.Errorf("left %v", left)
	}
	k.seen(t, all[1], 0)
	_, errs = k.mustRun(t, "revoke", "-force", all[1].ID)
	said += errs
	if len(k.keys(t)) != 0 || !strings.Contains(errs, "forced: globex-crm uses it") {
		t.Errorf("forced: %s", errs)
	}
	for _, key := range shown {
		if strings.Contains(said, key) {
			t.Errorf("%s… is shown again in\n%s", key, said)
		}
	}
	if out, _ := k.mustRun(t, "list"); strings.Count(out, "\n") != 1 {
		t.Errorf("listed of nothing:\n%s", out)
	}
}

// What is over goes, but what somebody still uses; a consumer that goes is forgotten.
func TestRevokeEndedAndAll(t *testing.T) {
	k := newKeyring(t)
	for _, consumer := range []string{"globex-crm", "initech-erp"} {
		k.mustRun(t, "issue", consumer)
		k.mustRun(t, "rotate", "-overlap", "1s", consumer)
	}
	before := k.keys(t)
	k.seen(t, before[2], time.Minute) // initech's old one
	time.Sleep(time.Until(before[2].Ends))
	_, errs, code := k.run(t, "revoke", "-ended")
	if left := k.keys(t); code != 1 || len(left) != 3 || left[1].ID != before[2].ID || !strings.Contains(errs, "initech-erp uses it") {
		t.Errorf("code %d, left %v: %s", code, left, errs)
	}
	k.mustRun(t, "revoke", "-unused-for", "30s", "-ended")
	k.seen(t, before[3], time.Hour*48)
	k.seen(t, partnerkeys.Key{ID: "of-the-base", Consumer: "initech-erp"}, time.Hour)
	k.seen(t, before[1], time.Hour)
	k.mustRun(t, "revoke", "-all", "initech-erp")
	if left := k.keys(t); len(left) != 1 || left[0].ID != before[1].ID {
		t.Errorf("left %v", left)
	}
	var source usageSource
	source.url, source.prefix = k.redis, "gatehouse"
	if known := source.read(t.Context()); known.Err != nil || len(known.Of("initech-erp")) != 0 || len(known.Of("globex-crm")) != 1 {
		t.Errorf("known: %+v", known)
	}
}

// A key that a node has just seen, and not yet written, stays: revoke waits for it.
func TestRevokeWaitsForNodes(t *testing.T) {
	k := newKeyring(t)
	k.mustRun(t, "issue", "globex-crm")
	key := k.keys(t)[0]
	r, _ := k.observe(t, "one")
	waits := make(chan struct{})
	go func() { // as a request that comes in while revoke has looked already
		defer close(waits)
		time.Sleep(100 * time.Millisecond)
		use(r, key, 0)
	}()
	_, errs, code := k.run(t, "revoke", key.ID)
	<-waits
	if code != 1 || len(k.keys(t)) != 1 || !strings.Contains(errs, "waiting until every node has written twice") || !strings.Contains(errs, "globex-crm uses it") {
		t.Errorf("code %d: %s", code, errs)
	}
}

// One node that writes hides none that does not.
func TestRevokeWithASilentNode(t *testing.T) {
	k := newKeyring(t)
	k.mustRun(t, "issue", "globex-crm")
	key := k.keys(t)[0]
	k.observe(t, "one")
	_, errs, code := k.run(t, "revoke", "-nodes", "2", key.ID)
	if code != 1 || len(k.keys(t)) != 1 || !strings.Contains(errs, "of 2 nodes or more, 1 write which keys are used") {
		t.Errorf("fewer than are expected: code %d: %s", code, errs)
	}
	client, err := redisurl.Open(k.redis)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.ZAdd(t.Context(), "gatehouse:{credentials}:writers", redis.Z{Score: float64(time.Now().Add(-time.Hour).Unix()), Member: "two"})
	_, errs, code = k.run(t, "revoke", key.ID)
	if code != 1 || len(k.keys(t)) != 1 || !strings.Contains(errs, "the node two has not written which keys are used since") {
		t.Errorf("one is silent: code %d: %s", code, errs)
	}
	if _, errs := k.mustRun(t, "revoke", "-force", key.ID); len(k.keys(t)) != 0 || !strings.Contains(errs, "forced: whether it is in use is not known: the node two") {
		t.Errorf("forced: %s", errs)
	}
}

// What a node did not get, it gets by the same command again, which says so; what nodes
// wrote of the keys meanwhile is erased.
func TestRevokeAgain(t *testing.T) {
	n := newTestNode(t)
	k := newKeyring(t)
	out, _ := k.mustRun(t, "issue", "-node", n.URL, "globex-crm")
	key := k.keys(t)[0]
	n.set(http.StatusServiceUnavailable)
	_, errs, code := k.run(t, "revoke", "-node", n.URL, "-force", "-all", "globex-crm")
	if code != 1 || len(k.keys(t)) != 0 {
		t.Fatalf("code %d: %s", code, errs)
	}
	k.seen(t, key, 0)
	n.set(0)
	for _, args := range [][]string{{"-all", "globex-crm"}, {"-ended"}} {
		_, errs = k.mustRun(t, "revoke", append([]string{"-node", n.URL}, args...)...)
		if !strings.Contains(errs, n.URL+": runs ") || strings.Contains(n.config(), strings.TrimSpace(out)) {
			t.Errorf("%v: %s", args, errs)
		}
	}
	for _, args := range [][]string{{"-all", "globex-crm"}, {key.ID}} {
		if _, errs, code = k.run(t, "revoke", append([]string{"-node", n.URL}, args...)...); code != 1 || !strings.Contains(errs, n.URL+": runs ") {
			t.Errorf("%v, which nobody has: code %d: %s", args, code, errs)
		}
	}
}

// Without a Redis nobody knows what is in use.
func TestKeysWithoutRedis(t *testing.T) {
	k := newKeyring(t)
	k.redis = "redis://127.0.0.1:1"
	k.mustRun(t, "issue", "globex-crm")
	out, errs := k.mustRun(t, "list", "globex-crm")
	if !strings.Contains(out, "not known") || !strings.Contains(errs, "warning: when keys were last seen is not known: read which credentials were seen") {
		t.Errorf("listed\n%s%s", out, errs)
	}
	key := k.keys(t)[0]
	if _, errs, code := k.run(t, "revoke", key.ID); code != 1 || !strings.Contains(errs, "stays: whether it is in use is not known") || len(k.keys(t)) != 1 {
		t.Errorf("code %d: %s", code, errs)
	}
	if _, errs := k.mustRun(t, "revoke", "-force", key.ID); len(k.keys(t)) != 0 || !strings.Contains(errs, "is not erased") {
		t.Errorf("forced: %s", errs)
	}
}

// testNode is an Admin API that takes a config, or answers with a status.
type testNode struct {
	*httptest.Server
	mu     sync.Mutex
	posted string
	status int
}

func newTestNode(t *testing.T) *testNode {
	n := &testNode{}
	n.Server = httptest.NewServer(n)
	t.Cleanup(n.Close)
	return n
}

func (n *testNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case r.Method == http.MethodGet:
		_, _ = io.WriteString(w, `{"configuration_hash":"`+kongadmin.Hash([]byte(n.posted))+`"}`)
	case n.status != 0:
		w.WriteHeader(n.status)
	default:
		body, _ := io.ReadAll(r.Body)
		n.posted = string(body)
		w.WriteHeader(http.StatusCreated)
	}
}

// set has it answer with a status from now on, and not take a config; 0: it takes it.
func (n *testNode) set(status int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status = status
}

func (n *testNode) config() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.posted
}

// What is given a node, the node runs; what it does not take is kept and said.
func TestKeysOnNodes(t *testing.T) {
	node := newTestNode(t)
	k := newKeyring(t)
	out, errs := k.mustRun(t, "issue", "-node", node.URL, "globex-crm")
	if !strings.Contains(node.config(), strings.TrimSpace(out)) || !strings.Contains(errs, node.URL+": runs ") {
		t.Errorf("posted\n%s\nand said %s", node.config(), errs)
	}
	node.set(http.StatusBadRequest)
	out, errs, code := k.run(t, "rotate", "-node", node.URL, "-overlay", k.file, "globex-crm")
	if code != 1 || !apikey.Valid(strings.TrimSpace(out)) || len(k.keys(t)) != 2 || !strings.Contains(errs, "gatehouse publish with --overlay "+k.file) {
		t.Errorf("code %d, printed %s and %s", code, out, errs)
	}
}

func TestKeysRefuse(t *testing.T) {
	k := newKeyring(t)
	k.mustRun(t, "issue", "globex-crm")
	before, err := os.ReadFile(k.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		command string
		args    []string
		code    int
		want    string
	}{
		{"issue", []string{"globx"}, 1, `there is no consumer "globx" in ` + k.config + ": write one of globex-crm, initech-erp"},
		{"issue", nil, 2, "name one CONSUMER"},
		{"issue", []string{"globex-crm", "-overlap", "1h"}, 2, "there is no flag --overlap"},
		{"issue", []string{"-keys", "", "globex-crm"}, 1, "GATEHOUSE_KEYS"},
		{"issue", []string{"-keys", "keys.yaml", "globex-crm"}, 1, "git work tree"},
		{"issue", []string{"-config", "", "globex-crm"}, 2, "-config"},
		{"rotate", []string{"-overlap", "soon", "globex-crm"}, 2, `"soon" is no time; write it as 30d or 12h30m`},
		{"rotate", []string{"-overlap", "0s", "globex-crm"}, 1, "overlap 0s: write how long"},
		{"rotate", []string{"initech-erp"}, 1, "initech-erp has no key here to rotate: issue one"},
		{"rotate", []string{"-key", "ffff-none", "globex-crm"}, 1, `there is no key "ffff-none"`},
		{"revoke", []string{"ffff-none"}, 1, `there is no key "ffff-none": list shows the ids`},
		{"revoke", nil, 2, "--ended, or --all CONSUMER"},
		{"revoke", []string{"-ended", "ffff-none"}, 2, "--ended, or --all CONSUMER"},
		{"revoke", []string{"-unused-for", "1s", "-ended"}, 2, "-unused-for 1s: nodes write every ten seconds"},
		{"revoke", []string{"-all", "globx"}, 1, `consumer "globx" has no key`},
		{"list", []string{"globx"}, 1, `consumer "globx" has no key in ` + k.file},
		{"list", []string{"globex-crm", "initech-erp"}, 2, "name one CONSUMER, or none"},
	} {
		out, errs, code := k.run(t, tt.command, tt.args...)
		if code != tt.code || out != "" || !strings.Contains(errs, tt.want) || code == 1 && strings.Count(errs, "\n") != 1 {
			t.Errorf("%s %q: code %d, printed %q and %q, want %d and %q", tt.command, tt.args, code, out, errs, tt.code, tt.want)
		}
	}
	if _, errs, code := gatehouse(t, "", "keys", "steal"); code != 2 || !strings.Contains(errs, "issue, list, revoke, rotate") {
		t.Errorf("code %d: %s", code, errs)
	}
	if after, err := os.ReadFile(k.file); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed, error %v", err)
	}
}

// Where the key cannot be shown, its owner is told which one to revoke.
func TestKeyThatCannotBeShown(t *testing.T) {
	k := newKeyring(t)
	var errs bytes.Buffer
	read, write := io.Pipe()
	read.Close()
	code := run(t.Context(), streams{nil, write, &errs}, []string{"keys", "issue", "-keys", k.file, "-config", k.config, "globex-crm"})
	if key := k.keys(t)[0]; code != 1 || !strings.Contains(errs.String(), "key "+key.ID) || !strings.Contains(errs.String(), "was not shown: revoke it") {
		t.Errorf("code %d: %s", code, &errs)
	}
}
