// Package traceinject is the Kong plugin "trace-inject": it puts W3C Trace
// Context on every request that Kong proxies, and exports one OpenTelemetry
// server span for every request that Kong answers.
//
// Its priority puts it before Kong's auth plugins, so that a refused request
// is traced like any other. It fails open: without a collector, with a full
// queue or a lost connection, requests go on as they came.
package traceinject
