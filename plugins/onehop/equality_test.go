package onehop_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Kong/go-pdk/entities"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func alice() kongtest.Request {
	return kongtest.Request{
		Method: http.MethodGet, Scheme: "https", Host: "api.example.com", ClientIP: "203.0.113.77",
		Path: "/orders/4711", RawQuery: "email=ada%40example.com&card=4111111111111111",
		Headers: http.Header{
			"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "Tracestate": {"rojo=1", "congo=2"},
			"Baggage": {"user=jane"}, "X-Tenant-Id": {"forged"}, "Cookie": {"s=s3cr3t"},
		},
		Route:  &entities.Route{Id: "r1", Name: "orders", Paths: []string{"/orders"}, Service: entities.ServiceKey{Id: "s1"}},
		Shared: token(`{"tenant":"acme","sub":"alice","plan":"gold"}`),
		Vars:   map[string]string{"upstream_uri": "/v1/orders/4711", "server_port": "8443", "kong_request_id": "6b3f0a1c2d4e5f60718293a4b5c6d7e8"},
	}
}

func partner() kongtest.Request {
	req := alice()
	req.Shared, req.Consumer, req.CredentialID = nil, &entities.Consumer{Id: "c1", Username: "initech-erp", CustomId: "initech"}, "k1"
	return req
}

func anonymous() kongtest.Request {
	req := alice()
	req.Shared = nil
	req.Headers.Set("X-Consumer-Role", "forged")
	return req
}

// header is a request with a header line more.
func header(req kongtest.Request, name, value string) kongtest.Request {
	req.Headers.Add(name, value)
	return req
}

// replaced is a request of whose headers Kong keeps a copy, before a plugin sets another.
func replaced(req kongtest.Request, name, value string) kongtest.Request {
	lines := map[string]any{}
	for name, values := range req.Headers {
		lines[strings.ToLower(name)] = values[0]
	}
	req.Ctx = map[string]any{"cached_request_headers": lines}
	req.Headers.Set(name, value)
	return req
}

func with(req kongtest.Request, edit func(*kongtest.Request)) kongtest.Request {
	edit(&req)
	return req
}

