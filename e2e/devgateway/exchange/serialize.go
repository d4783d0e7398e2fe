package exchange

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
)

// serializeValue is one kong.log.set_serialize_value.
type serializeValue struct {
	key   string
	value any
}

// SetSerializeValue changes what Serialize writes; dots in the key are steps.
func (x *Exchange) SetSerializeValue(key string, value any) {
	x.serializeValues = append(x.serializeValues, serializeValue{key, value})
}

// Saved is what a log event sees of an exchange: it runs after the exchange is
// over, on a copy.
type Saved struct{ Serialized string }

// Save makes the copy for one log event. The error is Kong's about a value that
// cannot be serialized; the event does not run then.
func (x *Exchange) Save() (*Saved, error) {
	root, err := x.Serialize()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("encode log entry: %w", err)
	}
	return &Saved{Serialized: string(text)}, nil
}

// Serialize is kong.log.serialize: what Kong's log plugins write
// (kong/pdk/log.lua).
func (x *Exchange) Serialize() (map[string]any, error) {
	root := map[string]any{
		"request":         x.serializeRequest(),
		"upstream_uri":    x.serializeUpstreamURI(),
		"upstream_status": x.UpstreamStatus(),
		"response": map[string]any{
			"status":  x.Status,
			"headers": HeaderTable(x.SentHeader(), maxFields),
			"size":    x.Sent.Total,
		},
		"latencies":      x.latencies(),
		"client_ip":      x.Conn.RemoteAddr,
		"started_at":     x.Start.UnixMilli(),
		"source":         map[bool]string{true: "upstream", false: "kong"}[x.FromUpstream()],
		"workspace":      config.DefaultWorkspace,
		"workspace_name": "default",
	}
	if x.Match != nil {
		root["tries"] = append([]*Try{}, x.Tries...)
	}
	if x.Credential != nil {
		root["authenticated_entity"] = map[string]any{"id": x.Credential.ID}
	}
	if err := x.serializeEntities(root); err != nil {
		return nil, err
	}
	return root, editResult(root, x.serializeValues)
}

func (x *Exchange) serializeRequest() map[string]any {
	headers := HeaderTable(x.Header, maxFields)
	for _, secret := range []string{"authorization", "proxy-authorization"} {
		if _, there := headers[secret]; there {
			headers[secret] = "REDACTED"
		}
	}
	request := map[string]any{
		"id":          x.ID,
		"uri":         x.RequestURI,
		"url":         fmt.Sprintf("%s://%s:%d%s", x.Conn.Scheme(), x.Host, x.Conn.ServerPort, x.RequestURI),
		"querystring": x.Query(maxFields),
		"method":      x.Method,
		"headers":     headers,
		"size":        x.requestLength(),
	}
	if state := x.Conn.TLS; state != nil {
		request["tls"] = map[string]any{
			"version":       strings.Replace(tls.VersionName(state.Version), "TLS ", "TLSv", 1),
			"cipher":        tls.CipherSuiteName(state.CipherSuite),
			"client_verify": "NONE",
		}
	}
	return request
}

// serializeUpstreamURI is the URI for the upstream, with the query that it got
// or would have got.
func (x *Exchange) serializeUpstreamURI() string {
	u := x.UpstreamURI
	switch {
	case u == "" || strings.Contains(u, "?"):
	case strings.HasSuffix(x.RequestURI, "?"):
		u += "?"
	case x.Args != "":
		u += "?" + x.Args
	}
	return u
}

// latencies are in milliseconds; proxy is -1 if the upstream was not asked.
func (x *Exchange) latencies() map[string]any {
	l := map[string]any{"kong": int64(0), "proxy": int64(-1), "receive": int64(0), "request": x.Times.End.UnixMilli() - x.Start.UnixMilli()}
	if x.Proxied {
		l["kong"] = x.ProxyLatency()
		l["proxy"] = x.UpstreamLatency()
		l["receive"] = x.Times.End.UnixMilli() - x.Times.Header.UnixMilli()
	} else if !x.Times.Header.IsZero() {
		l["kong"] = x.ResponseLatency()
	}
	return l
}

// ProxyLatency is the time in milliseconds until the request went upstream.
func (x *Exchange) ProxyLatency() int64 { return x.Times.Balancer.UnixMilli() - x.Start.UnixMilli() }

// UpstreamLatency is the time in milliseconds until the upstream's header came.
func (x *Exchange) UpstreamLatency() int64 {
	return x.Times.Header.UnixMilli() - x.Times.Balancer.UnixMilli()
}

// ResponseLatency is the time in milliseconds that an own answer took.
func (x *Exchange) ResponseLatency() int64 { return x.Times.Header.UnixMilli() - x.Start.UnixMilli() }

func (x *Exchange) serializeEntities(root map[string]any) error {
	entities := map[string]any{}
	if r := x.Route(); r != nil {
		entities["route"] = r
	}
	if s := x.Service(); s != nil {
		entities["service"] = s
	}
	if x.Consumer != nil {
		entities["consumer"] = x.Consumer
	}
	for name, entity := range entities {
		table, err := toTable(entity)
		if err != nil {
			return fmt.Errorf("serialize %s: %w", name, err)
		}
		root[name] = table
	}
	return nil
}

func toTable(entity any) (map[string]any, error) {
	text, err := json.Marshal(entity)
	if err != nil {
		return nil, err
	}
	var table map[string]any
	return table, json.Unmarshal(text, &table)
}

// editResult applies the values that plugins set.
func editResult(root map[string]any, edits []serializeValue) error {
	for _, edit := range edits {
		steps := strings.Split(edit.key, ".")
		node := root
		for _, step := range steps[:len(steps)-1] {
			next, ok := node[step].(map[string]any)
			if !ok && node[step] != nil {
				return fmt.Errorf("the key '%s' could not be used as a serialize value: subkey '%s' is not a table but %v",
					edit.key, step, node[step])
			}
			if !ok {
				next = map[string]any{}
				node[step] = next
			}
			node = next
		}
		last := steps[len(steps)-1]
		if edit.value == nil {
			delete(node, last)
		} else {
			node[last] = edit.value
		}
	}
	return nil
}

// UpstreamStatus is nginx's $upstream_status: that of each try.
func (x *Exchange) UpstreamStatus() string {
	statuses := make([]string, len(x.Upstream.Statuses))
	for i, s := range x.Upstream.Statuses {
		statuses[i] = strconv.Itoa(s)
	}
	return strings.Join(statuses, ", ")
}

// SentHeader is the response's header as ngx.resp.get_headers shows it: with
// Connection, which is not in the list of headers.
func (x *Exchange) SentHeader() http.Header {
	h := x.RespHeader.Clone()
	h.Set("Connection", "keep-alive")
	if h.Get("Content-Length") == "" && x.Status != http.StatusNoContent && x.Status != http.StatusNotModified {
		h.Set("Transfer-Encoding", "chunked")
	}
	return h
}

// HeadLength is how many bytes a request's line and header have, in HTTP/1.1.
func HeadLength(requestLine string, h http.Header) int64 {
	n := int64(len(requestLine)) + 4
	for name, vals := range h {
		for _, v := range vals {
			n += int64(len(name) + len(v) + 4)
		}
	}
	return n
}

// requestLength is nginx's $request_length: what was read of the request.
func (x *Exchange) requestLength() int64 { return x.HeadLength + x.BodyLength }
