package exchange

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxFields is how many headers or arguments Kong reads by default
// (lua_max_req_headers, lua_max_uri_args).
const maxFields = 100

// CopiedHeaders are the client's headers as Kong keeps them.
func (x *Exchange) CopiedHeaders() map[string]any { return HeaderTable(x.Copied, maxFields) }

// fold is how Kong and nginx compare the names of headers: without regard to
// case, and a dash is an underscore.
func fold(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

// values are the values of a header by any of its spellings.
func values(h http.Header, name string) []string {
	if v, ok := h[http.CanonicalHeaderKey(name)]; ok {
		return v
	}
	want := fold(name)
	for k, v := range h {
		if fold(k) == want {
			return v
		}
	}
	return nil
}

// RequestHeader is the first value of a request header, and whether there is
// one. nginx joins Cookie headers to one.
func (x *Exchange) RequestHeader(name string) (string, bool) {
	v := values(x.Header, name)
	switch {
	case len(v) == 0:
		return "", false
	case fold(name) == "cookie":
		return strings.Join(v, "; "), true
	default:
		return v[0], true
	}
}

// lines are the values of a header in all of its spellings.
func lines(h http.Header, name string) (all []string) {
	want := fold(name)
	for _, k := range slices.Sorted(maps.Keys(h)) {
		if fold(k) == want {
			all = append(all, h[k]...)
		}
	}
	return all
}

// RequestHeaderValues are all values of a request header.
func (x *Exchange) RequestHeaderValues(name string) []string { return values(x.Header, name) }

// SetRequestHeader replaces a header for the upstream. Host is where it goes.
func (x *Exchange) SetRequestHeader(name string, vals ...string) {
	if strings.EqualFold(name, "host") && len(vals) > 0 {
		x.UpstreamHost = vals[0]
	}
	x.Header[http.CanonicalHeaderKey(name)] = notEmpty(vals)
}

// ClearRequestHeader removes a header in all its spellings.
func (x *Exchange) ClearRequestHeader(name string) {
	want := strings.ToLower(name)
	for k := range x.Header {
		if strings.ToLower(k) == want {
			delete(x.Header, k)
		}
	}
}

// SetResponseHeader replaces a header of the response; underscores in its name
// become dashes, as in ngx.header.
func (x *Exchange) SetResponseHeader(name string, vals ...string) {
	setResponseHeader(x.RespHeader, name, vals)
}

// AddResponseHeader adds a line to those of the response with the name.
func (x *Exchange) AddResponseHeader(name, value string) { x.RespHeader.Add(name, value) }

// ClearResponseHeader removes a header from the response.
func (x *Exchange) ClearResponseHeader(name string) { x.RespHeader.Del(name) }

func setResponseHeader(h http.Header, name string, vals []string) {
	name = strings.ReplaceAll(name, "_", "-")
	if strings.EqualFold(name, "transfer-encoding") {
		return // "manually setting Transfer-Encoding. Ignored."
	}
	h[http.CanonicalHeaderKey(name)] = notEmpty(vals)
}

// notEmpty writes an empty value as Kong does, as a space, which the peer trims.
func notEmpty(vals []string) []string {
	out := make([]string, len(vals))
	for i, v := range vals {
		if v == "" {
			v = " "
		}
		out[i] = v
	}
	return out
}

// HeaderTable is how Kong hands headers to a plugin: names in lower case, one
// value as a string, several as a list; at most limit of them.
func HeaderTable(h http.Header, limit int) map[string]any {
	out := make(map[string]any, len(h))
	for name, vals := range h {
		name = strings.ToLower(name)
		for _, v := range vals {
			if limit--; limit < 0 {
				return out
			}
			addTo(out, name, v)
		}
	}
	return out
}

// addTo adds a value to a table in which a second one makes a list.
func addTo(table map[string]any, key string, value any) {
	switch old := table[key].(type) {
	case nil:
		table[key] = value
	case []any:
		table[key] = append(old, value)
	default:
		table[key] = []any{old, value}
	}
}
