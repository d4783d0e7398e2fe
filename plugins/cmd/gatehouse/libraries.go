package main

import (
	"log/slog"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
)

// quietLibraries keeps OpenTelemetry from writing text of its own among the JSON lines.
// Package redisurl does so with go-redis.
func quietLibraries(logger *slog.Logger) {
	otel.SetLogger(logr.FromSlogHandler(logger.Handler()))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Error("OpenTelemetry", "error", err) }))
}
