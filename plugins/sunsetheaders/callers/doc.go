// Package callers records who still calls an API version that is going to end: of each
// consumer, tenant and route the first and the last call, calls by day and by what became
// of them, and the products that the client says it is. Its readers write to people before
// the version ends.
//
// A [Recorder] counts in memory, and one goroutine of its own adds that to what Redis
// knows, every ten seconds. No request waits for it. Redis runs one script for each caller
// that was seen, and keeps four kilobytes of each at most.
//
// What is kept names people, or may: it ends by itself ([Kept] after the version), and at
// once by [Forget].
package callers
