package hops

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	theTrace  = "0af7651916cd43dd8448eb211c80319c"
	theClient = "4bf92f3577b34da6a3ce929d0e0e4736"
	another   = "11111111111111111111111111111111"
	client0   = "00f067aa0ba902b7" // the client's span
)

var began = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// span lasts from and to so many milliseconds after began.
func span(trace, id, parent, service, name, kind string, from, to int, attributes ...string) Span {
	s := Span{
		TraceID: trace, ID: id, ParentID: parent, Service: service, Name: name, Kind: kind,
		Start: began.Add(time.Duration(from) * time.Millisecond), End: began.Add(time.Duration(to) * time.Millisecond),
		Attributes: map[string]string{},
	}
	for _, a := range attributes {
		key, value, _ := strings.Cut(a, "=")
		s.Attributes[key] = value
	}
	return s
}

// The spans of a page: the gateway asks web-bff, which asks orders and users.
func gatewaySpan(parent string) Span {
	return span(theTrace, "a1", parent, "kong", "GET /web", "server", 0, 1000, "kong.route.name=web", "kong.upstream.tries=1")
}

func bffSpan(trace, parent string) Span {
	return span(trace, "b1", parent, "web-bff", "GET /web", "server", 10, 990, "server.address=web-bff", "server.port=8081")
}

func callOf(id, service string, from, to int) Span {
	return span(theTrace, id, "b1", "web-bff", "GET", "client", from, to, "server.address="+service, "server.port=9101", "http.response.status_code=200")
}

func served(trace, id, parent, service string, from, to int) Span {
	return span(trace, id, parent, service, "GET /v1/"+service, "server", from, to, "server.address="+service, "server.port=9101")
}

func page() []Span {
	return []Span{
		gatewaySpan(""), bffSpan(theTrace, "a1"),
		callOf("c1", "orders", 20, 500), served(theTrace, "d1", "c1", "orders", 30, 490),
		callOf("c2", "users", 20, 900), served(theTrace, "d2", "c2", "users", 40, 890),
	}
}

// without is a page without the spans of some ids, and with others.
func without(ids string, more ...Span) []Span {
	list := slices.DeleteFunc(page(), func(s Span) bool { return slices.Contains(strings.Fields(ids), s.ID) })
	return append(list, more...)
}

