package main

import (
	"context"
	"log/slog"

	"github.com/go-logr/logr"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel"
)

// quietLibraries keeps libraries from writing text of their own among the JSON lines.
func quietLibraries(logger *slog.Logger) {
	redis.SetLogger(silent{})
	otel.SetLogger(logr.FromSlogHandler(logger.Handler()))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Error("OpenTelemetry", "error", err) }))
}

// silent takes the place of go-redis' own logger, which prints a line for each failed
// dial; the limiter says once that Redis is away, and once that it is back.
type silent struct{}

// Printf implements go-redis' logging interface.
func (silent) Printf(context.Context, string, ...any) {}
