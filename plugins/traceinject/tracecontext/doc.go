// Package tracecontext reads and writes the two headers of W3C Trace Context,
// Level 1 (https://www.w3.org/TR/trace-context-1/) and Level 2
// (https://www.w3.org/TR/trace-context-2/).
//
// It holds rules only: no I/O, no clock, no randomness. Where the levels differ
// (the key of a tracestate member, the random flag) it follows Level 2, which
// accepts all that Level 1 accepts.
package tracecontext
