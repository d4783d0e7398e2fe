package onehop

import (
	"fmt"
	"math"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// Where nginx's access line tells how a request ended, no log event is needed:
// the access phase remembers what the line does not say, and the line brings the
// rest.

// know asks Kong for all that will be remembered of the request, before anything
// is written: reads at the beginning of an event share one round trip. In the
// rewrite phase Kong knows neither who is asking nor the route.
func (c *Config) know(e *kongrequest.Event, rewrite bool) (known call) {
	if !c.runtime.options.AccessLines || !c.mayWantEnd() {
		return known
	}
	err := c.runtime.part(sectionEvent, func() error {
		if err := known.readRequest(e); err != nil || rewrite {
			return err
		}
		return known.readKong(e)
	})
	known.complete = err == nil
	return known
}

// remember keeps what is known of the request until its line arrives.
func (c *Config) remember(known *call) {
	if !known.complete || !c.wantsEnd(known) {
		return
	}
	known.config, known.began = c, c.runtime.options.Now()
	c.runtime.calls.put(known)
	c.runtime.giveUp(known.began)
}

// mayWantEnd reports whether anybody may want to know how the request ends, and
// wantsEnd whether somebody does.
func (c *Config) mayWantEnd() bool {
	return c.PIILogScrub != nil && c.PIILogScrub.Audits() || c.TraceInject != nil && c.TraceInject.Exports()
}

func (c *Config) wantsEnd(known *call) bool {
	return c.PIILogScrub != nil && c.PIILogScrub.Audits() ||
		c.TraceInject != nil && known.traced && c.TraceInject.Wanted(known.trace)
}

// readRequest reads what the line would say as well, for a line that is lost.
func (k *call) readRequest(e *kongrequest.Event) (err error) {
	r := &k.record
	for _, read := range []struct {
		variable kongrequest.Variable
		into     *string
	}{
		{kongrequest.RequestID, &r.Request.ID}, {kongrequest.Method, &r.Request.Method},
		{kongrequest.RequestURI, &r.Request.URI}, {kongrequest.RemoteAddr, &r.ClientIP},
	} {
		if *read.into, err = e.Var(read.variable); err != nil {
			return fmt.Errorf("read %v: %w", read.variable, err)
		}
	}
	return nil
}

// readKong reads what only Kong knows. What may be remembered comes last, so that an
// event begins with the same reads whether it is or not.
func (k *call) readKong(e *kongrequest.Event) (err error) {
	if k.token, err = e.Token(); err != nil {
		return err
	}
	if k.record.Credential.ID, err = e.Credential(); err != nil {
		return err
	}
	consumer, err := e.Consumer()
	if err != nil {
		return err
	}
	k.record.Consumer.ID, k.record.Consumer.Username, k.record.Consumer.CustomID = consumer.Id, consumer.Username, consumer.CustomId
	route, err := e.Route()
	if err != nil {
		return err
	}
	k.record.Route.ID, k.record.Route.Name, k.record.Route.Paths = route.Id, route.Name, route.Paths
	service, err := e.Service()
	k.record.Service.ID, k.record.Service.Name = service.Id, service.Name
	return err
}

// Ended tells the runtime of a request that is over, as nginx's access line does.
func (r *Runtime) Ended(end *kongrecord.Record) {
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
func (k *call) end(end *kongrecord.Record) {
	end.Route, end.Service, end.Consumer, end.Credential = k.record.Route, k.record.Service, k.record.Consumer, k.record.Credential
	end.Policies = k.record.Policies
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
	end.Latencies = kongrecord.Latencies{Request: math.Round(now.Sub(lost.began).Seconds() * 1000), Proxy: -1}
	lost.end(&end)
	if last := r.saidLost.Load(); now.UnixNano()-last >= int64(time.Second) && r.saidLost.CompareAndSwap(last, now.UnixNano()) {
		r.options.Logger.Error("requests without an access line: how they ended is not in their audit records",
			"plugin", Name, "waiting", r.calls.len())
	}
}
