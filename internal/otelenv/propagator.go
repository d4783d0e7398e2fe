package otelenv

import (
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/contrib/propagators/autoprop"
	"go.opentelemetry.io/otel/propagation"
)

// Propagator reads and writes the headers that OTEL_PROPAGATORS names, with commas between
// several; without it those of W3C Trace Context and Baggage.
func Propagator() (propagation.TextMapPropagator, error) {
	value := os.Getenv("OTEL_PROPAGATORS")
	if value == "" {
		value = "tracecontext,baggage"
	}
	p, err := autoprop.TextMapPropagator(strings.Split(value, ",")...)
	if err != nil {
		return nil, fmt.Errorf("OTEL_PROPAGATORS is %q: set it to some of tracecontext, baggage, b3, b3multi, jaeger, xray, ottrace, none, with commas between them: %w", value, err)
	}
	return p, nil
}
