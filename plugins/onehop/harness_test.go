package onehop_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	pdk "github.com/Kong/go-pdk"
	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehousehq/gatehouse/plugins/apiversion"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/onehop"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// now is when every test happens.
var now = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// sections are the JSON of a configuration's sections; an empty one is absent.
type sections struct{ scrub, trace, limit, sunset, version string }

// versions negotiates what alice asks for.
const versions = `{"apis":[{"path":"/","default":"v2","media_types":["application/json"],"versions":[{"name":"v1","media_types":["application/vnd.v1+json"]},{"name":"v2"}]}]}`

// all has every section but that of versions, and limits that nobody reaches.
var all = sections{
	scrub:  `{"response_headers":["Content-Type"]}`,
	trace:  `{"incoming":"continue"}`,
	limit:  `{"nodes":1,"limits":[{"name":"tenant","scope":["tenant","route"],"limit":100,"window_seconds":60}],"redis":{"timeout_ms":1000}}`,
	sunset: `{"deprecated_at":"2026-01-15","sunset_at":"2027-06-30","successor":"/v2{+rest}"}`,
}

// process is the four plugins' runtimes with what they write to.
type process struct {
	options  onehop.Options
	runtime  *onehop.Runtime // of the last oneHop
	redis    *miniredis.Miniredis
	audit    bytes.Buffer
	log      bytes.Buffer
	registry *prometheus.Registry
	spans    keptSpans
	panics   string // the section whose clock, or whose chance, panics
	degrades bool   // configurations that Provision refuses degrade, as in the plugin server

	scrub   *piilogscrub.Config
	trace   *traceinject.Config
	limit   *tenantratelimit.Config
	sunset  *sunsetheaders.Config
	version *apiversion.Config
}

// newProcess has the sections' configurations, not provisioned yet.
func newProcess(t *testing.T, s sections) *process {
	t.Helper()
	return newProcessWith(t, s, false)
}

func newProcessWith(t *testing.T, s sections, noLogPlugins bool) *process {
	t.Helper()
	p := &process{redis: miniredis.RunT(t), registry: prometheus.NewRegistry()}
	p.redis.SetTime(now)
	logger := slog.New(slog.NewJSONHandler(&p.log, nil))
	clock := func(section string) func() time.Time {
		return func() time.Time { p.mayPanic(section); return now }
	}
	random := func() uint64 { p.mayPanic("trace_inject"); return 0x1112131415161718 }
	scrubber := must(piilogscrub.NewRuntime(piilogscrub.Options{Audit: auditlog.NewHandler(&p.audit), Logger: logger, Now: clock("pii_log_scrub")}))(t)
	p.options = onehop.Options{
		Scrubber: scrubber,
		Tracer:   must(traceinject.NewRuntime(traceinject.Options{Exporter: &p.spans, Scrubber: scrubber, Random: random, NoLogPlugins: noLogPlugins}))(t),
		Limiter:  must(tenantratelimit.NewRuntime(tenantratelimit.Options{RedisURL: "redis://" + p.redis.Addr(), Logger: logger, Now: clock("tenant_rate_limit")}))(t),
		Sunset:   must(sunsetheaders.NewRuntime(sunsetheaders.Options{Logger: logger, Now: clock("sunset_headers")}))(t),
		Versions: must(apiversion.NewRuntime(apiversion.Options{Logger: logger}))(t),
		Logger:   logger, Registerer: p.registry, Now: clock(""), NoLogPlugins: noLogPlugins,
	}
	limiter := p.options.Limiter
	t.Cleanup(func() { _ = limiter.Close(context.Background()) })
	p.scrub = section[piilogscrub.Config](t, p.options.Scrubber.New(), s.scrub)
	p.trace = section[traceinject.Config](t, p.options.Tracer.New(), s.trace)
	p.limit = section[tenantratelimit.Config](t, p.options.Limiter.New(), s.limit)
	p.sunset = section[sunsetheaders.Config](t, p.options.Sunset.New(), s.sunset)
	p.version = section[apiversion.Config](t, p.options.Versions.New(), s.version)
	return p
}

func (p *process) mayPanic(section string) {
	if p.panics != "" && p.panics == section {
		panic("the test says so")
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func section[C any](t *testing.T, config any, text string) *C {
	t.Helper()
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), config); err != nil {
		t.Fatal(err)
	}
	return config.(*C)
}

// oneHop is the plugin with the process' sections.
func (p *process) oneHop(t *testing.T) *onehop.Config {
	t.Helper()
	p.runtime = must(onehop.NewRuntime(p.options))(t)
	config := p.runtime.New().(*onehop.Config)
	config.PIILogScrub, config.TraceInject, config.TenantRateLimit, config.SunsetHeaders = p.scrub, p.trace, p.limit, p.sunset
	config.APIVersion = p.version
	for name, there := range map[string]bool{
		"pii_log_scrub": p.scrub != nil, "trace_inject": p.trace != nil, "tenant_rate_limit": p.limit != nil, "sunset_headers": p.sunset != nil,
		"api_version": p.version != nil,
	} {
		if there {
			config.Run = append(config.Run, name)
		}
	}
	p.start(t, config)
	return config
}

