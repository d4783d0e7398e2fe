package otelenv

import (
	"os"
	"strconv"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Batch says how spans wait for their export. The SDK has defaults of its own (5 s, 30 s,
// 2048 and 512); it reads the environment itself where no other are wanted.
type Batch struct {
	Delay     time.Duration // OTEL_BSP_SCHEDULE_DELAY: from one export to the next, at most
	Timeout   time.Duration // OTEL_BSP_EXPORT_TIMEOUT: for one batch, all tries included
	QueueSize int           // OTEL_BSP_MAX_QUEUE_SIZE: spans that wait, at most
	Size      int           // OTEL_BSP_MAX_EXPORT_BATCH_SIZE: spans in one batch, at most
}

// Over is b with what the environment says in place of its own. [Exporter] has found the
// values that are none.
func (b Batch) Over() Batch {
	b.Delay = time.Duration(number("OTEL_BSP_SCHEDULE_DELAY", int(b.Delay.Milliseconds()))) * time.Millisecond
	b.Timeout = time.Duration(number("OTEL_BSP_EXPORT_TIMEOUT", int(b.Timeout.Milliseconds()))) * time.Millisecond
	b.QueueSize = number("OTEL_BSP_MAX_QUEUE_SIZE", b.QueueSize)
	b.Size = number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", b.Size)
	return b
}

// Options are b for the SDK's batch processor.
func (b Batch) Options() []sdktrace.BatchSpanProcessorOption {
	return []sdktrace.BatchSpanProcessorOption{
		sdktrace.WithBatchTimeout(b.Delay),
		sdktrace.WithExportTimeout(b.Timeout),
		sdktrace.WithMaxQueueSize(b.QueueSize),
		sdktrace.WithMaxExportBatchSize(min(b.Size, b.QueueSize)),
	}
}

func number(name string, fallback int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return fallback
}
