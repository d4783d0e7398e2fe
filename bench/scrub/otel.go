package scrub

import (
	"context"
	"fmt"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
)

// collector is the redaction processor of the OpenTelemetry Collector, with the
// patterns as blocked values. Each line is the body of a log record.
type collector struct{ logs processor.Logs }

func newCollector(ctx context.Context) (*collector, error) {
	factory := redactionprocessor.NewFactory()
	config := factory.CreateDefaultConfig().(*redactionprocessor.Config)
	config.AllowAllKeys, config.BlockedValues, config.Summary = true, patterns, "silent"
	settings := processor.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	logs, err := factory.CreateLogs(ctx, settings, config, consumertest.NewNop())
	if err != nil {
		return nil, fmt.Errorf("make the collector's redaction processor: %w", err)
	}
	return &collector{logs}, nil
}

// batch is one request's worth of records.
func batch(lines [][]byte) plog.Logs {
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, line := range lines {
		records.AppendEmpty().Body().SetStr(string(line))
	}
	return logs
}

// redact reads all lines once. The batch is made outside of the time that counts,
// as the processor changes it.
func (c *collector) redact(ctx context.Context, logs plog.Logs) error {
	if err := c.logs.ConsumeLogs(ctx, logs); err != nil {
		return fmt.Errorf("redact logs: %w", err)
	}
	return nil
}
