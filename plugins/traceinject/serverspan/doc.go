// Package serverspan makes the OpenTelemetry server span of a request that is over.
package serverspan
