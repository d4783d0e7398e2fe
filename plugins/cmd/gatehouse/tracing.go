package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/internal/otelenv"
	"github.com/gatehousehq/gatehouse/internal/version"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/serverspan"
)

// newTracer exports spans as the variables of the OpenTelemetry specification say.
func newTracer(scrubber serverspan.Scrubber, logger *slog.Logger, registry prometheus.Registerer, noLogPlugins bool) (*traceinject.Runtime, error) {
	ctx := context.Background() // exporters reach out to nothing before there are spans
	exporter, err := otelenv.Exporter(ctx)
	if err != nil {
		return nil, err
	}
	resource, err := otelenv.Resource(ctx, "gatehouse-gateway", version.String())
	if err != nil {
		return nil, err
	}
	warnOfUnheeded(logger)
	return traceinject.NewRuntime(traceinject.Options{
		Exporter: exporter, Resource: resource, Batch: traceinject.DefaultBatch.Over(),
		Registerer: registry, Logger: logger, Scrubber: scrubber, NoLogPlugins: noLogPlugins,
	})
}

// unheeded are variables of the specification that have no say at the gateway, since a
// config of trace-inject has one, set or by its defaults.
var unheeded = []struct{ name, decider string }{
	{"OTEL_TRACES_SAMPLER", "sample_ratio and ignore_parent_sampled of trace-inject"},
	{"OTEL_TRACES_SAMPLER_ARG", "sample_ratio of trace-inject"},
	{"OTEL_PROPAGATORS", "propagation of trace-inject"},
}

func warnOfUnheeded(logger *slog.Logger) {
	for _, v := range unheeded {
		if value := os.Getenv(v.name); value != "" {
			logger.Warn("variable has no effect at the gateway", "variable", v.name, "value", value, "decided_by", v.decider)
		}
	}
}
