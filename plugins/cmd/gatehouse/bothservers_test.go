package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/entities"
	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/listen"
)

// configs are a configuration of each plugin in which all that it does is on.
var configs = map[string]string{
	"pii-log-scrub":     `{}`,
	"trace-inject":      `{"incoming":"continue","sample_ratio":1}`,
	"tenant-rate-limit": `{"limits":[{"name":"tenant","scope":["tenant","route"],"limit":100,"window_seconds":60}],"redis":{"timeout_ms":1000}}`,
	"sunset-headers":    `{"deprecated_at":"2026-01-15","sunset_at":"2036-06-30","successor":"/v2{+rest}"}`,
	"api-version":       `{"apis":[{"path":"/o","default":"v1","media_types":["a/b"],"versions":[{"name":"v1"}]}]}`,
	"gatehouse":         `{"run":["pii_log_scrub","trace_inject"],"pii_log_scrub":{},"trace_inject":{"sample_ratio":1}}`,
}

// TestHandlersDoTheSameOnBothServers runs each phase of each plugin on the
// connection of go-pdk's own server and on ours. Kong must be told the same.
func TestHandlersDoTheSameOnBothServers(t *testing.T) {
	t.Parallel()
	store := miniredis.RunT(t)
	// Each server has plugins of its own: they remember what Kong told them.
	pluginsFor := func() []pluginserver.Plugin {
		p, err := newPlugins("redis://"+store.Addr(), slog.New(slog.DiscardHandler), nil, slog.DiscardHandler)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.close(context.Background()) })
		return p.list()
	}
	client := served(t, pluginsFor())
	for _, plugin := range pluginsFor() {
		for _, phase := range phases(t, plugin, configs[plugin.Name]) {
			t.Run(plugin.Name+" "+phase.name, func(t *testing.T) {
				store.FlushAll()
				want := kongtest.Run(t, phase.handler, kongrequesttest.Installed(t, request()))
				store.FlushAll()
				id, err := client.StartInstance(plugin.Name, []byte(configs[plugin.Name]))
				if err != nil {
					t.Fatal(err)
				}
				got, err := client.HandleEvent(id, phase.name, kongrequesttest.Installed(t, request()))
				if err != nil {
					t.Fatal(err)
				}
				if len(want.Calls) == 0 {
					t.Error("the handler made no call")
				}
				if diff := cmp.Diff(steady(t, want), steady(t, got)); diff != "" {
					t.Errorf("effects (-go-pdk's server +ours):\n%s", diff)
				}
			})
		}
	}
}

// served is a client of our server that serves the plugins.
func served(t *testing.T, plugins []pluginserver.Plugin) *kongtest.Client {
	t.Helper()
	server, err := pluginserver.New(pluginserver.Options{Logger: slog.New(slog.DiscardHandler)}, plugins...)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	ln, err := listen.Unix(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, ln) }()
	client := kongtest.NewClient(socket)
	t.Cleanup(func() {
		_ = client.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return client
}

// phase is one of a configuration, by Kong's name.
type phase struct {
	name    string
	handler func(*pdk.PDK)
}

// phases are those of a configuration, in Kong's order. Nobody calls Provision: go-pdk's
// own server does not.
func phases(t *testing.T, plugin pluginserver.Plugin, text string) (list []phase) {
	t.Helper()
	config := plugin.New()
	if err := json.Unmarshal([]byte(text), config); err != nil {
		t.Fatal(err)
	}
	if c, ok := config.(interface{ Rewrite(*pdk.PDK) }); ok {
		list = append(list, phase{"rewrite", c.Rewrite})
	}
	if c, ok := config.(interface{ Access(*pdk.PDK) }); ok {
		list = append(list, phase{"access", c.Access})
	}
	if c, ok := config.(interface{ Log(*pdk.PDK) }); ok && plugin.Name != "trace-inject" { // which exports nothing here
		list = append(list, phase{"log", c.Log})
	}
	return list
}

func request() kongtest.Request {
	return kongtest.Request{
		Method: http.MethodGet, Scheme: "https", Host: "api.example.com", ClientIP: "203.0.113.77",
		Path: "/orders/4711", RawQuery: "email=ada%40example.com&card=4111111111111111",
		Headers: http.Header{
			"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
			"X-Tenant-Id": {"forged"}, "X-Name": {"J\xfcrgen"},
		},
		Route:    &entities.Route{Id: "r1", Name: "orders", Paths: []string{"/orders"}, Service: entities.ServiceKey{Id: "s1"}},
		Service:  &entities.Service{Id: "s1", Name: "orders"},
		Consumer: &entities.Consumer{Id: "c1", Username: "initech-erp", CustomId: "initech"}, CredentialID: "k1",
		Vars: map[string]string{"kong_request_id": "6b3f0a1c2d4e5f60718293a4b5c6d7e8"},
		Log:  `{"request":{"id":"6b3f0a1c2d4e5f60718293a4b5c6d7e8","method":"GET","uri":"/orders/4711"},"response":{"status":200}}`,
	}
}

// drawn are the trace and span ids, which are new each time.
var drawn = regexp.MustCompile(`[0-9a-f]{16,32}`)

// steady is effects as text, but for what is drawn.
func steady(t *testing.T, e kongtest.Effects) string {
	t.Helper()
	// Kong sets the headers of a table in no order.
	for _, ops := range [][]kongtest.HeaderOp{e.Service.Ops, e.Response.Ops} {
		slices.SortFunc(ops, func(a, b kongtest.HeaderOp) int { return strings.Compare(a.Name, b.Name) })
	}
	slices.Sort(e.Calls) // on our server declared reads come first
	text, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return drawn.ReplaceAllString(string(text), "DRAWN")
}
