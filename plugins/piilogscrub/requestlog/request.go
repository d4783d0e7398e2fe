package requestlog

import "strings"

// Request is what a client sent, as Kong's serializer would log it.
type Request struct {
	ClientIP, Scheme, Host, Port string
	// URI is path and query, as they came.
	URI string
	// Upstream is the path towards the service; empty before a route is matched.
	Upstream string
	// Headers are by lower-case name.
	Headers map[string][]string
}

// query is the query string, without its '?'.
func (r *Request) query() string {
	_, query, _ := strings.Cut(r.URI, "?")
	return query
}

// origin is the beginning of request.url.
func (r *Request) origin(host string) string {
	if r.Port == "" {
		return r.Scheme + "://" + host
	}
	return r.Scheme + "://" + host + ":" + r.Port
}

// upstreamURI is what Kong would log as upstream_uri: the client's query follows
// where the path has none of its own.
func (r *Request) upstreamURI() string {
	_, query, found := strings.Cut(r.URI, "?")
	if r.Upstream == "" || !found || strings.Contains(r.Upstream, "?") {
		return r.Upstream
	}
	return r.Upstream + "?" + query
}
