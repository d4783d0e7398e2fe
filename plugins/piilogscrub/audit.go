package piilogscrub

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// tokenKey is where Kong's jwt plugin leaves a token that it has verified.
const tokenKey = "authenticated_jwt_token"

// newAuditHandler writes records as JSON lines without a level: all are alike.
func newAuditHandler(w io.Writer) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
			return slog.Attr{}
		}
		return a
	}})
}

// entry is what the record takes from kong.log.serialize.
type entry struct {
	Request struct {
		ID     string `json:"id"`
		Method string `json:"method"`
		URI    string `json:"uri"`
	} `json:"request"`
	Response struct {
		Status int     `json:"status"`
		Size   float64 `json:"size"`
	} `json:"response"`
	Latencies struct {
		Kong    float64 `json:"kong"`
		Proxy   float64 `json:"proxy"`
		Request float64 `json:"request"`
	} `json:"latencies"`
	Route    *named `json:"route"`
	Service  *named `json:"service"`
	Consumer *struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		CustomID string `json:"custom_id"`
	} `json:"consumer"`
	Credential *struct {
		ID string `json:"id"`
	} `json:"authenticated_entity"`
	ClientIP  string  `json:"client_ip"`
	StartedAt float64 `json:"started_at"` // Unix milliseconds
	Source    string  `json:"source"`
	TraceID   any     `json:"trace_id"`  // a string, or a table of them by format
	Policies  any     `json:"gatehouse"` // what other plugins decided, by plugin
}

// named is a route or a service.
type named struct {
	ID    string   `json:"id"`
	Name  string   `json:"name"`
	Paths []string `json:"paths"`
}

func (n *named) String() string {
	if n == nil {
		return ""
	}
	return cmp.Or(n.Name, n.ID)
}

// claims are what the record takes from a verified token.
type claims struct {
	Tenant  string `json:"tenant"`
	Subject string `json:"sub"`
}

// audit reads what Kong knows of a request that is over, and writes its record.
func (c *Config) audit(kong *pdk.PDK) error {
	text, err := askText(kong.Log.PdkBridge, "kong.log.serialize", nil)
	if err != nil {
		return err
	}
	var e entry
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return fmt.Errorf("decode serialized request: %w", err)
	}
	token, err := kong.Ctx.GetSharedAny(tokenKey)
	if err != nil {
		return fmt.Errorf("read verified token: %w", err)
	}
	var headers map[string][]string
	if len(c.ResponseHeaders) > 0 {
		if headers, err = kong.Response.GetHeaders(maxHeaders); err != nil {
			return fmt.Errorf("read response headers: %w", err)
		}
	}
	return c.runtime.audit.Handle(context.Background(), c.record(&e, tokenClaims(token), headers))
}

// record is the audit record. Whatever is text in it is scrubbed, and what was
// scrubbed before comes out as it is. It does no I/O.
func (c *Config) record(e *entry, who claims, headers map[string][]string) slog.Record {
	r := slog.NewRecord(c.startOf(e), slog.LevelInfo, "", 0)
	r.AddAttrs(slog.String("log", "audit"), slog.String("request_id", c.identifier("request_id", e.Request.ID)))
	r.AddAttrs(c.who(e, who)...)
	r.AddAttrs(
		slog.String("method", c.text("audit", e.Request.Method, scrub.FormatText)),
		slog.String("route", e.Route.String()),
		slog.String("service", e.Service.String()),
		slog.String("path", c.path(e)),
		slog.Int("status", e.Response.Status),
		slog.String("source", e.Source),
		slog.Float64("size", e.Response.Size),
		slog.Float64("latency_ms", e.Latencies.Request),
		slog.Float64("gateway_ms", e.Latencies.Kong),
		slog.Float64("upstream_ms", max(e.Latencies.Proxy, 0)),
		slog.String("client_ip", c.text("audit", e.ClientIP, scrub.FormatText)),
	)
	if id := traceID(e.TraceID); id != "" {
		r.AddAttrs(slog.String("trace_id", c.identifier("trace_id", id)))
	}
	if e.Policies != nil {
		r.AddAttrs(slog.Any("policies", c.policies(e.Policies)))
	}
	if len(headers) > 0 {
		r.AddAttrs(slog.Any("response_headers", c.listed(headers)))
	}
	return r
}

// startOf is when the request came in.
func (c *Config) startOf(e *entry) time.Time {
	if e.StartedAt <= 0 || e.StartedAt > math.MaxInt64/1e6 {
		return c.runtime.now()
	}
	return time.UnixMilli(int64(e.StartedAt)).UTC()
}

// who is the tenant, the consumer and the user, from what Kong has verified and
// never from the headers that a client sent. A user is a pseudonym.
func (c *Config) who(e *entry, token claims) []slog.Attr {
	tenant := token.Tenant
	var attrs []slog.Attr
	if e.Consumer != nil {
		tenant = cmp.Or(tenant, e.Consumer.CustomID)
		attrs = append(attrs, slog.String("consumer", c.text("audit", cmp.Or(e.Consumer.Username, e.Consumer.ID), scrub.FormatText)))
	}
	if e.Credential != nil {
		attrs = append(attrs, slog.String("credential_id", e.Credential.ID))
	}
	return append(attrs,
		slog.String("tenant", c.text("audit", tenant, scrub.FormatText)),
		slog.String("user", c.engine.Pseudonym("user", token.Subject)))
}

// path is the request's path without its query: the serialized one is scrubbed
// already, and scrubbing it again costs little where it is not.
func (c *Config) path(e *entry) string {
	path, _, _ := strings.Cut(e.Request.URI, "?")
	return c.text("audit", path, scrub.FormatURL)
}

// identifier is the identifier of a request or a trace.
func (c *Config) identifier(name, id string) string { return c.value("audit", name, id) }

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

// policies is what other plugins decided, scrubbed as any other JSON.
func (c *Config) policies(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return droppedMarker
	}
	out, tally := c.engine.JSON(nil, text)
	c.runtime.metrics.observe("audit", len(text), tally)
	return json.RawMessage(out)
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

// tokenClaims reads the claims of a token that Kong has verified; none where
// there is no such token.
func tokenClaims(token any) (c claims) {
	text, _ := token.(string)
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return claims{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return claims{}
	}
	return c
}
