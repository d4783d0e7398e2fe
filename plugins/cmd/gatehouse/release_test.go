package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
)

// replica is the Admin API of a gateway, and the metrics beside it.
type replica struct {
	*httptest.Server

	mu      sync.Mutex
	text    string
	refuses func(text string) bool
	// writes is behind what it was given, when it is asked for its config.
	writes string
	posts  int
	asked  int
	// answers is what it counts at each reading of its metrics, by what it runs.
	answers func(text string, asked int) string
}

func startReplica(t *testing.T, text string) *replica {
	t.Helper()
	r := &replica{text: text}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *replica) runs() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text
}

func (r *replica) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch req.Method + " " + req.URL.Path {
	case "GET /status":
		_, _ = fmt.Fprintf(w, `{"configuration_hash":%q}`, kongadmin.Hash([]byte(r.text)))
	case "GET /config":
		_ = json.NewEncoder(w).Encode(map[string]string{"config": r.text + r.writes})
	case "GET /metrics":
		r.asked++
		if r.answers != nil {
			_, _ = io.WriteString(w, r.answers(r.text, r.asked))
		}
	case "POST /config":
		body, _ := io.ReadAll(req.Body)
		r.posts++
		if r.refuses != nil && r.refuses(string(body)) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"message":"no"}`)
			return
		}
		r.text = string(body)
		w.WriteHeader(http.StatusCreated)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

const (
	oldConfig = "_format_version: \"3.0\"\nservices: [{name: s, host: h, routes: [{name: r, paths: [/a]}]}]\nconsumers: [{username: erp, keyauth_credentials: [{key: hunter2}]}]\nplugins: [{name: pii-log-scrub}]\n"
	newRoute  = "[/a, /b]"
)

// gateway is three replicas, and what releases of it need.
type gateway struct {
	replicas []*replica
	redis    *miniredis.Miniredis
	config   string
	state    string
}

func startGateway(t *testing.T) *gateway {
	t.Helper()
	dir := t.TempDir()
	g := &gateway{redis: miniredis.RunT(t), config: filepath.Join(dir, "kong.yaml"), state: filepath.Join(dir, "releases")}
	for range 3 {
		g.replicas = append(g.replicas, startReplica(t, oldConfig))
	}
	g.write(t, strings.Replace(oldConfig, "[/a]", newRoute, 1))
	return g
}

func (g *gateway) write(t *testing.T, text string) {
	t.Helper()
	put(t, g.config, text, 0o600)
}

// do runs gatehouse release on all replicas.
func (g *gateway) do(ctx context.Context, command string, args ...string) (out string, code int) {
	all := []string{"release", command, "-development", "-state", g.state, "-lock-redis", "redis://" + g.redis.Addr(), "-who", "alice", "-config", g.config, "-admin-timeout", "5s"}
	for _, r := range g.replicas {
		all = append(all, "-node", r.URL)
	}
	if command == "apply" {
		all = append(all, "-bake", "60ms", "-wave-bake", "60ms")
		for _, r := range g.replicas {
			all = append(all, "-metrics", r.URL+"/metrics")
		}
	}
	var text strings.Builder
	code = run(ctx, streams{strings.NewReader(""), &text, &text}, append(all, args...))
	return text.String(), code
}

// want runs a command and sees what it says and ends with.
func (g *gateway) want(t *testing.T, code int, says []string, command string, args ...string) string {
	t.Helper()
	out, got := g.do(t.Context(), command, args...)
	if got != code {
		t.Fatalf("release %s %v: exit code %d, want %d:\n%s", command, args, got, code, out)
	}
	for _, want := range says {
		if !strings.Contains(out, want) {
			t.Errorf("release %s %v does not say %q:\n%s", command, args, want, out)
		}
	}
	if strings.Contains(out, "hunter2") {
		t.Errorf("release %s shows a secret:\n%s", command, out)
	}
	return out
}

// all sees what the replicas run.
func (g *gateway) all(t *testing.T, want string) {
	t.Helper()
	for i, r := range g.replicas {
		if got := r.runs(); got != want {
			t.Errorf("replica %d runs %q, want %q", i, got, want)
		}
	}
}

func (g *gateway) file(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(g.config)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (g *gateway) record(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.state, "releases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReleaseAndRollback(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	g.want(t, 0, []string{"~ routes r", "paths: [\"/a\"] → [\"/a\",\"/b\"]", "1 changes"}, "plan")
	g.all(t, oldConfig)
	g.want(t, 0, []string{"wave 1 of 2", "too few to compare", "applied, every replica runs the new config"}, "apply")
	g.all(t, g.file(t))
	g.want(t, 0, []string{"by alice"}, "status")
	g.want(t, 0, []string{"nothing changes"}, "apply")
	for _, want := range []string{`"event":"begin"`, `"event":"put"`, `"event":"bake"`, `"outcome":"applied"`, `"who":"alice"`, `"fence":1`} {
		if !strings.Contains(g.record(t), want) {
			t.Errorf("the record has no %s:\n%s", want, g.record(t))
		}
	}
	g.want(t, 0, []string{"applied"}, "rollback")
	g.all(t, oldConfig)
	g.want(t, 1, []string{"name a config"}, "rollback")
}

// TestReleaseIsTakenBack: by a replica that refuses it, and by one that does worse.
func TestReleaseIsTakenBack(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	g.replicas[1].refuses = func(text string) bool { return strings.Contains(text, newRoute) }
	g.want(t, 1, []string{"Kong refuses the config", "taken back, every replica runs the config before"}, "apply")
	g.all(t, oldConfig)
	g.replicas[1].refuses = nil
	g.replicas[0].answers = func(text string, asked int) string {
		bad := 0
		if strings.Contains(text, newRoute) {
			bad = 40 * asked
		}
		return fmt.Sprintf("# TYPE gatehouse_requests_total counter\ngatehouse_requests_total{route=\"r\",status_class=\"2xx\"} %d\ngatehouse_requests_total{route=\"r\",status_class=\"5xx\"} %d\n", 100*asked, bad)
	}
	g.replicas[1].answers = func(_ string, asked int) string {
		return fmt.Sprintf("# TYPE gatehouse_requests_total counter\ngatehouse_requests_total{route=\"r\",status_class=\"2xx\"} %d\n", 100*asked)
	}
	g.want(t, 1, []string{"answers 5xx", "taken back, every replica runs the config before"}, "apply")
	g.all(t, oldConfig)
	if g.replicas[2].posts != 0 {
		t.Error("a replica of a later wave got it")
	}
	g.want(t, 0, nil, "status")
}

// TestReleaseIsTakenBackToOneText: the way back from the first release is the text that a
// gateway writes of its config, which has another hash than what was posted. All replicas get
// it, so that the next release finds one config.
func TestReleaseIsTakenBackToOneText(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	for _, r := range g.replicas {
		r.writes = "# as Kong writes it\n"
	}
	g.replicas[1].refuses = func(text string) bool { return strings.Contains(text, newRoute) }
	g.want(t, 1, []string{"taken back, every replica runs the config before"}, "apply")
	g.want(t, 0, nil, "status")
	g.replicas[1].refuses = nil
	g.want(t, 0, []string{"applied, every replica runs the new config"}, "apply")
}

// TestReleaseSmokes: a route that answers wrongly to a request of its own has it taken back.
func TestReleaseSmokes(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	status := http.StatusOK
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer proxy.Close()
	g.want(t, 0, []string{"that all stay up decides, with the smoke requests"}, "apply", "-proxy", proxy.URL)
	status = http.StatusInternalServerError
	before := g.file(t)
	g.write(t, oldConfig)
	g.want(t, 1, []string{"smoke requests: route r: ", "taken back, every replica runs the config before"}, "apply", "-proxy", proxy.URL)
	g.all(t, before)
}

// TestReleaseStops: Ctrl-C in the bake.
func TestReleaseStops(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for g.replicas[0].runs() == oldConfig && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	out, code := g.do(ctx, "apply", "-bake", "1m")
	if code != 1 || !strings.Contains(out, "it was told to stop") || !strings.Contains(out, "taken back, every replica runs the config before") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	g.all(t, oldConfig)
}

// TestReleaseResumes: a release whose process is gone, with a replica that was away when
// it was taken back.
func TestReleaseResumes(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	g.want(t, 0, nil, "apply")
	// What a process leaves that is killed while the second wave bakes.
	id := func(text string) string { return kongadmin.Hash([]byte(text)) }
	put(t, filepath.Join(g.state, "unfinished.json"), fmt.Sprintf(`{"release":"r9","kind":"apply","who":"bob","before":%q,"after":%q,
"state":{"phase":"rolling","replicas":[{"name":%q,"runs":"after"},{"name":%q,"runs":"after"},{"name":%q,"runs":"unknown"}],
"waves":[{"replicas":[0],"smoked":true,"baked":true},{"replicas":[1,2]}]}}`,
		id(oldConfig), id(g.file(t)), g.replicas[0].URL, g.replicas[1].URL, g.replicas[2].URL), 0o600)
	if err := g.redis.Set("gatehouse:{default}:release:open", `{"id":"r9","who":"bob","host":"h"}`); err != nil {
		t.Fatal(err)
	}
	g.want(t, 1, []string{"r9 of bob is under way or did not finish"}, "status")

	// Who posts keys meanwhile would be overwritten.
	publish := []string{"publish", "-development", "-lock-redis", "redis://" + g.redis.Addr(), "-config", g.config, "-node", g.replicas[0].URL}
	if out, errs, code := gatehouse(t, "", publish...); code != 1 || !strings.Contains(errs, "release r9 of bob on h has not finished") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	g.want(t, 1, []string{"release r9 of bob", "did not finish: it is taken back first", "taken back, every replica runs the config before"}, "apply")
	g.all(t, oldConfig)
	g.want(t, 0, []string{"applied"}, "apply")
	if out, errs, code := gatehouse(t, "", publish...); code != 0 {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

// TestReleaseAtPeak: at peak nothing is released but credentials, unless somebody says why.
func TestReleaseAtPeak(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	peak := []string{"-peak", "00:00-24:00 UTC"}
	g.want(t, 1, []string{"peak hours are 00:00-24:00 UTC", "-force REASON"}, "apply", peak...)
	g.all(t, oldConfig)
	g.want(t, 0, nil, "apply", append(peak, "-force", "the old route is abused")...)
	if !strings.Contains(g.record(t), `"reason":"the old route is abused"`) {
		t.Errorf("the record has no reason:\n%s", g.record(t))
	}
	g.write(t, strings.Replace(g.file(t), "{key: hunter2}", "{key: hunter2}, {key: hunter2-next}", 1))
	g.want(t, 0, []string{"credentials alone"}, "apply", peak...)
	g.all(t, g.file(t))
	g.want(t, 1, []string{"a key that was revoked would be let in again"}, "rollback")
	g.want(t, 2, []string{"write them as"}, "apply", "-peak", "always")
}

// TestReleaseOneAtOnce: the lock is another one's.
func TestReleaseOneAtOnce(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	if err := g.redis.Set("gatehouse:{default}:release:lock", "bob on h\nx"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	out, code := g.do(ctx, "apply")
	if code != 1 || !strings.Contains(out, "bob on h has the lock") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	g.all(t, oldConfig)
}

// TestReleaseRefuses: what is wrong is said before any replica is asked to change.
func TestReleaseRefuses(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	for _, tt := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"-canary", "0"}, "-canary 0", 2},
		{[]string{"-enough", "0"}, "-enough 0", 2},
		{[]string{"-bake", "-1s"}, "-bake", 2},
		{[]string{"-node", g.replicas[0].URL}, "is given twice", 2},
		{[]string{"-metrics", "http://x"}, "-metrics is given 4 times for 3 nodes", 2},
		{[]string{"-config", "no-such.yaml"}, "no such file", 1},
		{[]string{"-lock-redis", "http://x"}, "not the URL of a Redis", 1},
	} {
		if out, code := g.do(t.Context(), "apply", tt.args...); code != tt.code || !strings.Contains(out, tt.want) {
			t.Errorf("%v: exit code %d, want %d and %q:\n%s", tt.args, code, tt.code, tt.want, out)
		}
	}
	g.replicas[2].text = "another"
	g.want(t, 1, []string{"the replicas run different configs"}, "apply")
	g.replicas[2].Close()
	g.want(t, 1, []string{"a replica does not say what it runs"}, "apply")
	if g.replicas[0].posts != 0 {
		t.Error("a replica was changed")
	}
}

// TestKeysReleaseNothing: a key that is issued carries no config to the nodes that is not
// released.
func TestKeysReleaseNothing(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	issue := []string{"keys", "issue", "-development", "-keys", filepath.Join(filepath.Dir(g.config), "keys.yaml"), "-lock-redis", "redis://" + g.redis.Addr(),
		"-config", g.config, "-node", g.replicas[0].URL, "erp"}
	if _, errs, code := gatehouse(t, "", issue...); code != 1 || !strings.Contains(errs, "would change more there than credentials (~ routes r)") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	g.all(t, oldConfig)
	g.write(t, oldConfig)
	if _, errs, code := gatehouse(t, "", issue...); code != 0 || g.replicas[0].posts != 1 {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
