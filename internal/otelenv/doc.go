// Package otelenv sets up the export of spans by the environment variables of the
// OpenTelemetry specification: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.
// The SDK, autoexport and autoprop read them. What is here says when spans are exported at
// all, and finds the values that those three would pass over in silence: such a value ends
// the start, in one line that names the variable, the value and what to write.
package otelenv
