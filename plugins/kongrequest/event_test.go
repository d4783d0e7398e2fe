package kongrequest_test

import (
	"net/http"
	"testing"
	"time"

	pdk "github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/entities"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func request() kongtest.Request {
	return kongtest.Request{
		Method: http.MethodPost, Path: "/caf\xe9", RawQuery: "q=$host", ClientIP: "203.0.113.7", Host: "api.example.com",
		Headers: http.Header{"Traceparent": {"00-\xff"}, "Tracestate": {"a=1", "b=2"}},
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
		"request_uri": "/caf\xe9?q=$host", "upstream_uri": "/v1",
	}
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
	req.Shared = map[string]any{"authenticated_jwt_token": "a.b.c"}
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
			got := []string{token, consumer.Id, credential, route.Id, record.Request.ID}
			if diff := cmp.Diff([]string{"a.b.c", "c1", "k1", "r1", "6b3f"}, got); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		}
	}, req)
	want := []string{"kong.ctx.shared.get", "kong.client.get_credential", "kong.client.get_consumer", "kong.router.get_route", "kong.log.serialize"}
	if diff := cmp.Diff(want, effects.Calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestEntitiesAreRemembered: the consumer of a credential and the service of a route are
// asked for once in a second, and one without an id each time.
func TestEntitiesAreRemembered(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	source := &kongrequest.Source{Now: func() time.Time { return clock }}
	ask := func(credential, username, service string) (got string, calls int) {
		req := request()
		req.CredentialID, req.Consumer = credential, &entities.Consumer{Id: "c", Username: username}
		req.Route, req.Service = &entities.Route{Service: entities.ServiceKey{Id: service}}, &entities.Service{Id: service, Name: username}
		effects := kongtest.Run(t, func(kong *pdk.PDK) {
			event := source.Open(kong)
			consumer, err := event.Consumer()
			service, serviceErr := event.Service()
			if err != nil || serviceErr != nil {
				t.Fatal(err, serviceErr)
			}
			got = consumer.Username + "," + service.Name
		}, req)
		return got, len(effects.Calls)
	}
	for _, step := range []struct {
		after                         time.Duration
		credential, username, service string
		want                          string
		calls                         int
	}{
		{0, "k1", "first", "s1", "first,first", 4},
		{time.Second - 1, "k1", "renamed", "s1", "first,first", 2},
		{0, "k2", "second", "s2", "second,second", 4},
		{1, "k1", "renamed", "s1", "renamed,renamed", 4},
		{0, "", "anonymous", "", "anonymous,", 3},
		{0, "", "another", "", "another,", 3},
	} {
		clock = clock.Add(step.after)
		got, calls := ask(step.credential, step.username, step.service)
		if got != step.want || calls != step.calls {
			t.Errorf("%+v: %s in %d calls", step, got, calls)
		}
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
