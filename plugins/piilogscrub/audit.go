package piilogscrub

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	otel "go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// audit reads what Kong knows of a request that is over, and writes its record.
func (c *Config) audit(e *kongrequest.Event) error {
	request, err := e.Record()
	if err != nil {
		return err
	}
	token, err := e.Token()
	if err != nil {
		return err
	}
	var headers map[string][]string
	if len(c.ResponseHeaders) > 0 {
		if headers, err = e.Kong().Response.GetHeaders(maxHeaders); err != nil {
			return fmt.Errorf("read response headers: %w", err)
		}
	}
	return c.WriteAudit(request, token, headers)
}

// WriteAudit writes the audit record of a request that is over. token is the one
// that Kong verified, or nil; headers are the response's, by lower-case name,
// of which those that the configuration lists are written. It asks Kong nothing.
func (c *Config) WriteAudit(r *kongrecord.Record, token *identity.Token, headers map[string][]string) error {
	return c.runtime.audit.Handle(inTrace(traceID(r.TraceID)), c.record(r, token, headers))
}

// record is the audit record. Whatever is text in it is scrubbed, and what was
// scrubbed before comes out as it is. It does no I/O.
func (c *Config) record(e *kongrecord.Record, token *identity.Token, headers map[string][]string) slog.Record {
	r := slog.NewRecord(c.startOf(e), slog.LevelInfo, "audit", 0)
	r.AddAttrs(slog.String("log", "audit"), slog.String("request_id", c.identifier("request_id", e.Request.ID)))
	r.AddAttrs(c.who(e, token)...)
	r.AddAttrs(
		slog.String("method", c.text("audit", e.Request.Method, scrub.FormatText)),
		slog.String("route", cmp.Or(e.Route.Name, e.Route.ID)),
		slog.String("service", cmp.Or(e.Service.Name, e.Service.ID)),
		slog.String("path", c.path(e)),
		slog.Int("status", e.Response.Status),
		slog.String("source", e.Source),
		slog.Float64("size", e.Response.Size),
		slog.Float64("latency_ms", e.Latencies.Request),
		slog.Float64("gateway_ms", e.Latencies.Kong),
		slog.Float64("upstream_ms", max(e.Latencies.Proxy, 0)),
		slog.String("client_ip", c.text("audit", e.ClientIP, scrub.FormatText)),
	)
	if template := c.engine.Template(pathOf(e)); template != "" {
		r.AddAttrs(slog.String("path_template", template))
	}
	if id := traceID(e.TraceID); id != "" {
		r.AddAttrs(slog.String("trace_id", c.identifier("trace_id", id)))
	}
	if e.Policies != nil || c.degraded {
		r.AddAttrs(c.policies(e.Policies))
	}
	if len(headers) > 0 {
		r.AddAttrs(slog.Any("response_headers", c.listed(headers)))
	}
	return r
}

// startOf is when the request came in.
func (c *Config) startOf(e *kongrecord.Record) time.Time {
	if e.StartedAt <= 0 || e.StartedAt > math.MaxInt64/1e6 {
		return c.runtime.now()
	}
	return time.UnixMilli(int64(e.StartedAt)).UTC()
}

// who is the tenant, the consumer and the user, from what Kong has verified and
// never from the headers that a client sent. A user is a pseudonym. The consumer is
// named also where it only stands in for anonymous requests.
func (c *Config) who(e *kongrecord.Record, token *identity.Token) []slog.Attr {
	p := identity.Resolve(e.Evidence(token), identity.Claims{Names: c.Identity})
	var attrs []slog.Attr
	if name := cmp.Or(e.Consumer.Username, e.Consumer.ID); name != "" {
		attrs = append(attrs, slog.String("consumer", c.text("audit", name, scrub.FormatText)))
	}
	if e.Credential.ID != "" {
		attrs = append(attrs, slog.String("credential_id", e.Credential.ID))
	}
	return append(attrs,
		slog.String("tenant", c.text("audit", p.Tenant.String(), scrub.FormatText)),
		slog.String("user", c.engine.Pseudonym("user", p.User.String())))
}

// path is the request's path without its query: the serialized one is scrubbed
// already, and scrubbing it again costs little where it is not.
func (c *Config) path(e *kongrecord.Record) string {
	return c.text("audit", string(pathOf(e)), scrub.FormatURL)
}

func pathOf(e *kongrecord.Record) []byte {
	path, _, _ := strings.Cut(e.Request.URI, "?")
	return []byte(path)
}

// identifier is the identifier of a request or a trace. They are the gateway's own, and
// all that is left to find a request by where its texts are dropped.
func (c *Config) identifier(name, id string) string {
	if c.degraded && plainIdentifier.MatchString(id) {
		return id
	}
	return c.value("audit", name, id)
}

var (
	plainIdentifier = regexp.MustCompile(`^[0-9a-f-]{1,36}$`)
	plainWord       = regexp.MustCompile(`^[a-z_-]{1,20}$`)
)

// traceID is Kong's trace_id: a string, or by format in a table.
func traceID(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		for _, format := range []string{"w3c", "b3", "datadog"} {
			if id, ok := v[format].(string); ok {
				return id
			}
		}
	}
	return ""
}

// inTrace is a context that says which trace a record belongs to, for handlers
// that have a place of its own for that.
func inTrace(id string) context.Context {
	trace, err := otel.TraceIDFromHex(id)
	if err != nil {
		return context.Background()
	}
	return otel.ContextWithSpanContext(context.Background(), otel.NewSpanContext(otel.SpanContextConfig{TraceID: trace}))
}

// policies is what other plugins decided, scrubbed as any other JSON where it came
// through Kong, and that this plugin drops texts if it does.
func (c *Config) policies(v any) slog.Attr {
	const name = "policies"
	if decisions, ok := v.(kongrecord.Decisions); ok {
		return slog.GroupAttrs(name, c.words(decisions)...)
	}
	if c.degraded {
		return slog.Any(name, c.plainWords(v))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return slog.String(name, droppedMarker)
	}
	out, tally := c.engine.JSON(nil, text)
	c.runtime.metrics.observe("audit", len(text), tally)
	var scrubbed any
	if json.Unmarshal(out, &scrubbed) != nil {
		return slog.String(name, droppedMarker)
	}
	return slog.Any(name, scrubbed)
}

// words are decisions that were told within the process.
func (c *Config) words(decisions kongrecord.Decisions) []slog.Attr {
	var attrs []slog.Attr
	if c.degraded {
		attrs = append(attrs, slog.String(Name, kongrecord.Degraded))
	}
	for _, d := range decisions {
		attrs = append(attrs, slog.String(d.Plugin, d.Word))
	}
	return attrs
}

// plainWords are decisions that came through Kong, where any plugin can have written
// anything: those that are no single word are dropped.
func (c *Config) plainWords(v any) map[string]string {
	all, _ := v.(map[string]any)
	words := map[string]string{Name: kongrecord.Degraded}
	for plugin, word := range all {
		if word, ok := word.(string); ok && plainWord.MatchString(plugin) && plainWord.MatchString(word) {
			words[plugin] = word
		}
	}
	return words
}

// listed is the response headers that the configuration lists.
func (c *Config) listed(headers map[string][]string) map[string]string {
	out := map[string]string{}
	for _, name := range c.ResponseHeaders {
		name = strings.ToLower(name)
		values := slices.Clone(headers[name])
		for i, v := range values {
			values[i] = c.header("response_headers", name, v)
		}
		if len(values) > 0 {
			out[name] = strings.Join(values, ", ")
		}
	}
	return out
}