func TestJudge(t *testing.T) {
	t.Parallel()
	other := func(s Span) Span { s.TraceID = another; return s }
	for name, tc := range map[string]struct {
		trace, client, others []Span
		continued             bool
		want                  []string // the findings' hops and kinds
	}{
		"good":                       {trace: page()},
		"good, in another order":     {trace: func() []Span { list := page(); slices.Reverse(list); return list }()},
		"good, and sent twice":       {trace: append(page(), page()...)},
		"good beside strangers":      {trace: page(), others: []Span{served(another, "e1", "", "reports", 50, 60), served(another, "e2", "", "orders", 50, 60)}},
		"nothing arrived":            {want: []string{"gateway silent"}},
		"the gateway's is missing":   {trace: without("a1"), want: []string{"gateway silent"}},
		"another route":              {trace: without("a1", span(theTrace, "a1", "", "kong", "GET /web", "server", 0, 1000, "kong.route.name=other", "kong.upstream.tries=1")), want: []string{"gateway other_route"}},
		"nobody was asked":           {trace: []Span{span(theTrace, "a1", "", "kong", "GET /web", "server", 0, 1, "kong.route.name=web")}},
		"the BFF drops":              {trace: []Span{gatewaySpan("")}, want: []string{"web-bff drops"}},
		"the BFF restarts":           {trace: []Span{gatewaySpan("")}, others: []Span{served("22", "f1", "", "orders", 30, 40), bffSpan(another, ""), other(callOf("c1", "orders", 20, 500))}, want: []string{"web-bff restarts"}},
		"the gateway leaks":          {trace: []Span{gatewaySpan("")}, client: []Span{bffSpan(theClient, client0)}, want: []string{"gateway leaks"}},
		"a service drops":            {trace: without("d1"), want: []string{"orders:9101 drops"}},
		"an older service drops":     {trace: without("c1 d1", span(theTrace, "c1", "b1", "web-bff", "GET", "client", 20, 500, "server.address=orders", "http.status_code=200")), want: []string{"orders drops"}},
		"a service restarts":         {trace: without("d1"), others: []Span{served(another, "d1", "", "orders", 30, 490)}, want: []string{"orders restarts"}},
		"two services restart":       {trace: without("d1 d2"), others: []Span{served(another, "d2", "", "users", 30, 490), served("22", "d1", "", "orders", 30, 490)}, want: []string{"orders restarts", "users restarts"}},
		"another service began then": {trace: without("d1"), others: []Span{served(another, "d3", "", "users", 30, 490)}, want: []string{"orders:9101 drops"}},
		"the BFF leaks":              {trace: without("d1"), client: []Span{served(theClient, "d1", client0, "orders", 30, 490)}, want: []string{"web-bff leaks"}},
		"the BFF leaks to both": {trace: without("d1 d2"), client: []Span{served(theClient, "d2", client0, "users", 40, 890), served(theClient, "d1", client0, "orders", 30, 490)},
			want: []string{"web-bff leaks", "web-bff leaks"}},
		"a call begins a trace":            {trace: without("c1 d1"), others: []Span{span(another, "c1", "", "web-bff", "GET", "client", 20, 500), served(another, "d1", "c1", "orders", 30, 490)}, want: []string{"web-bff restarts"}},
		"something rewrites":               {trace: without("d1", served(theTrace, "d1", "ffff", "orders", 30, 490)), want: []string{"between web-bff and orders rewrites"}},
		"a hop is silent":                  {trace: without("c1"), want: []string{"before orders silent"}},
		"a call that broke":                {trace: append(page(), span(theTrace, "c3", "b1", "web-bff", "GET", "client", 20, 30, "server.address=users"))},
		"continued":                        {trace: without("a1", gatewaySpan(client0)), continued: true},
		"continued by another id":          {trace: without("a1", gatewaySpan("dead")), continued: true, want: []string{"gateway rewrites"}},
		"a circle":                         {trace: []Span{gatewaySpan(""), span(theTrace, "x", "y", "p", "", "server", 1, 2), span(theTrace, "y", "x", "q", "", "server", 1, 2)}, want: []string{"web-bff drops"}},
		"the gateway continues under link": {trace: page(), client: []Span{gatewaySpan(client0)}, want: []string{"gateway leaks"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Call{Route: "web", Service: "web-bff", ClientTrace: theClient, ClientSpan: client0, Trace: theTrace, Sent: began, Answered: began.Add(time.Second)}
			if tc.continued {
				c.ClientTrace = theTrace
			}
			var got []string
			for _, f := range Judge(c, Evidence{tc.trace, tc.client, tc.others}) {
				got = append(got, f.Hop+" "+string(f.Kind))
				if f.Text == "" {
					t.Errorf("%s %s says nothing", f.Hop, f.Kind)
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("findings %q, want %q", got, tc.want)
			}
		})
	}
}

// TestUntraced: of whom there need be no spans, none are missed.
func TestUntraced(t *testing.T) {
	t.Parallel()
	for untraced, want := range map[string]int{"orders": 0, "orders:9101": 0, "web-bff": 1, "": 1} {
		c := Call{Route: "web", Service: "web-bff", ClientTrace: theClient, Trace: theTrace, Untraced: []string{untraced}}
		if got := Judge(c, Evidence{Trace: without("d1")}); len(got) != want {
			t.Errorf("%q: findings %v, want %d", untraced, got, want)
		}
	}
	c := Call{Service: "web-bff", ClientTrace: theClient, Trace: theTrace, Untraced: []string{"web-bff"}}
	if got := Judge(c, Evidence{Trace: []Span{gatewaySpan("")}}); len(got) > 0 {
		t.Errorf("findings %v of a gateway whose upstream makes no spans", got)
	}
}

// TestGatewayWithoutPlugin: which trace it would be is not known, and the client's has what
// it handed on.
func TestGatewayWithoutPlugin(t *testing.T) {
	t.Parallel()
	c := Call{Route: "web", Service: "web-bff", ClientTrace: theClient, ClientSpan: client0, Sent: began, Answered: began.Add(time.Second)}
	if got := Judge(c, Evidence{}); len(got) > 0 {
		t.Errorf("findings %v of nothing", got)
	}
	got := Judge(c, Evidence{Client: []Span{bffSpan(theClient, client0)}})
	if len(got) != 1 || got[0].Hop != Gateway || got[0].Kind != Leaks || got[0].TraceID != theClient {
		t.Errorf("findings %v, want that the gateway leaks the client's trace", got)
	}
}

func TestJudgeArrivals(t *testing.T) {
	t.Parallel()
	in := func(trace string) map[string]string {
		return map[string]string{"traceparent": "00-" + trace + "-00f067aa0ba902b7-01"}
	}
	leaky := in(theTrace)
	leaky["b3"] = theClient + "-00f067aa0ba902b7-1"
	for name, tc := range map[string]struct {
		header map[string]string
		late   time.Duration
		passed []string
		want   string
		joined int
	}{
		"good":          {header: in(theTrace), joined: 1},
		"none":          {header: nil, want: "before orders drops"},
		"no valid one":  {header: map[string]string{"traceparent": "nonsense"}, want: "before orders drops"},
		"the client's":  {header: in(theClient), want: "before orders leaks"},
		"a third":       {header: in(another), want: "before orders restarts"},
		"beside ours":   {header: leaky, want: "before orders leaks", joined: 1},
		"by the config": {header: leaky, passed: []string{"b3"}, joined: 1},
		"another time":  {header: in(another), late: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Call{ClientTrace: theClient, Trace: theTrace, Sent: began, Answered: began.Add(time.Second)}
			got, joined := JudgeArrivals(c, []Arrival{{"orders", began.Add(tc.late), tc.header}}, tc.passed)
			text := ""
			if len(got) > 0 {
				text = got[0].Hop + " " + string(got[0].Kind)
			}
			if text != tc.want || len(got) > 1 || len(joined) != tc.joined {
				t.Errorf("findings %v, joined %v, want %q", got, joined, tc.want)
			}
		})
	}
}
