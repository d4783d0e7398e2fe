package piilogscrub

import (
	"fmt"
	"strings"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// request is what a client sent, as Kong's serializer would log it.
type request struct {
	clientIP, scheme, host, port string
	uri                          string // path and query, as they came
	upstream                     string // the path towards the service; empty before routing
	headers                      map[string][]string
}

// query is the query string, without its '?'.
func (r *request) query() string {
	_, query, _ := strings.Cut(r.uri, "?")
	return query
}

// upstreamURI is what Kong would log as upstream_uri: the client's query follows
// where the path has none of its own.
func (r *request) upstreamURI() string {
	_, query, found := strings.Cut(r.uri, "?")
	if r.upstream == "" || !found || strings.Contains(r.upstream, "?") {
		return r.upstream
	}
	return r.upstream + "?" + query
}

// readRequest reads all of the request but its headers.
func readRequest(e *kongrequest.Event) (*request, error) {
	r := new(request)
	for _, part := range [...]struct {
		variable kongrequest.Variable
		value    *string
	}{
		{kongrequest.RemoteAddr, &r.clientIP}, {kongrequest.Scheme, &r.scheme},
		{kongrequest.Host, &r.host}, {kongrequest.ServerPort, &r.port},
		{kongrequest.RequestURI, &r.uri}, {kongrequest.UpstreamURI, &r.upstream},
	} {
		var err error
		if *part.value, err = e.Var(part.variable); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// maxHeaders is how many headers Kong's serializer logs.
const maxHeaders = 100

// requestHeaders reads the request's headers, by lower-case name.
func requestHeaders(kong *pdk.PDK) (map[string][]string, error) {
	headers, err := kong.Request.GetHeaders(maxHeaders)
	if err != nil {
		return nil, fmt.Errorf("read request headers: %w", err)
	}
	return headers, nil
}
