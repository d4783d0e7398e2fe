package audit

import (
	"context"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/refusals"
)

// fault is a row, once for each arrangement of the plugins.
type fault struct {
	name string
	what string
	// asked says that it takes minutes: it runs only where it is named.
	asked bool
	// lacks is what this machine lacks for it, nil or "" if nothing.
	lacks   func() string
	to      string                              // where records go; default toStdout
	env     map[string]string                   // of Kong and the plugin server
	prepare func(t *trial) error                // before the start
	run     func(context.Context, *trial) error // until all requests are answered
}

var faults = []fault{
	{name: "none", what: "at rest", run: atRest},
	{name: "refused", what: "requests that nginx refuses", run: refused},
	{name: "kill-slow", what: "SIGKILL of serve, 100 slow requests in flight", run: inFlightOf(syscall.SIGKILL)},
	{name: "kill-load", what: "SIGKILL of serve under load, 3 times", run: underLoad(syscall.SIGKILL)},
	{name: "term-slow", what: "SIGTERM of serve, 100 slow requests in flight", run: inFlightOf(syscall.SIGTERM)},
	{name: "term-load", what: "SIGTERM of serve under load, 3 times", run: underLoad(syscall.SIGTERM)},
	{name: "long", what: "a response of 315 s", asked: true, run: long},
	{name: "otlp-away", what: "the collector is away for 10 s", to: toOTLP, run: collectorAway},
	{name: "otlp-hang", what: "the collector hangs at the end", to: toOTLP, run: collectorHangs},
	{name: "file-full", what: "the disk is full for a while", to: toFile, lacks: mounts, prepare: smallDisk, run: diskFull},
	{name: "file-removed", what: "the file is removed", to: toFile, run: fileRemoved},
	{name: "file-moved", what: "the file is moved, and gone 2 s later", to: toFile, run: fileMoved},
	{name: "file-rename", what: "the rotation's rename is refused", to: toFile, lacks: mounts, prepare: fixedFile, run: atRest},
	{name: "kong-quit", what: "SIGQUIT of Kong under load", run: kongEnds(syscall.SIGQUIT)},
	{name: "kong-term", what: "SIGTERM of Kong under load", run: kongEnds(syscall.SIGTERM)},
	{name: "queue-10", what: "a kernel queue of 10 lines", lacks: ownNetwork, prepare: shortQueue, run: atRest},
}

// atRest is a load and nothing else.
func atRest(ctx context.Context, t *trial) error {
	startLoad(ctx, t.gate.Proxy, atLeast, 0).wait()
	return ctx.Err()
}

// refused sends each kind of refused request, over and over.
func refused(ctx context.Context, t *trial) error {
	var running sync.WaitGroup
	turns := make(chan refusals.Refusal)
	for range clients {
		running.Go(func() {
			for r := range turns {
				_, _ = r.Send(ctx, t.gate.Proxy) // nginx's own log tells
			}
		})
	}
	for n := range atLeast {
		turns <- refusals.All[n%len(refusals.All)]
	}
	close(turns)
	running.Wait()
	return ctx.Err()
}

// inFlightOf sends the plugin server a signal while slow requests are under way, after a
// load.
func inFlightOf(sig syscall.Signal) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		if err := atRest(ctx, t); err != nil {
			return err
		}
		wait, err := startSlow(ctx, t.gate.Proxy, t.upstream)
		defer wait()
		if err != nil {
			return err
		}
		return t.signalServer(sig)
	}
}

// underLoad sends the plugin server a signal several times in the course of a load.
func underLoad(sig syscall.Signal) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		l := startLoad(ctx, t.gate.Proxy, atLeast, 0)
		defer l.wait()
		for part := range int64(3) {
			if err := l.reached(ctx, (part+1)*atLeast/4); err != nil {
				return err
			}
			if err := t.signalServer(sig); err != nil {
				return err
			}
		}
		return nil
	}
}

// long is a response that takes longer than its access line is waited for.
func long(ctx context.Context, t *trial) error {
	l := startLoad(ctx, t.gate.Proxy, atLeast, overdue/atLeast) // lines come all the time
	defer l.wait()
	get(ctx, &http.Client{}, "http://"+t.gate.Proxy+"/orders/long")
	return ctx.Err()
}

// kongEnds ends Kong in mid-load.
func kongEnds(sig syscall.Signal) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		most := int64(2 * atLeast)
		l := startLoad(ctx, t.gate.Proxy, most, 0)
		defer l.wait()
		if err := l.reached(ctx, atLeast); err != nil {
			return err
		}
		t.gate.End(sig)
		return nil
	}
}

// collectorAway has a thousand requests a second for 20 s, for 10 of which nobody takes
// their records.
func collectorAway(ctx context.Context, t *trial) error {
	l := startLoad(ctx, t.gate.Proxy, 2*atLeast, time.Millisecond)
	defer l.wait()
	if err := l.reached(ctx, atLeast/4); err != nil {
		return err
	}
	return t.collector.away(ctx, 10*time.Second)
}

// collectorHangs has the collector take nothing of the last records. Kong is ended while
// it hangs.
func collectorHangs(ctx context.Context, t *trial) error {
	l := startLoad(ctx, t.gate.Proxy, atLeast, time.Millisecond)
	err := l.reached(ctx, atLeast*3/4)
	t.collector.hang()
	l.wait()
	t.gate.End(syscall.SIGQUIT)
	return err
}
