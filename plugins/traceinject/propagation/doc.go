// Package propagation decides which trace a request is in: whether the gateway goes
// on with the client's trace, links to it or begins one of its own, whether the trace
// is recorded, and which headers say so to the service and to the client.
//
// It asks nobody: it takes what the client sent, and a source of random ids.
package propagation
