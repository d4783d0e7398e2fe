package kongrequest_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	pdk "github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/entities"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func request() kongtest.Request {
	return kongtest.Request{
		Method: http.MethodPost, Path: "/caf\xe9", RawQuery: "q=$host", ClientIP: "203.0.113.7", Host: "api.example.com",
		Headers: http.Header{"Traceparent": {"00-\xff"}, "Tracestate": {"a=1", "b=2"}, "Connection": {"close", "TE"}, "X-B3-TraceId": {"b", "3"}},
		Vars:    map[string]string{"upstream_uri": "/v1", "server_port": "8000", "kong_request_id": "6b3f"},
	}
}

// read is what an event tells of all variables, and how many calls that took.
func read(t *testing.T, source *kongrequest.Source, req kongtest.Request) (vars map[string]string, calls int) {
	t.Helper()
	vars = map[string]string{}
	effects := kongtest.Run(t, func(kong *pdk.PDK) {
		event := source.Open(kong)
		for range 2 { // the second time costs nothing
			for _, v := range kongrequest.Variables() {
				value, err := event.Var(v)
				if err != nil {
					t.Error(err)
				}
				vars[v.String()] = value
			}
		}
	}, req)
	return vars, len(effects.Calls)
}

func TestVarsByOneReadAndBySingleReads(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"remote_addr": "203.0.113.7", "request_method": "POST", "scheme": "http", "host": "api.example.com",
		"server_port": "8000", "kong_request_id": "6b3f", "http_traceparent": "00-\xff", "http_tracestate": "a=1, b=2",
		"http_connection": "close, TE", "request_uri": "/caf\xe9?q=$host", "upstream_uri": "/v1",
	}
	for _, v := range kongrequest.TraceHeaders() {
		want[v.String()] = ""
	}
	want["http_x_b3_traceid"] = "b, 3"
	singles := len(want)
	broken := kongrequesttest.Installed(t, request())
	broken.Vars[kongrequest.Composite] += "\n"
	var source kongrequest.Source
	for _, tt := range []struct {
		name  string
		req   kongtest.Request
		calls int
	}{
		{"installed", kongrequesttest.Installed(t, request()), 1},
		{"malformed", broken, 1 + singles},
		{"installed, after a malformed one", kongrequesttest.Installed(t, request()), 1},
		{"not installed", request(), 1 + singles},
		{"not installed, and known not to be", request(), singles},
	} {
		got, calls := read(t, &source, tt.req)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if calls != tt.calls {
			t.Errorf("%s: %d calls, want %d", tt.name, calls, tt.calls)
		}
	}
}

func TestAbsenceIsForgottenAfterAWhile(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	source := kongrequest.Source{Now: func() time.Time { return now }}
	read(t, &source, request())
	now = now.Add(59 * time.Second)
	if _, calls := read(t, &source, kongrequesttest.Installed(t, request())); calls == 1 {
		t.Error("the variable is looked for again within a minute")
	}
	now = now.Add(time.Second)
	if _, calls := read(t, &source, kongrequesttest.Installed(t, request())); calls != 1 {
		t.Error("the variable is not looked for after a minute")
	}
}

