// Package issuers keeps the keys of token issuers in a form that Kong OSS knows: its jwt
// plugin reads no JWKS, so each key of an issuer becomes a jwt_secret whose key is the
// key's kid, in an overlay over kong.yaml.
//
// A round goes through these files:
//
//	file.go      which issuers there are, as an operator writes them
//	fetch.go     discovery document and JWKS, by HTTP or from a file: the edge
//	jwks.go      a JWKS becomes keys, each parsed and refused by itself
//	next.go      what was, what is published and the time become what is to be
//	overlay.go   the keys as an overlay, which is also what the next round remembers
//	sync.go      a round, once or on a schedule
//
// Nothing but fetch.go and sync.go touches network, files or time.
package issuers
