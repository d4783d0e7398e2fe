package pluginserver

import (
	"cmp"
	"errors"
	"log/slog"
	"math"
	"runtime/debug"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/instrument"
)

// Options are a server's. The zero value is fit for production.
type Options struct {
	// Logger takes what goes wrong; nil discards it.
	Logger *slog.Logger
	// Meter makes the server's metrics; nil discards them.
	Meter instrument.Meter
	// DrainTimeout is how long running events may take to end when the server
	// stops. Default 10 s, as Kong's own workers are given on a quit.
	DrainTimeout time.Duration
	// MaxFrame bounds a frame in either direction, in bytes. Frames carry
	// bodies whole (kong.service.response.get_raw_body, response.exit), so
	// that it bounds these as well. Default 64 MiB. A call or a reply beyond it fails,
	// and the event goes on; an answer to the client beyond it becomes a 500. Any other
	// frame from Kong beyond it closes the connection.
	MaxFrame int
	// MaxConnections bounds the open connections. Beyond it none is accepted
	// until one closes: Kong's calls wait in the listener's backlog
	// meanwhile. To accept and close would make Kong start all instances anew
	// and run the event again at once, a storm at the worst moment. Default
	// 4096: sixteen workers with full pools (lua_socket_pool_size is 256), or
	// one with as many log timers as it runs at a time. Half of them are for events
	// that are not of the log phase: one of those beyond the other half is dropped.
	MaxConnections int
	// IdleInstance is how long an instance may have no event before it may be
	// closed; Kong starts it anew when it needs it. It keeps what Kong forgot
	// to close from piling up over months. Default 24 h.
	IdleInstance time.Duration
	// MaxInstances bounds the instances. When one more is started, those that
	// had no event for the longest are closed; Kong starts them anew should it
	// need them. Default 16384.
	MaxInstances int
	// InstanceDir is a directory, of this server's own, that keeps the started
	// configurations for the process that takes this one's place, so that Kong
	// goes on using the ids that it has. Configurations hold secrets: it is
	// made with mode 0700, and is best in memory. Default: none, and Kong starts
	// its instances anew.
	InstanceDir string
	// Handover passes the connections on to the process that takes this one's
	// place, and brings those of the process before. Default: none, and
	// connections are closed when the server stops.
	Handover *inherit.Handover
	// MaxEvents bounds the events of one plugin in one phase that are under way at once;
	// further ones wait. Handlers that were cut off do not count, see MaxAbandoned.
	// Default 1024.
	MaxEvents int
	// MaxAbandoned bounds the handlers of one plugin in one phase that were cut off
	// and still run. From then on they are not called, and the events go the plugin's
	// declared way; every five seconds one is tried, until one ends by itself.
	// Default 64.
	MaxAbandoned int
	// MaxGoroutines and MaxMemory, in bytes, are what the process may use. When it uses
	// more, and has served for a minute, Serve drains and returns [ErrReplace].
	// Default 100,000, and nine tenths of GOMEMLIMIT, or 4 GiB where that is not set.
	MaxGoroutines int
	MaxMemory     int64
	// Deadlines are an operator's, in place of those of plugins: by a plugin's name, or
	// by name and phase as in "tenant-rate-limit.log"; "*" is every plugin. 0 or
	// less is none. One for a plugin without a phase is not for its log phase. One that
	// names the plugin has the last word, also against a configuration's Deadline.
	Deadlines map[string]time.Duration
	// Ready is asked by /readyz, and must not wait: an error takes the node out of
	// rotation, and is what /readyz says. Default: none.
	Ready func() error
	// Troubles are asked for by /readyz, and must not wait: a line each of what is wrong and
	// does not keep the server from serving. Default: none.
	Troubles func() []string
	// Strict refuses a configuration that Kong would take but that an operator
	// would not understand: each field needs a json tag and a desc tag, and a
	// type that Kong can check. It is for one's own plugins.
	Strict bool
	// Profiling adds /debug/pprof/ to Handler. Profiles show what the process
	// works on: keep the address private.
	Profiling bool
}

func (o Options) withDefaults() (Options, error) {
	if min(o.DrainTimeout, o.IdleInstance) < 0 || o.MaxMemory < 0 ||
		min(o.MaxFrame, o.MaxConnections, o.MaxInstances, o.MaxEvents, o.MaxAbandoned, o.MaxGoroutines) < 0 {
		return o, errors.New("plugin server options: a bound is negative: use 0 for the default")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Meter == nil {
		o.Meter = instrument.Discard
	}
	o.DrainTimeout = cmp.Or(o.DrainTimeout, 10*time.Second)
	o.MaxFrame = cmp.Or(o.MaxFrame, 64<<20)
	o.MaxConnections = cmp.Or(o.MaxConnections, 4096)
	o.IdleInstance = cmp.Or(o.IdleInstance, 24*time.Hour)
	o.MaxInstances = cmp.Or(o.MaxInstances, 16384)
	o.MaxEvents = cmp.Or(o.MaxEvents, 1024)
	o.MaxAbandoned = cmp.Or(o.MaxAbandoned, 64)
	o.MaxGoroutines = cmp.Or(o.MaxGoroutines, 100_000)
	o.MaxMemory = cmp.Or(o.MaxMemory, defaultMemory())
	return o, nil
}

// defaultMemory is where memory has run out: nearly all that GOMEMLIMIT allows, or
// more than a plugin server has a use for.
func defaultMemory() int64 {
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		return limit / 10 * 9
	}
	return 4 << 30
}
