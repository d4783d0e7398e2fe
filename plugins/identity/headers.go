package identity

import (
	"maps"
	"strings"
)

// The headers that carry a verified identity upstream.
const (
	TenantHeader = "X-Tenant-Id"
	UserHeader   = "X-User-Id"
	PlanHeader   = "X-Plan"
)

// spellings are the identity headers in every way that a server which folds
// underscores into hyphens (CGI, WSGI, PHP) reads as the same name. Kong lets
// underscores in header names through.
var spellings = []string{
	TenantHeader, "X_Tenant-Id", "X-Tenant_Id", "X_Tenant_Id",
	UserHeader, "X_User-Id", "X-User_Id", "X_User_Id",
	PlanHeader, "X_Plan",
}

// Upstream is the change to make to the upstream request's headers: a name
// with no values is removed. Identity headers that the client sent go always.
// Those that name a verified identity are set if issue is true.
func Upstream(p Principal, plan string, issue bool) map[string][]string {
	h := maps.Clone(removed)
	if issue {
		setKnown(h, TenantHeader, p.Tenant)
		setKnown(h, UserHeader, p.User)
		setKnown(h, PlanHeader, ID{Value: plan})
	}
	return h
}

// removed is every spelling without a value.
var removed = func() map[string][]string {
	h := make(map[string][]string, len(spellings))
	for _, name := range spellings {
		h[name] = nil
	}
	return h
}()

func setKnown(h map[string][]string, name string, id ID) {
	if id.Known() && !id.Hashed {
		h[name] = []string{id.Value}
	}
}

// consumerHeaders are what Kong's auth plugins set, or remove, on every request
// that they let through, one for their anonymous consumer included.
var consumerHeaders = []string{
	"X-Consumer-ID", "X-Consumer-Custom-ID", "X-Consumer-Username",
	"X-Credential-Identifier", "X-Anonymous-Consumer",
}

// groupsHeader is set by Kong's acl plugin only where a consumer has groups.
const groupsHeader = "X-Consumer-Groups"

// Disowned are the headers to remove from a request that nobody authenticated:
// whatever claims a consumer. seen are the names that the client sent, in any
// spelling. With a stand-in consumer for anonymous requests, Kong has replaced
// the client's consumerHeaders by the stand-in's, and those stay.
func Disowned(seen []string, standIn bool) []string {
	names := []string{groupsHeader}
	if !standIn {
		names = append(names, consumerHeaders...)
	}
	for _, name := range seen {
		replaced := standIn && equalsAny(name, consumerHeaders)
		if claimsConsumer(name) && !replaced && !equalsAny(name, names) {
			names = append(names, name)
		}
	}
	return names
}

func claimsConsumer(name string) bool {
	folded := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return strings.HasPrefix(folded, "x-consumer-") ||
		folded == "x-credential-identifier" || folded == "x-anonymous-consumer"
}

func equalsAny(name string, list []string) bool {
	for _, one := range list {
		if strings.EqualFold(name, one) {
			return true
		}
	}
	return false
}
