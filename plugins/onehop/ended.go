package onehop

import (
	"fmt"
	"math"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// Where nginx's access line tells how a request ended, no log event is needed:
// the access phase remembers what the line does not say, and the line brings the
// rest.

// remember keeps what Kong knows of the request until its line arrives. It asks
// Kong for what no section has asked for.
func (c *Config) remember(e *kongrequest.Event, known call) {
	if !c.wantsEnd(&known) {
		return
	}
	known.config, known.began = c, c.runtime.options.Now()
	err := c.runtime.part(sectionEvent, func() error {
		if err := known.readRequest(e); err != nil || known.done != "" {
			return err // what Kong knows is not known in the rewrite phase
		}
		return known.readKong(e, c.runtime.services)
	})
	if err == nil {
		c.runtime.calls.put(&known)
		c.runtime.giveUp(c.runtime.options.Now())
	}
}

// wantsEnd reports whether anybody wants to know how the request ends.
func (c *Config) wantsEnd(known *call) bool {
	return c.PIILogScrub != nil && c.PIILogScrub.Audits() ||
		c.TraceInject != nil && known.traced && c.TraceInject.Wanted(known.trace)
}

// readRequest reads what the line would say as well, for a line that is lost.
func (k *call) readRequest(e *kongrequest.Event) (err error) {
	for v, field := range map[kongrequest.Variable]*string{
		kongrequest.RequestID: &k.record.Request.ID, kongrequest.Method: &k.record.Request.Method,
		kongrequest.RequestURI: &k.record.Request.URI, kongrequest.RemoteAddr: &k.record.ClientIP,
	} {
		if *field, err = e.Var(v); err != nil {
			return fmt.Errorf("read %v: %w", v, err)
		}
	}
	return nil
}

// readKong reads what only Kong knows.
func (k *call) readKong(e *kongrequest.Event, services *serviceNames) error {
	route, err := e.Route()
	if err != nil {
		return err
	}
	k.record.Route.ID, k.record.Route.Name, k.record.Route.Paths = route.Id, route.Name, route.Paths
	k.record.Service.ID = route.Service.Id
	if k.record.Service.Name, err = services.name(e, route.Service.Id); err != nil {
		return err
	}
	consumer, err := e.Consumer()
	if err != nil {
		return err
	}
	k.record.Consumer.ID, k.record.Consumer.Username, k.record.Consumer.CustomID = consumer.Id, consumer.Username, consumer.CustomId
	if k.record.Credential.ID, err = e.Credential(); err != nil {
		return err
	}
	k.token, err = e.Token()
	return err
}

// Ended tells the runtime of a request that is over, as nginx's access line does.
func (r *Runtime) Ended(end *kongrequest.Record) {
	r.giveUp(r.options.Now())
	known := r.calls.take(end.Request.ID)
	if known == nil {
		r.metrics.lines.WithLabelValues("unmatched").Inc()
		return
	}
	r.metrics.lines.WithLabelValues("matched").Inc()
	known.end(end)
}

// end writes the audit record and exports the span.
func (k *call) end(end *kongrequest.Record) {
	end.Route, end.Service, end.Consumer, end.Credential = k.record.Route, k.record.Service, k.record.Consumer, k.record.Credential
	if k.traced {
		end.TraceID = k.trace.Context.TraceID.String()
	}
	c := k.config
	if c.PIILogScrub != nil {
		_ = c.runtime.part(sectionScrub, func() error { c.PIILogScrub.AuditEnded(end, k.token); return nil })
	}
	if c.TraceInject != nil && k.traced {
		_ = c.runtime.part(sectionTrace, func() error { return c.TraceInject.Export(k.trace, end) })
	}
}

// giveUp ends the calls whose line has not come for too long.
func (r *Runtime) giveUp(now time.Time) {
	for lost := r.calls.takeOldest(now); lost != nil; lost = r.calls.takeOldest(now) {
		r.lose(lost, now)
	}
}

// lose ends a call whose line is lost: its audit record says so.
func (r *Runtime) lose(lost *call, now time.Time) {
	r.metrics.lostLines.Inc()
	end := lost.record
	end.Source = "unknown"
	end.StartedAt = float64(lost.began.UnixMilli())
	end.Latencies = kongrequest.Latencies{Request: math.Round(now.Sub(lost.began).Seconds() * 1000), Proxy: -1}
	lost.end(&end)
	if last := r.saidLost.Load(); now.UnixNano()-last >= int64(time.Second) && r.saidLost.CompareAndSwap(last, now.UnixNano()) {
		r.options.Logger.Error("requests without an access line: how they ended is not in their audit records",
			"plugin", Name, "waiting", r.calls.len())
	}
}
