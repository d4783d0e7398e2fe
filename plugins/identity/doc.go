// Package identity says who is asking: for limits, for the audit record, for the end
// of an API version and for the service behind the gateway. It believes only what
// Kong has verified: the token that its jwt plugin accepted, and the consumer that an
// auth plugin authenticated. Nothing that a client sends on its own becomes a tenant,
// a user or a consumer.
//
// It knows no Kong. The package kongrequest gathers the [Evidence], [Resolve] makes a
// [Principal] of it, and the package identitytest has a table of tokens and consumers
// that every plugin is tested with.
package identity
