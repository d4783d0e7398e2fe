package auditlog

import (
	"cmp"
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

// The other defaults, and what the options may be at most.
const (
	DefaultMaxMegabytes = 256
	DefaultQueueSize    = 4096

	MaxRetentionDays = 3660
	MaxMegabytes     = 1 << 20
	MaxQueueSize     = 1 << 20
)

// Options say where records go.
type Options struct {
	// Target is [Stdout], [OTLP], or the path of a file. Default: [Stdout].
	Target string
	// Stdout gets the lines where the target is [Stdout]; one write is one whole
	// line, and writes come from many goroutines. Required then.
	Stdout io.Writer
	// RetentionDays is how long rotated files are kept. Default
	// [DefaultRetentionDays]; at most [MaxRetentionDays].
	RetentionDays int
	// MaxMegabytes is where a day's file is rotated before the day is over, in MiB.
	// Default [DefaultMaxMegabytes]; at most [MaxMegabytes].
	MaxMegabytes int
	// ServiceName is the service.name of OTLP records. Default: gatehouse-gateway.
	ServiceName string
	// ChainKey, if set, has lines chained, and signed with it: see package auditchain.
	// Not for [OTLP].
	ChainKey *auditchain.Key
	// QueueSize bounds the OTLP records in memory, some 2 kB each; past it they
	// are lost, and counted. Default [DefaultQueueSize]; at most [MaxQueueSize].
	QueueSize int
	// WaitingFile is where an [OTLP] queue writes how many records wait in it, for the
	// next process: one that is killed loses them. Default: none, and then nobody knows.
	WaitingFile string
	// Registerer gets the metrics. Default: none.
	Registerer prometheus.Registerer
	// Logger gets failures to export, to rotate and to remove. Default: discarded.
	Logger *slog.Logger
}

// Log is an open target. It is safe for concurrent use.
type Log struct {
	slog.Handler
	broken func() error
	close  func(context.Context) error
	// handOver is nil where there is nothing to hand over.
	handOver func()
}

// Open opens the target. It reaches out to no receiver yet, but a file is opened
// at once, so that a path that cannot be written to is an error here and not
// with the first record.
func Open(o Options) (*Log, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	l, err := open(o)
	if err != nil || o.Registerer == nil {
		return l, err
	}
	if err := o.Registerer.Register(brokenGauge(l)); err != nil {
		return nil, fmt.Errorf("register audit metrics: %w", err)
	}
	return l, nil
}

func (o Options) withDefaults() (Options, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.RetentionDays = cmp.Or(o.RetentionDays, DefaultRetentionDays)
	o.MaxMegabytes = cmp.Or(o.MaxMegabytes, DefaultMaxMegabytes)
	o.QueueSize = cmp.Or(o.QueueSize, DefaultQueueSize)
	switch {
	case o.RetentionDays < 1 || o.RetentionDays > MaxRetentionDays:
		return o, fmt.Errorf("audit retention of %d days: use 1 to %d", o.RetentionDays, MaxRetentionDays)
	case o.MaxMegabytes < 1 || o.MaxMegabytes > MaxMegabytes:
		return o, fmt.Errorf("audit file of %d MiB: use 1 to %d", o.MaxMegabytes, MaxMegabytes)
	case o.QueueSize < 1 || o.QueueSize > MaxQueueSize:
		return o, fmt.Errorf("audit queue of %d records: use 1 to %d", o.QueueSize, MaxQueueSize)
	}
	return o, nil
}

func open(o Options) (*Log, error) {
	switch o.Target {
	case "", Stdout:
		return openLines(o, o.Stdout, func() error { return nil }, func(context.Context) error { return nil }), nil
	case OTLP:
		if o.ChainKey != nil {
			return nil, fmt.Errorf("audit log %s has no chain, since its receiver stores no lines: use %s or a file, or take the chain's key away", OTLP, Stdout)
		}
		return openOTLP(o, nil)
	}
	return openFile(o)
}

func brokenGauge(l *Log) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gatehouse_audit_broken",
		Help: "1 while audit records cannot be written, or are dropped.",
	}, func() float64 {
		if l.Broken() != nil {
			return 1
		}
		return 0
	})
}

// Broken is why records are lost now, or nil: the last record could not be written to
// the file, or the receiver refuses records or has been away for too long. Of [Stdout]
// nothing is known. It does not wait.
func (l *Log) Broken() error {
	if err := l.broken(); err != nil {
		return fmt.Errorf("audit trail: %w", err)
	}
	return nil
}

// HandOver says that another process begins to write while this one still flushes.
func (l *Log) HandOver() {
	if l.handOver != nil {
		l.handOver()
	}
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
