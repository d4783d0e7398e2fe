package onehop_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/onehop"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// mistaken has a mistake in each section that Kong's schema cannot find.
var mistaken = sections{
	scrub:  `{"patterns":[{"name":"any","regex":"x*"}]}`,
	trace:  `{"trusted_cidrs":["300.0.0.0/8"]}`,
	limit:  `{"limits":[{"name":"tenant","scope":["tenant"],"limit":100,"window_seconds":60,"lease":101}],"redis":{"timeout_ms":1000}}`,
	sunset: `{"deprecated_at":"2026-01-15","sunset_at":"2026-02-31"}`,
}

var mistakes = map[string]func(*sections){
	"pii-log-scrub":     func(s *sections) { s.scrub = mistaken.scrub },
	"trace-inject":      func(s *sections) { s.trace = mistaken.trace },
	"tenant-rate-limit": func(s *sections) { s.limit = mistaken.limit },
	"sunset-headers":    func(s *sections) { s.sunset = mistaken.sunset },
}

// TestDegraded: a mistake in one section is that section's, the audit record says whose it
// is, and nobody is answered 500: in one hop and apart, with log plugins and without,
// with log events and with access lines.
func TestDegraded(t *testing.T) {
	t.Parallel()
	good := map[string]string{"sunset-headers": "deprecated", "tenant-rate-limit": "allowed"}
	names := append(slices.Sorted(maps.Keys(mistakes)), "all")
	for _, name := range names {
		s, want := withoutHeaders, maps.Clone(good)
		for plugin, mistake := range mistakes {
			if name == plugin || name == "all" {
				mistake(&s)
				want[plugin] = "degraded"
			}
		}
		for _, way := range []string{"apart", "apart without log plugins", "one hop", "one hop without log plugins", "access lines", "access lines without log plugins"} {
			t.Run(name+" "+way, func(t *testing.T) {
				t.Parallel()
				o, audit := serveDegraded(t, s, way)
				if o.Status != 0 {
					t.Fatalf("status %d: %s", o.Status, o.Body)
				}
				if got := o.Upstream.Get("X-Tenant-Id"); got != "acme" {
					t.Errorf("X-Tenant-Id = %q", got)
				}
				if diff := cmp.Diff(want, audit); diff != "" {
					t.Errorf("policies (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// serveDegraded takes a request through all phases, and returns the policies of its
// audit record too.
func serveDegraded(t *testing.T, s sections, way string) (outcome, map[string]string) {
	t.Helper()
	const id = "6b3f0a1c2d4e5f60718293a4b5c6d7e8"
	p := newProcessWith(t, s, strings.Contains(way, "without"))
	p.degrades, p.options.AccessLines = true, strings.HasPrefix(way, "access lines")
	rewrite, access, log := []handler(nil), []handler(nil), []handler(nil)
	if strings.HasPrefix(way, "apart") {
		rewrite, access, log = p.apart(t)
		if strings.Contains(way, "without") {
			rewrite, access = nil, access[1:] // pii-log-scrub has no such phases then
		}
	} else {
		config := p.oneHop(t)
		rewrite, access, log = []handler{config.Rewrite}, []handler{config.Access}, []handler{config.Log}
	}
	o, after, _ := run(t, served(), true, append(rewrite, access...)...)
	if p.options.AccessLines {
		p.runtime.Ended(line(t, id))
	} else {
		after.Log = withLogFields(t, serialized(t, id), o)
		_, _, _ = run(t, after, true, log...)
	}
	var record struct{ Policies map[string]string }
	if err := json.Unmarshal(p.audit.Bytes(), &record); err != nil {
		t.Fatalf("%v in %q", err, p.audit.String())
	}
	return o, record.Policies
}

// TestDegradedLimiterLimits: what is right in its section counts.
func TestDegradedLimiterLimits(t *testing.T) {
	t.Parallel()
	s := sections{limit: strings.Replace(mistaken.limit, `[`, `[{"name":"one","scope":["user"],"limit":1,"window_seconds":60},`, 1)}
	p := newProcess(t, s)
	p.degrades = true
	config := p.oneHop(t)
	first := kongtest.Run(t, config.Access, alice())
	second := kongtest.Run(t, config.Access, alice())
	if first.Exit != nil || second.Exit == nil || second.Exit.Status != http.StatusTooManyRequests {
		t.Errorf("exits %v and %v, want none and a 429", first.Exit, second.Exit)
	}
}

// TestResponseHeadersByAccessLine: they cannot be known, which is no reason to drop texts.
func TestResponseHeadersByAccessLine(t *testing.T) {
	t.Parallel()
	o, policies := serveDegraded(t, sections{scrub: all.scrub, trace: all.trace}, "access lines")
	if diff := cmp.Diff(map[string]string{"pii-log-scrub": "degraded"}, policies); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	if got := o.Logged["request.uri"]; got == "[dropped]" || got == nil {
		t.Errorf("request.uri is %v, want it scrubbed", got)
	}
}

// TestDegradedSectionThatCannotRun: one that is absent has the defaults, and without its
// limiter a process vouches for nobody.
func TestDegradedSectionThatCannotRun(t *testing.T) {
	t.Parallel()
	start := func(p *process, text string) kongtest.Effects {
		config := must(onehop.NewRuntime(p.options))(t).New().(*onehop.Config)
		if err := json.Unmarshal([]byte(text), config); err != nil {
			t.Fatal(err)
		}
		p.degrades = true
		p.start(t, config)
		defer config.Close()
		return kongtest.Run(t, config.Access, alice())
	}
	effects := start(newProcess(t, sections{}), `{"run":["trace_inject","tenant_rate_limit"]}`)
	if effects.Exit != nil || effects.Response.Headers.Get("X-Trace-Id") == "" || effects.Response.Headers.Get("RateLimit-Policy") != `"user-default";q=100;w=1` {
		t.Errorf("absent sections: exit %v, response headers %v", effects.Exit, effects.Response.Headers)
	}
	unserved := newProcess(t, sections{})
	unserved.options.Limiter, unserved.options.Tracer, unserved.options.Registerer = nil, nil, nil
	if effects := start(unserved, `{"run":["trace_inject"],"trace_inject":{}}`); effects.Exit != nil {
		t.Errorf("no tracer: exit %v", effects.Exit)
	}
	if effects := start(unserved, `{"run":["tenant_rate_limit"],"tenant_rate_limit":{}}`); effects.Exit == nil || effects.Exit.Status != http.StatusInternalServerError {
		t.Errorf("no limiter: exit %v, want 500", effects.Exit)
	}
	if effects := start(newProcess(t, sections{}), `{"run":[]}`); effects.Exit != nil {
		t.Errorf("nothing to run: exit %v", effects.Exit)
	}
}

// TestDegradedBeforeProvision: nobody knows which section could not be decoded.
func TestDegradedBeforeProvision(t *testing.T) {
	t.Parallel()
	p := newProcess(t, sections{})
	config := must(onehop.NewRuntime(p.options))(t).New().(*onehop.Config)
	config.Run = []string{"pii_log_scrub", "sunset_headers"}
	config.Degrade(errors.New("decode config"))
	effects := kongtest.Run(t, config.Access, alice())
	if effects.Exit != nil || len(effects.Serialized) == 0 || effects.Serialized[0].Value != "[dropped]" {
		t.Errorf("exit %v, log fields %v", effects.Exit, effects.Serialized)
	}
}