func TestFactsAreAskedForOnce(t *testing.T) {
	t.Parallel()
	req := request()
	req.Consumer, req.CredentialID = &entities.Consumer{Id: "c1"}, "k1"
	req.Route, req.Log = &entities.Route{Id: "r1"}, `{"request":{"id":"6b3f"}}`
	req.Shared = map[string]any{"authenticated_jwt_token": "e30.eyJzdWIiOiJ1MSJ9.c2ln"}
	effects := kongtest.Run(t, func(kong *pdk.PDK) {
		event := new(kongrequest.Source).Open(kong)
		for range 2 {
			token, _ := event.Token()
			consumer, _ := event.Consumer()
			credential, _ := event.Credential()
			route, _ := event.Route()
			record, err := event.Record()
			if err != nil {
				t.Fatal(err)
			}
			got := []string{token.Claim("sub").Value, consumer.Id, credential, route.Id, record.Request.ID}
			if diff := cmp.Diff([]string{"u1", "c1", "k1", "r1", "6b3f"}, got); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		}
	}, req)
	want := []string{"kong.ctx.shared.get", "kong.client.get_consumer", "kong.client.get_credential", "kong.router.get_route", "kong.log.serialize"}
	if diff := cmp.Diff(want, effects.Calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestServiceIsRemembered: the service of a route is asked for once in a second.
func TestServiceIsRemembered(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	source := &kongrequest.Source{Now: func() time.Time { return clock }}
	for _, step := range []struct {
		after              time.Duration
		service, now, want string
		calls              int // the route, and the service where it is asked for
	}{
		{0, "s1", "first", "first", 2},
		{time.Second - 1, "s1", "renamed", "first", 1},
		{0, "s2", "another", "another", 2},
		{0, "", "no service", "", 1},
		{1, "s1", "renamed", "renamed", 2},
	} {
		clock = clock.Add(step.after)
		req := request()
		req.Route, req.Service = &entities.Route{Service: entities.ServiceKey{Id: step.service}}, &entities.Service{Id: step.service, Name: step.now}
		effects := kongtest.Run(t, func(kong *pdk.PDK) {
			if service, err := source.Open(kong).Service(); err != nil || service.Name != step.want {
				t.Errorf("%+v: service %s, %v", step, service.Name, err)
			}
		}, req)
		if len(effects.Calls) != step.calls {
			t.Errorf("%+v: calls %v", step, effects.Calls)
		}
	}
}

// TestConsumersAreNotRemembered: two clients whose requests are alike, what they wrote
// and the credential's id included, are whom Kong says that they are.
func TestConsumersAreNotRemembered(t *testing.T) {
	t.Parallel()
	source := &kongrequest.Source{}
	for _, name := range []string{"partner", "another"} {
		req := request()
		req.Headers.Set("X-Consumer-Id", "c1")
		req.CredentialID, req.Consumer = "k1", &entities.Consumer{Id: "id of " + name, Username: name, CustomId: "tenant of " + name, Tags: []string{"t"}}
		kongtest.Run(t, func(kong *pdk.PDK) {
			event := source.Open(kong)
			var got identity.Evidence
			_, err := event.Var(kongrequest.Method)
			if err := errors.Join(err, event.ReadConsumer(&got)); err != nil {
				t.Fatal(err)
			}
			want := identity.Evidence{CredentialID: "k1", Consumer: identity.Consumer{ID: "id of " + name, Username: name, CustomID: "tenant of " + name, Tags: []string{"t"}}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}, kongrequesttest.Installed(t, req))
	}
}

// TestKnownRouteIsRemembered: Kong is asked for the matched route only where it may be
// another with the next request.
func TestKnownRouteIsRemembered(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	source := &kongrequest.Source{Now: func() time.Time { return clock }}
	for _, step := range []struct {
		after         time.Duration
		id, now, want string
		calls         int
	}{
		{0, "", "first", "first", 1}, {0, "", "second", "second", 1},
		{0, "r1", "third", "third", 1}, {time.Second - 1, "r1", "renamed", "third", 0}, {1, "r1", "renamed", "renamed", 1},
	} {
		clock = clock.Add(step.after)
		req := request()
		req.Route = &entities.Route{Id: "r1", Name: step.now}
		effects := kongtest.Run(t, func(kong *pdk.PDK) {
			if route, err := source.OpenOn(kong, step.id).Route(); err != nil || route.Name != step.want {
				t.Errorf("%+v: route %s, %v", step, route.Name, err)
			}
		}, req)
		if len(effects.Calls) != step.calls {
			t.Errorf("%+v: calls %v", step, effects.Calls)
		}
	}
}

func TestLostConnectionIsAnError(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"kong.nginx.get_var", "kong.ctx.shared.get"} {
		req := request()
		req.Throws = []string{method}
		kongtest.Run(t, func(kong *pdk.PDK) {
			event := new(kongrequest.Source).Open(kong)
			if _, err := event.Token(); err == nil && method == "kong.ctx.shared.get" {
				t.Error("no error where the token cannot be read")
			}
			if _, err := event.Var(kongrequest.Host); err == nil {
				t.Error("no error where the variable cannot be read")
			}
		}, req)
	}
}
