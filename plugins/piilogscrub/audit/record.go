// Package audit decides what the audit record of a request holds: who did what, when,
// and with which outcome. Where records go, the package auditlog says.
package audit

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	otel "go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// Recorder makes records. All fields but ResponseHeaders and Degraded are required.
type Recorder struct {
	// Texts scrubs whatever is text in a record. What was scrubbed before comes out as
	// it is.
	Texts scrub.Counted
	// Identity says which claims of a verified token name tenant and user.
	Identity identity.Names
	// ResponseHeaders are those that a record has, where they are known.
	ResponseHeaders []string
	// Degraded is the plugin that drops all texts, by the mistake in its configuration.
	// Empty if none does.
	Degraded string
	// Now is the clock, for a request of which nobody knows when it came in.
	Now func() time.Time
}

// Who is who was asking, from what Kong has verified and never from the headers that a
// client sent. token is the one that Kong verified, or nil.
func (rec *Recorder) Who(r *kongrecord.Record, token *identity.Token) identity.Principal {
	return identity.Resolve(r.Evidence(token), identity.Claims{Names: rec.Identity})
}

// Record is the record of a request that is over, and of who was asking; headers are the
// response's, by lower-case name, nil if they are not known.
func (rec *Recorder) Record(r *kongrecord.Record, who identity.Principal, headers map[string][]string) slog.Record {
	out := slog.NewRecord(rec.startOf(r), slog.LevelInfo, "audit", 0)
	out.AddAttrs(slog.String("log", "audit"), slog.String("request_id", rec.identifier("request_id", r.Request.ID)))
	out.AddAttrs(marks(r)...)
	if !r.Partial {
		out.AddAttrs(rec.who(r, who)...)
	}
	out.AddAttrs(
		slog.String("method", rec.text(r.Request.Method)),
		slog.String("route", cmp.Or(r.Route.Name, r.Route.ID)),
		slog.String("service", cmp.Or(r.Service.Name, r.Service.ID)),
		slog.String("path", rec.Texts.Text(place, path(r), scrub.FormatURL)),
		slog.Int("status", r.Response.Status),
		slog.String("source", r.Source),
		slog.Float64("size", r.Response.Size),
		slog.Float64("latency_ms", r.Latencies.Request),
		slog.Float64("gateway_ms", r.Latencies.Kong),
		slog.Float64("upstream_ms", max(r.Latencies.Proxy, 0)),
		slog.String("client_ip", rec.text(r.ClientIP)),
	)
	if template := rec.Texts.Engine.Template([]byte(path(r))); template != "" {
		out.AddAttrs(slog.String("path_template", template))
	}
	if id := traceID(r.TraceID); id != "" {
		out.AddAttrs(slog.String("trace_id", rec.identifier("trace_id", id)))
	}
	if r.Policies != nil || rec.Degraded != "" {
		out.AddAttrs(rec.policies(r.Policies))
	}
	if len(headers) > 0 {
		out.AddAttrs(slog.Any("response_headers", rec.listed(headers)))
	}
	return out
}

// place is where findings in records are counted.
const place = "audit"

func (rec *Recorder) text(s string) string { return rec.Texts.Text(place, s, scrub.FormatText) }

// startOf is when the request came in.
func (rec *Recorder) startOf(r *kongrecord.Record) time.Time {
	if r.StartedAt <= 0 || r.StartedAt > math.MaxInt64/1e6 {
		return rec.Now()
	}
	return time.UnixMilli(int64(r.StartedAt)).UTC()
}

// marks say what is special about a record.
func marks(r *kongrecord.Record) (attrs []slog.Attr) {
	if r.Partial {
		attrs = append(attrs, slog.Bool("partial", true))
	}
	if r.Correction {
		attrs = append(attrs, slog.Bool("correction", true))
	}
	return attrs
}

// who is the tenant, the consumer and the user. A user is a pseudonym. The consumer is
// named also where it only stands in for anonymous requests.
func (rec *Recorder) who(r *kongrecord.Record, p identity.Principal) []slog.Attr {
	var attrs []slog.Attr
	if name := cmp.Or(r.Consumer.Username, r.Consumer.ID); name != "" {
		attrs = append(attrs, slog.String("consumer", rec.text(name)))
	}
	if r.Credential.ID != "" {
		attrs = append(attrs, slog.String("credential_id", r.Credential.ID))
	}
	return append(attrs,
		slog.String("tenant", rec.text(p.Tenant.String())),
		slog.String("user", rec.Texts.Engine.Pseudonym("user", p.User.String())))
}

// path is the request's path without its query.
func path(r *kongrecord.Record) string {
	path, _, _ := strings.Cut(r.Request.URI, "?")
	return path
}

// listed is the response headers that are to be in the record.
func (rec *Recorder) listed(headers map[string][]string) map[string]string {
	out := map[string]string{}
	for _, name := range rec.ResponseHeaders {
		name = strings.ToLower(name)
		values := slices.Clone(headers[name])
		for i, v := range values {
			values[i] = rec.Texts.Header("response_headers", name, v)
		}
		if len(values) > 0 {
			out[name] = strings.Join(values, ", ")
		}
	}
	return out
}

// Context says which trace the record of a request belongs to, for handlers that have a
// place of its own for that.
func Context(r *kongrecord.Record) context.Context {
	trace, err := otel.TraceIDFromHex(traceID(r.TraceID))
	if err != nil {
		return context.Background()
	}
	return otel.ContextWithSpanContext(context.Background(), otel.NewSpanContext(otel.SpanContextConfig{TraceID: trace}))
}

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
