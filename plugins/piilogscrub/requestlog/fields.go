// Package requestlog decides what Kong's log plugins write of a request in place of what
// its client sent: the fields of kong.log.serialize, scrubbed.
package requestlog

import (
	"net/url"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// The fields of kong.log.serialize with text of a client's or a service's making.
const (
	uriKey             = "request.uri"
	urlKey             = "request.url"
	queryKey           = "request.querystring"
	headersKey         = "request.headers"
	responseHeadersKey = "response.headers"
	upstreamKey        = "upstream_uri"
	clientIPKey        = "client_ip"
)

// Field is a field of the log, with dots in its key for steps into tables, and what
// is to be there.
type Field struct {
	Key   string
	Value *structpb.Value
}

func text(key, value string) Field { return Field{key, structpb.NewStringValue(value)} }

func table(key string, value *structpb.Struct) Field {
	return Field{key, structpb.NewStructValue(value)}
}

// maxArgs is how many query parameters Kong's serializer logs.
const maxArgs = 100

// Fields replace those that Kong makes of the request. Each costs the gateway's worker
// 9 to 15 µs: what Kong would write just the same, whatever other plugins do, is left out.
// Response headers are not known before the response, so none are logged.
func Fields(texts scrub.Counted, r *Request) []Field {
	var fields []Field
	uri, host := texts.Text("uri", r.URI, scrub.FormatURL), texts.Text("headers", r.Host, scrub.FormatText)
	if uri != r.URI || host != r.Host {
		fields = append(fields, text(uriKey, uri), text(urlKey, r.origin(host)+uri))
	}
	if query := r.query(); query != "" {
		fields = append(fields, table(queryKey, arguments(texts, query)))
	}
	return append(fields,
		table(headersKey, headers(texts, r.Headers)),
		table(responseHeadersKey, &structpb.Struct{}),
		UpstreamURI(texts, r),
		text(clientIPKey, texts.Text("client_ip", r.ClientIP, scrub.FormatText)),
	)
}

// UpstreamURI replaces what is not known before a route is matched.
func UpstreamURI(texts scrub.Counted, r *Request) Field {
	return text(upstreamKey, texts.Text("upstream_uri", r.upstreamURI(), scrub.FormatURL))
}

// Dropped are markers in place of all fields, each of its field's own type. Only that of
// the response's headers is a string in place of a table: it is empty otherwise.
func Dropped() []Field {
	marker := scrub.Dropped.Marker()
	inTable := &structpb.Struct{Fields: map[string]*structpb.Value{"dropped": structpb.NewStringValue(marker)}}
	return []Field{
		text(uriKey, marker), text(urlKey, marker), table(queryKey, inTable), table(headersKey, inTable),
		DroppedUpstreamURI(), text(clientIPKey, marker), text(responseHeadersKey, marker),
	}
}

// DroppedUpstreamURI is the marker in place of [UpstreamURI].
func DroppedUpstreamURI() Field { return text(upstreamKey, scrub.Dropped.Marker()) }

// arguments is request.querystring: each name with its value, a list of values,
// or true where it has none.
func arguments(texts scrub.Counted, query string) *structpb.Struct {
	out := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	n := 0
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		if n++; n > maxArgs {
			break
		}
		name, value, found := strings.Cut(pair, "=")
		name = unescape(name)
		v := structpb.NewBoolValue(true)
		if found {
			v = structpb.NewStringValue(texts.Value("querystring", name, unescape(value)))
		}
		add(out, texts.Text("querystring", name, scrub.FormatText), v)
	}
	return out
}

// unescape keeps what is malformed as it is, as Kong does.
func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// add makes a list where a name has several values.
func add(s *structpb.Struct, name string, v *structpb.Value) {
	old, ok := s.Fields[name]
	switch list := old.GetListValue(); {
	case !ok:
		s.Fields[name] = v
	case list != nil:
		list.Values = append(list.Values, v)
	default:
		s.Fields[name] = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{old, v}})
	}
}

// headers is a table of headers as Kong serializes it: a string, or a list where
// there are several.
func headers(texts scrub.Counted, all map[string][]string) *structpb.Struct {
	out := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(all))}
	for name, values := range all {
		name = strings.ToValidUTF8(name, "?")
		for _, v := range values {
			add(out, name, structpb.NewStringValue(texts.Header("headers", name, v)))
		}
	}
	return out
}