// start provisions a configuration as the plugin server does.
func (p *process) start(t *testing.T, config interface {
	Provision() error
	Degrade(error)
}) {
	t.Helper()
	err := config.Provision()
	if err != nil && !p.degrades {
		t.Fatal(err)
	}
	if err != nil {
		config.Degrade(err)
	}
}

type handler = func(*pdk.PDK)

// apart are the four plugins' handlers, in the order in which Kong runs them.
func (p *process) apart(t *testing.T) (rewrite, access, log []handler) {
	t.Helper()
	if p.scrub != nil {
		p.start(t, p.scrub)
		rewrite, access, log = append(rewrite, p.scrub.Rewrite), append(access, p.scrub.Access), append(log, p.scrub.Log)
	}
	if p.trace != nil {
		p.start(t, p.trace)
		access, log = append(access, p.trace.Access), append(log, p.trace.Log)
	}
	if p.limit != nil {
		p.start(t, p.limit)
		access = append(access, p.limit.Access)
	}
	if p.sunset != nil {
		p.start(t, p.sunset)
		access = append(access, p.sunset.Access)
	}
	if p.version != nil {
		p.start(t, p.version)
		rewrite = append(rewrite, p.version.Rewrite)
	}
	return rewrite, access, log
}

// outcome is what became of a request, whoever did it.
type outcome struct {
	Status   int // of an exit, or 0
	Body     string
	Response http.Header
	Upstream http.Header    // of a request that goes on
	Logged   map[string]any // what log plugins find, by key
	Trace    any
	Audit    string
	Spans    []string
}

// run runs events one after the other, each on what those before it left, and
// stops at an exit as Kong does.
func run(t *testing.T, req kongtest.Request, installed bool, handlers ...handler) (o outcome, after kongtest.Request, calls []string) {
	t.Helper()
	o.Logged = map[string]any{}
	for _, h := range handlers {
		if installed {
			req = kongrequesttest.Installed(t, req)
		}
		e := kongtest.Run(t, h, req)
		calls = append(calls, e.Calls...)
		for _, kv := range e.Serialized {
			o.Logged[kv.Key] = kv.Value
		}
		shared := maps.Clone(req.Shared)
		if shared == nil {
			shared = map[string]any{}
		}
		maps.Copy(shared, e.Shared)
		req.Shared, req.Sent, req.Headers = shared, e.Response.Headers, e.Service.Headers
		if e.Exit != nil {
			o.Status, o.Body = e.Exit.Status, string(e.Exit.Body)
			maps.Copy(req.Sent, e.Exit.Headers)
			break
		}
	}
	o.Response, o.Trace = req.Sent, req.Shared[traceinject.SharedKey]
	if o.Status == 0 {
		o.Upstream = req.Headers.Clone()
		maps.DeleteFunc(o.Upstream, func(_ string, values []string) bool { return len(values) == 0 })
	}
	return o, req, calls
}

// keptSpans is an exporter that keeps what it gets, also after its shutdown.
type keptSpans struct {
	mu    sync.Mutex
	spans tracetest.SpanStubs
}

func (k *keptSpans) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.spans = append(k.spans, tracetest.SpanStubsFromReadOnlySpans(spans)...)
	return nil
}

func (k *keptSpans) Shutdown(context.Context) error { return nil }

// exported are the spans that the process has exported, as text.
func (p *process) exported(t *testing.T) []string {
	t.Helper()
	if err := p.options.Tracer.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range p.spans.spans {
		attributes := make([]string, 0, len(s.Attributes))
		for _, a := range s.Attributes {
			attributes = append(attributes, string(a.Key)+"="+a.Value.String())
		}
		slices.Sort(attributes)
		text := must(json.Marshal([]any{s.Name, s.SpanContext, s.Parent, s.StartTime, s.EndTime, attributes}))(t)
		lines = append(lines, string(text))
	}
	return lines
}

// failures are the counted failures by section.
func (p *process) failures(t *testing.T) map[string]float64 {
	t.Helper()
	counts := map[string]float64{}
	for _, family := range must(p.registry.Gather())(t) {
		if family.GetName() != "gatehouse_onehop_failures_total" {
			continue
		}
		for _, metric := range family.Metric {
			if n := metric.Counter.GetValue(); n > 0 {
				counts[metric.Label[0].GetValue()] = n
			}
		}
	}
	return counts
}

// record is what kong.log.serialize gives of a request that was proxied.
func record(t *testing.T) string {
	t.Helper()
	return string(must(os.ReadFile("testdata/record.json"))(t))
}

// token is a token that Kong's jwt plugin has verified.
func token(payload string) map[string]any {
	encode := base64.RawURLEncoding.EncodeToString
	return map[string]any{"authenticated_jwt_token": encode([]byte("{}")) + "." + encode([]byte(payload)) + ".c2ln"}
}
