// Package smoke sends one request with a known trace through each route of a declarative
// config, and says which hop drops, rewrites or restarts the trace, or hands on a client's.
//
//	report, err := smoke.Run(ctx, smoke.Options{Config: text, Gateway: "http://10.0.0.1:8000"})
//
// Without [Options.Backend] and [Options.Services] it looks at the answers alone: their
// status, and whether the gateway put each request in the trace that its config says.
package smoke

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/smoke/backend"
	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
	"github.com/gatehousehq/gatehouse/plugins/smoke/plan"
)

// Backend is where spans are looked for: [backend.Receiver], [backend.Jaeger] or
// [backend.Tempo].
type Backend interface {
	// Spans are those that it has of a trace by now, none if it knows nothing of it.
	Spans(ctx context.Context, traceID string) ([]hops.Span, error)
	// Began are spans of traces that began in a time: as many as it gives at once.
	Began(ctx context.Context, from, to time.Time) ([]hops.Span, error)
}

// Service is one that notes what it received: [backend.Requests].
type Service interface {
	Arrivals(ctx context.Context) ([]hops.Arrival, error)
}

// Options say what is smoked. Config and Gateway are required.
type Options struct {
	// Config is the declarative config that the gateway runs, with its overlays.
	Config []byte
	// Gateway is its address, http or https.
	Gateway string
	// Client sends the requests to the gateway; nil: one that follows no redirect and
	// waits [DefaultAnswerTimeout].
	Client *http.Client
	// Routes are what an operator says of routes, and who has the credentials. Its TLS is
	// set by Gateway.
	Routes plan.Options
	// Backend is asked for the spans, and Services for what they received, if there are
	// any.
	Backend  Backend
	Services []Service
	// Untraced are of whom there need be no spans: addresses, with a port or without, and
	// services as Kong names them.
	Untraced []string
	// Wait is how long spans may take to arrive; 0: [DefaultWait].
	Wait time.Duration
}

// The times that are waited unless told otherwise. Services send spans every 5 s unless
// they are told otherwise (OTEL_BSP_SCHEDULE_DELAY).
const (
	DefaultWait          = 20 * time.Second
	DefaultAnswerTimeout = 10 * time.Second
)

const (
	// pollEvery is how often the backend is asked.
	pollEvery = 500 * time.Millisecond
	// pause is between two requests, so that what one leaves behind is not taken for
	// another's.
	pause = 200 * time.Millisecond
	// around is how long before and after a request a trace may begin, by another clock.
	around = time.Second
)

// What a report is of.
const (
	LookedAtHops    = "hops"    // spans, or what services noted
	LookedAtAnswers = "answers" // answers alone
)

// Report is what was found.
type Report struct {
	Gateway string `json:"gateway"`
	// Good is that a route was asked and nothing was found.
	Good bool `json:"good"`
	// LookedAt is what it was judged by: [LookedAtHops] or [LookedAtAnswers].
	LookedAt string  `json:"looked_at"`
	Routes   []Route `json:"routes"`
}

// Route is what was found of one route.
type Route struct {
	Name   string `json:"name"`
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// Skipped is why the route was not asked; then there is nothing else.
	Skipped string `json:"skipped,omitempty"`
	// Status is the answer's, 0 if there was none.
	Status int     `json:"status,omitempty"`
	Millis float64 `json:"milliseconds,omitempty"`
	// ClientTraceID is the trace that the request came in, TraceID the one that the gateway
	// put it in, which is the same where Incoming is continue.
	ClientTraceID string `json:"client_trace_id,omitempty"`
	TraceID       string `json:"trace_id,omitempty"`
	Incoming      string `json:"incoming,omitempty"`
	// Findings are what is wrong, none if nothing is.
	Findings []hops.Finding `json:"findings,omitempty"`
	// Services are those that noted the request, in its trace.
	Services []string `json:"services,omitempty"`
	// Spans are those of the trace, or of the client's where that is not known.
	Spans []hops.Span `json:"spans,omitempty"`
}

// Run smokes a gateway. Its error is that of options that are no good, of a gateway or a
// backend that could not be reached, or of ctx: what was found is no error, and in the
// report.
func Run(ctx context.Context, o Options) (Report, error) {
	r, err := newRun(o)
	if err != nil {
		return Report{}, err
	}
	if err := r.send(ctx); err != nil {
		return Report{}, err
	}
	if o.Backend != nil {
		if err := r.gather(ctx); err != nil {
			return Report{}, fmt.Errorf("ask the trace backend: %w", err)
		}
	}
	if err := r.arrivals(ctx); err != nil {
		return Report{}, fmt.Errorf("ask what services received: %w", err)
	}
	return r.report(), nil
}

// run is one smoke test.
type run struct {
	o     Options
	calls []*call
}

// call is one route's request, and what is known of it.
type call struct {
	plan.Probe
	hops.Call
	status   int
	answered bool
	found    []hops.Finding // by the answer
	evidence hops.Evidence
	judged   []hops.Finding // by the spans
	noted    []hops.Finding // by services' notes
	joined   []string
}

func newRun(o Options) (*run, error) {
	if err := backend.Check(o.Gateway); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	if o.Wait == 0 {
		o.Wait = DefaultWait
	}
	if o.Wait < 0 {
		return nil, fmt.Errorf("wait: %v: write a time such as %v", o.Wait, DefaultWait)
	}
	if o.Routes.Getenv == nil {
		o.Routes.Getenv = func(string) string { return "" }
	}
	o.Routes.TLS = isTLS(o.Gateway)
	probes, err := plan.Make(o.Config, o.Routes)
	if err != nil {
		return nil, err
	}
	if len(probes) == 0 {
		return nil, errors.New("the config has no routes")
	}
	r := &run{o: o}
	for _, p := range probes {
		r.calls = append(r.calls, &call{Probe: p, Call: hops.Call{Untraced: o.Untraced}})
	}
	return r, nil
}

func (r *run) report() Report {
	report := Report{Gateway: r.o.Gateway, LookedAt: LookedAtAnswers}
	if r.o.Backend != nil || len(r.o.Services) > 0 {
		report.LookedAt = LookedAtHops
	}
	asked, findings := 0, 0
	for _, c := range r.calls {
		route := c.route()
		report.Routes = append(report.Routes, route)
		findings += len(route.Findings)
		if c.answered {
			asked++
		}
	}
	report.Good = asked > 0 && findings == 0
	return report
}

func (c *call) route() Route {
	if c.Skipped != "" {
		return Route{Name: c.Probe.Route, Skipped: c.Skipped}
	}
	route := Route{
		Name: c.Probe.Route, Method: c.Method, Path: c.Path, Status: c.status, ClientTraceID: c.ClientTrace, TraceID: c.Trace,
		Incoming: c.Tracing.Incoming, Services: c.joined, Spans: c.evidence.Trace,
	}
	if c.Trace == "" {
		route.Spans = c.evidence.Client
	}
	if c.answered {
		route.Millis = float64(c.Answered.Sub(c.Sent).Microseconds()) / 1000
	}
	for _, list := range [][]hops.Finding{c.found, c.judged, c.noted} {
		route.Findings = append(route.Findings, list...)
	}
	return route
}