// TestOneHopIsTheFourApart runs each request both ways, with and without the
// composite variable, enabled globally and on a route, and demands the same.
func TestOneHopIsTheFourApart(t *testing.T) {
	t.Parallel()
	tight := all
	tight.limit = strings.Replace(all.limit, `"limit":100`, `"limit":1`, 1)
	gone := all
	gone.sunset = strings.Replace(all.sunset, `"2027-06-30"`, `"2026-03-01"`, 1)
	life := func(sunset string) sections { s := all; s.sunset = sunset; return s }
	redirecting := life(strings.Replace(gone.sunset, `{`, `{"after_sunset":"redirect",`, 1))
	brownout := life(strings.Replace(all.sunset, `{`, `{"brownouts":[{"start_at":"2026-01-20","end_at":"2027-06-01"}],`, 1))
	share := life(strings.Replace(all.sunset, `{`, `{"brownout_shares":[{"start_at":"2026-01-20","from_percent":100,"to_percent":100}],`, 1))
	by := func(method string) kongtest.Request {
		return with(partner(), func(r *kongtest.Request) { r.Method = method })
	}
	preflight := header(header(by(http.MethodOptions), "Origin", "https://app.example"), "Access-Control-Request-Method", "PUT")
	denying := all
	denying.limit = strings.Replace(all.limit, `{`, `{"on_redis_error":"deny",`, 1)
	versioned := all
	versioned.version = versions
	believing := all
	believing.limit = strings.Replace(all.limit, `{`, `{"identity":{"issuers":`+issuers(t)+`},`, 1)
	tests := []struct {
		name      string
		sections  sections
		req       kongtest.Request
		times     int // how often the request is made; the last one counts
		status    int
		redisDown bool // Redis is down
		degrades  bool
	}{
		{name: "token", sections: all, req: alice()},
		{name: "key", sections: all, req: partner()},
		{name: "anonymous", sections: all, req: anonymous()},
		{name: "no route", sections: all, req: with(anonymous(), func(r *kongtest.Request) { r.Route = nil })},
		{name: "no headers", sections: all, req: with(alice(), func(r *kongtest.Request) { r.Headers = nil })},
		{name: "limit used up", sections: tight, req: alice(), times: 2, status: http.StatusTooManyRequests},
		{name: "version gone", sections: gone, req: partner(), status: http.StatusGone},
		{name: "limit used up of a version gone", sections: sections{limit: tight.limit, sunset: gone.sunset}, req: partner(), times: 2, status: http.StatusTooManyRequests},
		{name: "version gone, redirected", sections: redirecting, req: partner(), status: http.StatusPermanentRedirect},
		{name: "version gone, a method that is not redirected", sections: redirecting, req: by(http.MethodPost), status: http.StatusGone},
		{name: "version gone, a dry run", sections: life(strings.Replace(redirecting.sunset, `{`, `{"dry_run":true,`, 1)), req: partner()},
		{name: "brownout", sections: brownout, req: partner(), status: http.StatusServiceUnavailable},
		{name: "brownout, HEAD", sections: brownout, req: by(http.MethodHead)},
		{name: "brownout, preflight", sections: brownout, req: preflight},
		{name: "brownout, OPTIONS that is no preflight", sections: brownout, req: by(http.MethodOptions), status: http.StatusServiceUnavailable},
		{name: "brownout of all calls", sections: share, req: partner(), status: http.StatusServiceUnavailable},
		{name: "brownout of all calls, anonymous", sections: share, req: anonymous(), status: http.StatusServiceUnavailable},
		{name: "no Redis, denied", sections: denying, req: alice(), status: http.StatusServiceUnavailable, redisDown: true},
		{name: "no Redis, local", sections: all, req: alice(), redisDown: true},
		{name: "a header that is not UTF-8", sections: all, req: with(alice(), func(r *kongtest.Request) { r.Headers.Set("X-Name", "J\xfcrgen") })},
		{name: "a trace that is none", sections: all, req: with(alice(), func(r *kongtest.Request) { r.Headers.Set("Traceparent", "\xff") })},
		{name: "another issuer's token", sections: believing, req: issued(`{"iss":"https://evil.example","aud":"gatehouse","exp":4000000000,"tenant":"acme","sub":"alice"}`), status: http.StatusUnauthorized},
		{name: "an issuer's token", sections: believing, req: issued(`{"iss":"https://id.example.com/web","aud":"gatehouse","exp":4000000000,"tenant":"acme","sub":"alice"}`)},
		{name: "another issuer's token, and Connection names the user", sections: believing, req: header(issued(`{"tenant":"acme"}`), "Connection", "x-user-id"), status: http.StatusUnauthorized},
		{name: "an issuer's token, of a version gone", sections: sections{scrub: all.scrub, limit: believing.limit, sunset: gone.sunset}, req: issued(`{"tenant":"acme"}`), status: http.StatusUnauthorized},
		{name: "Connection names the user", sections: all, req: header(alice(), "Connection", "close, x-user-id"), status: http.StatusBadRequest},
		{name: "Connection names the user, no limiter", sections: sections{scrub: all.scrub, trace: all.trace}, req: header(alice(), "Connection", "x-user-id")},
		{name: "Connection names the trace", sections: all, req: header(header(alice(), "Connection", "TE"), "Connection", "Traceparent"), status: http.StatusBadRequest},
		{name: "Connection names the trace, no tracer", sections: sections{scrub: all.scrub, limit: all.limit}, req: header(alice(), "Connection", "traceparent")},
		{name: "Connection names both", sections: all, req: header(alice(), "Connection", "X-Plan,tracestate"), status: http.StatusBadRequest},
		{name: "Connection names the trace, with a mistake", sections: sections{scrub: all.scrub, trace: `{"trusted_cidrs":["x"]}`}, req: header(alice(), "Connection", "traceparent"), status: http.StatusBadRequest, degrades: true},
		{name: "spellings", sections: all, req: header(header(partner(), "X_Consumer_Username", "forged"), "X-User_Id", "")},
		{name: "groups of the client's", sections: all, req: replaced(header(partner(), "X-Consumer-Groups", "forged"), "X-Consumer-Id", "c1")},
		{name: "groups of acl's", sections: all, req: replaced(header(partner(), "X-Consumer-Groups", "forged"), "X-Consumer-Groups", "partners")},
		{name: "scrub", sections: sections{scrub: all.scrub}, req: alice()},
		{name: "trace", sections: sections{trace: `{"response_header":""}`}, req: alice()},
		{name: "another format's trace, removed", sections: all, req: header(header(alice(), "b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"), "X_B3-TraceId", "7")},
		{name: "another format's trace, passed on", sections: sections{trace: `{"pass_headers":["B3"]}`}, req: header(alice(), "b3", "7")},
		{name: "another format's trace, continued", sections: sections{trace: `{"incoming":"continue","propagation":{"extract":["b3","w3c"],"clear":["X-Old"],"inject":["preserve","datadog"]}}`}, req: header(header(alice(), "b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"), "X-Old", "1")},
		{name: "Connection names another format's trace", sections: sections{trace: `{"propagation":{"inject":["b3"]}}`}, req: header(alice(), "Connection", "x-b3-traceid"), status: http.StatusBadRequest},
		{name: "limit", sections: sections{limit: all.limit}, req: anonymous()},
		{name: "sunset", sections: sections{sunset: all.sunset}, req: partner()},
		{name: "a version", sections: versioned, req: header(header(alice(), "Accept", "application/vnd.v1+json;q=0.1"), "X-Gatehouse-Version", "v2")},
		{name: "limit and version", sections: sections{limit: all.limit, version: versions}, req: header(alice(), "Accept", "*/*")},
		{name: "the default version, with a mistake", sections: sections{scrub: all.scrub, version: strings.Replace(versions, `"v2"`, `"v9"`, 1)}, req: alice(), degrades: true},
		{name: "trace and sunset", sections: sections{trace: all.trace, sunset: gone.sunset}, req: partner(), status: http.StatusGone},
	}
	for _, tt := range tests {
		for _, installed := range []bool{false, true} {
			for _, global := range []bool{false, true} {
				name := strings.Join([]string{tt.name, where(global), how(installed)}, ", ")
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					both := map[bool]outcome{}
					for _, oneHop := range []bool{false, true} {
						p := newProcess(t, tt.sections)
						p.degrades = tt.degrades
						if tt.redisDown {
							p.redis.Close()
						}
						for range max(tt.times, 1) {
							both[oneHop] = p.serve(t, tt.req, oneHop, global, installed)
						}
					}
					if both[true].Status != tt.status {
						t.Errorf("status %d, want %d", both[true].Status, tt.status)
					}
					if diff := cmp.Diff(both[false], both[true]); diff != "" {
						t.Errorf("outcome (-apart +one hop):\n%s", diff)
					}
				})
			}
		}
	}
}

func where(global bool) string {
	if global {
		return "globally"
	}
	return "on a route"
}

func how(installed bool) string {
	if installed {
		return "one read"
	}
	return "single reads"
}

// serve takes a request through all phases.
func (p *process) serve(t *testing.T, req kongtest.Request, oneHop, global, installed bool) outcome {
	t.Helper()
	var rewrite, access, log []handler
	if oneHop {
		config := p.oneHop(t)
		rewrite, access, log = []handler{config.Rewrite}, []handler{config.Access}, []handler{config.Log}
		p.options.Registerer = nil // for the next time
	} else {
		rewrite, access, log = p.apart(t)
	}
	if global {
		access = append(rewrite, access...)
	}
	o, after, _ := run(t, req, installed, access...)
	after.Log = record(t)
	after.Sent.Set("Content-Type", "application/json")
	_, _, _ = run(t, after, installed, log...)
	o.Audit, o.Spans = p.audit.String(), nil
	if p.trace != nil {
		o.Spans = p.exported(t)
	}
	return o
}
