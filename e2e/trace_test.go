package e2e

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/otlpsink"
	"github.com/gatehousehq/gatehouse/e2e/services"
)

// validTraceparent is version 00 of the header, sampled (W3C Trace Context, 3.2).
var validTraceparent = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]$`)

// network is an IPv4 address without what tells clients apart, said to be that.
var network = regexp.MustCompile(`^\d+\.\d+\.\d+\.0/24$`)

// TestOneConnectedTrace follows a dashboard from the gateway to the four services.
func TestOneConnectedTrace(t *testing.T) {
	a := get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, "acme", "u1")).wantStatus(t, http.StatusOK)
	id := a.traceID(t)
	for _, name := range services.BehindBFFs() {
		if got := receivedOnce(t, name, id).Header.Get("Traceparent"); !validTraceparent.MatchString(got) {
			t.Errorf("%s received traceparent %q", name, got)
		}
	}
	// The gateway's two, the BFF, and a client and a server span for each service.
	all := spans(t, id, 3+2*len(services.BehindBFFs()))
	if len(all) != 3+2*len(services.BehindBFFs()) {
		t.Errorf("the trace has %d spans, want %d: %v", len(all), 3+2*len(services.BehindBFFs()), names(all))
	}
	gateway := onlyRoot(t, all)
	if gateway.Kind != "server" || gateway.Name != "GET /web/v1/dashboard" {
		t.Errorf("the root is %s %q, want the gateway's server span", gateway.Kind, gateway.Name)
	}
	call := onlyChild(t, all, gateway)
	if call.Kind != "client" || call.Service != gateway.Service {
		t.Errorf("the gateway's child is a %s span of %s, want its call", call.Kind, call.Service)
	}
	bff := onlyChild(t, all, call)
	if bff.Kind != "server" || bff.Service != "web-bff" {
		t.Errorf("the call's child is a %s span of %s, want the BFF's server span", bff.Kind, bff.Service)
	}
	var served []string
	for _, client := range childrenOf(all, bff) {
		if client.Kind != "client" {
			t.Errorf("the BFF's child is a %s span, want client", client.Kind)
		}
		server := onlyChild(t, all, client)
		if server.Kind != "server" {
			t.Errorf("the call's child is a %s span, want server", server.Kind)
		}
		served = append(served, server.Service)
	}
	slices.Sort(served)
	want := slices.Sorted(slices.Values(services.BehindBFFs()))
	if !slices.Equal(served, want) {
		t.Errorf("server spans of %v, want %v", served, want)
	}
}

// TestGatewayOutlivesUpstream: the gateway's span does not end before the span of what it
// called, and says what was asked for without saying by whom.
func TestGatewayOutlivesUpstream(t *testing.T) {
	var traces [20]string
	for i := range traces {
		traces[i] = get(t, "/web/v1/dashboard/joe@example.com?q=joe@example.com", bearer(t, devtoken.Web, "acme", "u1"), "User-Agent: joe@example.com/1.0").traceID(t)
	}
	for _, id := range traces {
		all := spans(t, id, 3)
		gateway := onlyRoot(t, all)
		call := onlyChild(t, all, gateway)
		bff := onlyChild(t, all, call)
		for _, outer := range []otlpsink.Span{gateway, call} {
			if late := bff.End.Sub(outer.End); late > 0 {
				t.Errorf("the BFF's span ends %v after the gateway's %s span, in which it is", late, outer.Kind)
			}
			if early := outer.Start.Sub(bff.Start); early > 0 {
				t.Errorf("the BFF's span begins %v before the gateway's %s span, in which it is", early, outer.Kind)
			}
		}
		if address, _ := gateway.Attributes["client.address"].(string); !network.MatchString(address) {
			t.Errorf("client.address is %v, want a network", address)
		}
		for key, want := range map[string]any{
			"url.path": "/web/v1/dashboard/[email]", "http.route": "/web/v1/dashboard", "user_agent.original": "[email]/1.0",
		} {
			if got := gateway.Attributes[key]; got != want {
				t.Errorf("%s is %v, want %v", key, got, want)
			}
		}
	}
}

// TestRefusedRequestIsTraced wants a span of what never reached an upstream.
func TestRefusedRequestIsTraced(t *testing.T) {
	a := get(t, "/web/v1/dashboard").wantStatus(t, http.StatusUnauthorized)
	all := spans(t, a.traceID(t), 1)
	if root := onlyRoot(t, all); root.Kind != "server" {
		t.Errorf("the root is a %s span, want server", root.Kind)
	}
}

// TestOwnAnswerIsTraced: of what finds no route the client is told the trace, too.
func TestOwnAnswerIsTraced(t *testing.T) {
	a := get(t, "/nowhere").wantStatus(t, http.StatusNotFound)
	root := onlyRoot(t, spans(t, a.traceID(t), 1))
	if status := root.Attributes["http.response.status_code"]; status != float64(http.StatusNotFound) {
		t.Errorf("the root's status is %v, want 404", status)
	}
}

// TestClientTraceparent sends valid and invalid ones: the gateway always sends its own on.
func TestClientTraceparent(t *testing.T) {
	const stranger = "4bf92f3577b34da6a3ce929d0e0e4736"
	for name, header := range map[string]string{
		"valid":     "00-" + stranger + "-00f067aa0ba902b7-01",
		"all zero":  "00-00000000000000000000000000000000-0000000000000000-01",
		"uppercase": "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
		"nonsense":  "nonsense",
	} {
		t.Run(name, func(t *testing.T) {
			a := get(t, "/partner/v2/orders", partnerKey, "traceparent: "+header).wantStatus(t, http.StatusOK)
			r := receivedOnce(t, "orders", a.traceID(t))
			if got := r.Header.Values("Traceparent"); len(got) != 1 || !validTraceparent.MatchString(got[0]) {
				t.Errorf("the service received traceparent %q, want one valid value", got)
			}
		})
	}
}

// TestSpansHoldNoPersonalData sends an address in whatever a client may write into.
func TestSpansHoldNoPersonalData(t *testing.T) {
	for name, tc := range map[string]struct {
		path  string
		spans int
	}{
		"a page":           {"/web/v1/dashboard?email=joe@example.com", 3 + 2*len(services.BehindBFFs())},
		"no such page":     {"/web/v1/dashboard/joe@example.com", 3},
		"a partner's page": {"/partner/v2/orders", 3},
	} {
		t.Run(name, func(t *testing.T) {
			a := get(t, tc.path, bearer(t, devtoken.Web, "acme", "u1"), partnerKey,
				"user-agent: curl/8.5 (joe@example.com)", "x-forwarded-for: joe@example.com", "x-real-ip: joe@example.com")
			all := spans(t, a.traceID(t), tc.spans)
			text, err := json.Marshal(all)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "joe") {
				t.Errorf("the spans have the address in them: %s", text)
			}
			server := onlyChild(t, all, onlyChild(t, all, onlyRoot(t, all)))
			if agent := server.Attributes["user_agent.original"]; agent != "curl/8.5 ([email])" {
				t.Errorf("the span of %s has the user agent %v", server.Service, agent)
			}
			if address, _ := server.Attributes["client.address"].(string); !network.MatchString(address) {
				t.Errorf("the span of %s has the client's address as %v, want its network", server.Service, address)
			}
		})
	}
}

// TestForeignTraces: the service gets no trace but the gateway's, in whatever format a
// client writes one.
func TestForeignTraces(t *testing.T) {
	const stranger = "4bf92f3577b34da6a3ce929d0e0e4736"
	foreign := []string{
		"b3: " + stranger + "-00f067aa0ba902b7-1", "X-B3-TraceId: " + stranger, "X-B3-SpanId: 00f067aa0ba902b7", "uber-trace-id: " + stranger + ":1:0:1",
		"x-datadog-trace-id: 7", "X-Amzn-Trace-Id: Root=1-4bf92f35-77b34da6a3ce929d0e0e4736", "x-cloud-trace-context: " + stranger + "/1;o=1",
		"sentry-trace: " + stranger + "-00f067aa0ba902b7-1", "X-INSTANA-T: " + stranger, "X-INSTANA-S: 1",
	}
	a := get(t, "/partner/v2/orders", append(foreign, partnerKey, "X-Trace-Other: mine")...).wantStatus(t, http.StatusOK)
	r := receivedOnce(t, "orders", a.traceID(t))
	for _, line := range foreign {
		name, _, _ := strings.Cut(line, ":")
		if got := r.Header.Values(name); len(got) > 0 {
			t.Errorf("the service received %s: %q", name, got)
		}
	}
	if r.Header.Get("X-Trace-Other") != "mine" {
		t.Error("a header that carries no trace is gone")
	}
}

func onlyRoot(t *testing.T, all []otlpsink.Span) otlpsink.Span {
	t.Helper()
	roots := rootsOf(all)
	if len(roots) != 1 {
		t.Fatalf("the trace has %d roots, want 1: %v", len(roots), names(roots))
	}
	return roots[0]
}

// rootsOf are the spans whose parent is not among them.
func rootsOf(all []otlpsink.Span) []otlpsink.Span {
	return slices.DeleteFunc(slices.Clone(all), func(span otlpsink.Span) bool {
		return slices.ContainsFunc(all, func(s otlpsink.Span) bool { return s.SpanID == span.ParentSpanID })
	})
}

func onlyChild(t *testing.T, all []otlpsink.Span, parent otlpsink.Span) otlpsink.Span {
	t.Helper()
	children := childrenOf(all, parent)
	if len(children) != 1 {
		t.Fatalf("%q has %d children, want 1: %v", parent.Name, len(children), names(children))
	}
	return children[0]
}

func names(spans []otlpsink.Span) []string {
	var list []string
	for _, s := range spans {
		list = append(list, s.Service+": "+s.Name)
	}
	return list
}
