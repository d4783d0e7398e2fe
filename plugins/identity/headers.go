package identity

import "strings"

// The headers that carry a verified identity upstream.
const (
	TenantHeader = "X-Tenant-Id"
	UserHeader   = "X-User-Id"
	PlanHeader   = "X-Plan"
)

var issuedHeaders = []string{TenantHeader, UserHeader, PlanHeader}

// consumerHeaders are what Kong's auth plugins set, or remove, on every request
// that they let through, one for their anonymous consumer included.
var consumerHeaders = []string{
	"X-Consumer-ID", "X-Consumer-Custom-ID", "X-Consumer-Username",
	"X-Credential-Identifier", "X-Anonymous-Consumer",
}

// consumerPrefix begins headers of a consumer's that some of Kong's plugins set on some
// requests: acl writes X-Consumer-Groups unless it is told to hide it.
const consumerPrefix = "x-consumer-"

// groupHeaders are what acl, session and oauth2 set on some requests, likewise.
var groupHeaders = []string{"X-Authenticated-Groups", "X-Authenticated-Scope", "X-Authenticated-UserId"}

// SaysWho reports whether a header of that name says who is asking. Case does not count,
// and an underscore is a hyphen: so read CGI, WSGI and PHP, and Kong lets underscores in
// header names through.
func SaysWho(name string) bool {
	if name == "" || name[0] != 'x' && name[0] != 'X' { // most are none
		return false
	}
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return strings.HasPrefix(name, consumerPrefix) ||
		equalsAny(name, issuedHeaders) || equalsAny(name, consumerHeaders) || equalsAny(name, groupHeaders)
}

// Seen are the headers of a request that say who is asking, once Kong's auth plugins
// have run: theirs, and what the client wrote.
type Seen struct {
	// Names are their names, each in its spelling.
	Names []string
	// Sent are those of [Seen.Doubtful] that are as the client sent them.
	Sent []string
}

// origin is who wrote a header.
type origin int

const (
	ofClient origin = iota
	ofKong
	doubtful
)

// Doubtful are the names of headers that either a plugin of Kong's set or the client:
// only what the client sent tells.
func (s *Seen) Doubtful(authenticated, standIn bool) (names []string) {
	for _, name := range s.Names {
		if whose(name, authenticated, standIn) == doubtful {
			names = append(names, name)
		}
	}
	return names
}

// Foreign are the names of headers that the client wrote.
func (s *Seen) Foreign(authenticated, standIn bool) (names []string) {
	for _, name := range s.Names {
		switch whose(name, authenticated, standIn) {
		case ofClient:
			names = append(names, name)
		case doubtful:
			if equalsAny(name, s.Sent) {
				names = append(names, name)
			}
		}
	}
	return names
}

// whose knows that a request which nobody authenticated has no consumer. With a stand-in
// consumer for such requests, Kong has replaced the client's consumerHeaders by the
// stand-in's.
func whose(name string, authenticated, standIn bool) origin {
	switch {
	case strings.Contains(name, "_"), equalsAny(name, issuedHeaders):
		return ofClient
	case equalsAny(name, consumerHeaders):
		if authenticated || standIn {
			return ofKong
		}
		return ofClient
	case !authenticated && !standIn && !equalsAny(name, groupHeaders):
		return ofClient
	}
	return doubtful
}

// Upstream is the change to make to the upstream request's headers: a name
// with no values is removed. Those that the client wrote go always, whatever the case
// of their names; those that name a verified identity are set if issue is true.
func Upstream(p Principal, plan string, issue bool, foreign []string) map[string][]string {
	h := make(map[string][]string, len(foreign)+len(issuedHeaders))
	for _, name := range foreign {
		h[strings.ToLower(name)] = nil
	}
	if issue {
		setKnown(h, TenantHeader, p.Tenant)
		setKnown(h, UserHeader, p.User)
		setKnown(h, PlanHeader, ID{Value: plan})
	}
	return h
}

// setKnown leaves one entry for a name: Kong sets those of a table in no order.
func setKnown(h map[string][]string, name string, id ID) {
	if id.Known() && !id.Hashed {
		delete(h, strings.ToLower(name))
		h[name] = []string{id.Value}
	}
}

func equalsAny(name string, list []string) bool {
	for _, one := range list {
		if strings.EqualFold(name, one) {
			return true
		}
	}
	return false
}
