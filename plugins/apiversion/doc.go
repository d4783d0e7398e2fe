// Package apiversion is the Kong plugin "api-version": one path, several versions of an API,
// and the client says which it can read. Before Kong looks for a route the plugin negotiates
// the version (RFC 9110, section 12: Accept with its weights, lists and wildcards, or a
// header that names one) and writes it into a request header, which routes match on. Who
// can read none of the versions gets 406 with the list of them.
//
// It works as a global plugin only: others have no rewrite phase, and after it the route is
// chosen already. It fails open: a request of which Kong cannot say what it accepts goes on
// without a version.
package apiversion
