package kongrequest

import (
	"strconv"
	"strings"
)

// The reads of an [Event] as a configuration declares them in its method Prefetch: a
// PDK method and its argument. Routes of configurations that are of a route, and
// services, are not to be declared: they are remembered between events.
var (
	ReadVars       = [2]string{"kong.nginx.get_var", Composite}
	ReadToken      = [2]string{"kong.ctx.shared.get", tokenKey}
	ReadConsumer   = [2]string{"kong.client.get_consumer"}
	ReadCredential = [2]string{"kong.client.get_credential"}
	ReadRoute      = [2]string{"kong.router.get_route"}
	ReadPath       = [2]string{"kong.request.get_path"}
	ReadHeaders    = [2]string{"kong.request.get_headers", strconv.Itoa(maxHeaders)}
	ReadRecord     = [2]string{"kong.log.serialize"}
)

// ReadShared is what another phase left in kong.ctx.shared.
func ReadShared(key string) [2]string { return [2]string{"kong.ctx.shared.get", key} }

// ReadHeader is [Event.Header].
func ReadHeader(name string) [2]string { return [2]string{"kong.nginx.get_var", headerVariable(name)} }

// headerVariable is nginx's name for a request header.
func headerVariable(name string) string {
	return "http_" + strings.ReplaceAll(strings.ToLower(name), "-", "_")
}
