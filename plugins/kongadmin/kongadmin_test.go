package kongadmin_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
)

// admin is an Admin API, as far as configs need it.
type admin struct {
	mu   sync.Mutex
	hash string
	// post answers POST /config in place of taking the config.
	post http.HandlerFunc
	// status answers GET /status in place of telling the hash.
	status http.HandlerFunc
	asked  []string
}

func (a *admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, r.Method+" "+r.RequestURI)
	switch {
	case r.Method == http.MethodGet && a.status != nil:
		a.status(w, r)
	case r.Method == http.MethodGet:
		_ = json.NewEncoder(w).Encode(map[string]any{"configuration_hash": a.hash, "server": map[string]any{}})
	case a.post != nil:
		a.post(w, r)
	default:
		body, err := io.ReadAll(r.Body)
		switch hash := kongadmin.Hash(body); {
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
		case hash == a.hash:
			w.WriteHeader(http.StatusNotModified)
		default:
			a.hash = hash
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write(body) // Kong too answers with what it was sent
		}
	}
}

func (a *admin) start(t *testing.T) *kongadmin.Node {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return node(t, server.URL)
}

func node(t *testing.T, address string) *kongadmin.Node {
	t.Helper()
	client, err := kongadmin.TLS{}.Client(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	n, err := kongadmin.NewNode(address, client)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const secret = "hunter2-hunter2"

func config(text string) kongadmin.Config {
	return kongadmin.Config{Text: []byte(text), Hide: func(s string) string { return strings.ReplaceAll(s, secret, "(hidden)") }}
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestPost(t *testing.T) {
	t.Parallel()
	a := &admin{hash: kongadmin.Empty}
	n := a.start(t)
	for i, want := range []bool{true, false} {
		if changed, err := n.Post(t.Context(), config("a: 1")); err != nil || changed != want {
			t.Errorf("post %d: changed %t, error %v, want %t", i+1, changed, err, want)
		}
	}
	if a.asked[0] != "POST /config?check_hash=1&flatten_errors=1" || a.asked[1] != "GET /status" {
		t.Errorf("asked %q", a.asked)
	}
	if runs, err := n.Running(t.Context()); err != nil || runs != "270f9e65a80226eccd82c99cdd0dd2fb" {
		t.Errorf("runs %q, error %v", runs, err) // md5sum says the same
	}
}

// refused is an answer of Kong 3.9.1 to a config with two keys that are one, and others'
// mistakes. It has the key in it in two places.
const refused = `{"code":14,"name":"invalid declarative configuration","message":"declarative config is invalid: {…` + secret + `…}",
"fields":{"services":[null,{"host":"required field missing"}],"error":"a whole mistake"},
"flattened_errors":[
 {"entity_type":"keyauth_credential","entity":{"key":"` + secret + `"},"errors":[{"type":"entity","message":"uniqueness violation: 'keyauth_credentials' entity with key set to '` + secret + `' already declared"}]},
 {"entity_type":"service","entity_name":"orders","entity_id":"5","entity":{"name":"orders","url":"http://` + secret + `"},"errors":[
   {"type":"field","field":"retries","message":"expected an integer"},{"type":"field","field":"methods","messages":["invalid value: get","invalid value: put"]}]},
 {"entity_type":"consumer","entity_id":"7","entity":{"username":"erp"},"errors":[{"type":"field","field":"custom_id","message":"of two\nlines"}]},
 {"entity_type":"acl","entity_id":"9","errors":[{"type":"field","field":"group","message":"required field missing"}]}]}`

func TestRefusal(t *testing.T) {
	t.Parallel()
	a := &admin{hash: "old", post: answers(http.StatusBadRequest, refused)}
	_, err := a.start(t).Post(t.Context(), config("a: 1"))
	want := `Kong refuses the config: a whole mistake; acl 9: group: required field missing; ` +
		`consumer erp: custom_id: of two lines; ` +
		`keyauth_credential without a name: uniqueness violation: 'keyauth_credentials' entity with key set to '(hidden)' already declared; ` +
		`service orders: methods: invalid value: get; service orders: methods: invalid value: put; service orders: retries: expected an integer; ` +
		`services[1].host: required field missing`
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
}

// TestRefusalOfTheWhole: Kong 3.9.1 names nested credentials of one key beside the
// entities, of which the list is then an object.
func TestRefusalOfTheWhole(t *testing.T) {
	t.Parallel()
	a := &admin{post: answers(http.StatusBadRequest, `{"flattened_errors":{},"code":14,"fields":{"keyauth_credentials":["uniqueness violation: 'keyauth_credentials' entity with key set to '`+secret+`' already declared"]}}`)}
	_, err := a.start(t).Post(t.Context(), config("a: 1"))
	if want := "Kong refuses the config: keyauth_credentials[0]: uniqueness violation: 'keyauth_credentials' entity with key set to '(hidden)' already declared"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		post, status http.HandlerFunc
		want         string
	}{
		{"no access", answers(401, `{"message":"Unauthorized"}`), nil, "status 401: it lets nobody in"},
		{"no Admin API", answers(404, `<html>`), nil, "status 404: no Admin API is there"},
		{"too large", answers(413, ``), nil, "status 413: the config is too large for it"},
		{"busy", answers(429, `{"message":"Currently loading previous configuration"}`), nil, "status 429: it is loading another config: try again"},
		{"with a database", answers(400, `{"message":"this endpoint is only available when Kong is configured to not use a database"}`), nil, "only available when Kong is configured to not use a database"},
		{"not Kong's", answers(400, `<html>`), nil, "Kong refuses the config: it does not say why"},
		{"broken", answers(500, `{"message":"An unexpected error occurred"}`), nil, "status 500: An unexpected error occurred"},
		{"elsewhere", answers(308, ``), nil, "status 308: Permanent Redirect"},
		{"somebody else posts", answers(201, `{}`), nil, "it took the config and runs old, not "},
		{"nothing in it", answers(201, `{}`), answers(200, `{"configuration_hash":"`+kongadmin.Empty+`"}`), "there is no entity"},
		{"does not say", answers(201, `{}`), answers(200, `{"database":{"reachable":true}}`), "it took the config; ask what it runs: its /status has no configuration_hash"},
		{"cannot say", answers(201, `{}`), answers(503, ``), "it took the config; ask what it runs: status 503"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := &admin{hash: "old", post: tt.post, status: tt.status}
			if _, err := a.start(t).Post(t.Context(), config("a: "+secret)); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestPublish: what becomes of three nodes whose second one fails is said of each.
func TestPublish(t *testing.T) {
	t.Parallel()
	text := "a: 1"
	now := kongadmin.Hash([]byte(text))
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, tt := range []struct {
		name   string
		second func(t *testing.T) *kongadmin.Node
		want   [3]string // what each line ends with, after the node
		bad    int
	}{
		{"all take it", func(t *testing.T) *kongadmin.Node { return (&admin{hash: now}).start(t) },
			[3]string{"runs " + now, "runs " + now + ", as before", "runs " + now}, 0},
		{"one refuses", func(t *testing.T) *kongadmin.Node {
			return (&admin{hash: "second", post: answers(http.StatusBadRequest, refused)}).start(t)
		}, [3]string{"runs " + now, "; it runs second", "held back, since a node refused the config; it runs old"}, 2},
		{"one is gone", func(t *testing.T) *kongadmin.Node { return node(t, gone.URL) },
			[3]string{"runs " + now, "connection refused; what it runs is not known", "runs " + now}, 1},
		{"one is busy", func(t *testing.T) *kongadmin.Node {
			return (&admin{hash: "second", post: answers(http.StatusTooManyRequests, "{}")}).start(t)
		}, [3]string{"runs " + now, "try again; it runs second", "runs " + now}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nodes := []*kongadmin.Node{(&admin{hash: "old"}).start(t), tt.second(t), (&admin{hash: "old"}).start(t)}
			results, err := kongadmin.Publish(t.Context(), config(text), nodes)
			bad := 0
			for i, r := range results {
				line := r.String()
				if !strings.HasPrefix(line, nodes[i].String()+": ") || !strings.HasSuffix(line, tt.want[i]) || strings.Contains(line, secret) {
					t.Errorf("node %d: %q, want %q", i+1, line, tt.want[i])
				}
				if r.Err != nil {
					bad++
				}
			}
			if len(results) != 3 || bad != tt.bad || (err != nil) != (tt.bad > 0) {
				t.Errorf("%d results, %d bad, error %v, want %d bad", len(results), bad, err, tt.bad)
			}
		})
	}
}

// TestSlowNode: a node that does not answer in time is one that fails.
func TestSlowNode(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	a := &admin{post: func(_ http.ResponseWriter, r *http.Request) { <-over }}
	server := httptest.NewServer(a)
	defer server.Close()
	defer close(over)
	client, err := kongadmin.TLS{}.Client(20 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	n, err := kongadmin.NewNode(server.URL, client)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Post(t.Context(), config("a: 1")); err == nil || err.Error() != "no answer in time" {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Post(ctx, config("a: 1")); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("error %v", err)
	}
}

func TestNewNodeRefuses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "127.0.0.1:8001", "ftp://kong", "http://", "http://kong?x=1", "http://u:" + secret + "@kong#f", "http://u:" + secret + "@kong:x"} {
		_, err := kongadmin.NewNode(address, http.DefaultClient)
		if err == nil || !strings.Contains(err.Error(), "write it as http://127.0.0.1:8001") || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: error %v", address, err)
		}
	}
	n := node(t, "http://u:"+secret+"@127.0.0.1:1/admin/")
	if _, err := n.Running(t.Context()); err == nil || strings.Contains(n.String()+err.Error(), secret) || n.String() != "http://127.0.0.1:1/admin/" {
		t.Errorf("%s: error %v", n, err)
	}
}

// TestExport: a node says what it runs as a text, and what it knows of a kind of entities.
func TestExport(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/config":
			_, _ = io.WriteString(w, `{"config":"a: 1\n"}`)
		case "/schemas/plugins/key-auth":
			_, _ = io.WriteString(w, `{"fields":[]}`)
		case "/empty/config":
			_, _ = io.WriteString(w, `{}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	n := node(t, server.URL)
	if text, err := n.Export(t.Context()); err != nil || string(text) != "a: 1\n" {
		t.Errorf("%q, error %v", text, err)
	}
	if _, err := node(t, server.URL+"/empty").Export(t.Context()); err == nil || !strings.Contains(err.Error(), "no config") {
		t.Errorf("error %v", err)
	}
	if _, err := node(t, server.URL+"/none").Export(t.Context()); err == nil || !strings.Contains(err.Error(), "no Admin API is there") {
		t.Errorf("error %v", err)
	}
	for of, want := range map[string]string{"plugins/key-auth": `{"fields":[]}`, "plugins/none": "", "../config": ""} {
		if schema, err := n.Schema(t.Context(), of); err != nil || string(schema) != want {
			t.Errorf("%s: %s, error %v", of, schema, err)
		}
	}
}
