package auditlog

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditchain"
)

// The targets that are no file.
const (
	Stdout = "stdout"
	OTLP   = "otlp"
)

// DefaultRetentionDays is how long rotated files are kept: 90 days, of which PCI
// DSS 10.5.1 wants three months at hand.
const DefaultRetentionDays = 90

const maxRetentionDays = 3660

// Options say where records go.
type Options struct {
	// Target is [Stdout], [OTLP], or the path of a file. Default: [Stdout].
	Target string
	// Stdout gets the lines where the target is [Stdout]; one write is one whole
	// line, and writes come from many goroutines. Required then.
	Stdout io.Writer
	// RetentionDays is how long rotated files are kept. Default
	// [DefaultRetentionDays]; at most 3660.
	RetentionDays int
	// ServiceName is the service.name of OTLP records. Default: gatehouse-gateway.
	ServiceName string
	// ChainKey, if set, has lines chained, and signed with it: see package auditchain.
	// Not for [OTLP].
	ChainKey *auditchain.Key
	// QueueSize bounds the OTLP records in memory, some 2 kB each; past it they
	// are lost, and counted. Default 4096.
	QueueSize int
	// Registerer gets the metrics. Default: none.
	Registerer prometheus.Registerer
	// Logger gets failures to export. Default: discarded.
	Logger *slog.Logger
}

// Log is an open target. It is safe for concurrent use.
type Log struct {
	slog.Handler
	close func(context.Context) error
}

// Open opens the target. It reaches out to no receiver yet, but a file is opened
// at once, so that a path that cannot be written to is an error here and not
// with the first record.
func Open(o Options) (*Log, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.RetentionDays == 0 {
		o.RetentionDays = DefaultRetentionDays
	}
	if o.RetentionDays < 1 || o.RetentionDays > maxRetentionDays {
		return nil, fmt.Errorf("audit retention of %d days: use 1 to %d", o.RetentionDays, maxRetentionDays)
	}
	switch o.Target {
	case "", Stdout:
		return openLines(o, o.Stdout, func() error { return nil }), nil
	case OTLP:
		if o.ChainKey != nil {
			return nil, fmt.Errorf("audit log %s has no chain, since its receiver stores no lines: use %s or a file, or take the chain's key away", OTLP, Stdout)
		}
		return openOTLP(o)
	}
	return openFile(o)
}

// Close writes what is queued, for as long as ctx allows, and closes the target.
func (l *Log) Close(ctx context.Context) error { return l.close(ctx) }

// NewHandler writes records as JSON lines without a level and a message.
func NewHandler(w io.Writer) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
			return slog.Attr{}
		}
		return a
	}})
}
