package onehop

import (
	"fmt"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// readAccess asks Kong for all that the sections decide by, and for what is kept of the
// request. Who is asking, and by which route, is asked for once: the event remembers.
func (ev *event) readAccess() {
	ev.readRewritten()
	ev.readKept(false)
	ev.readTrace()
	ev.readLimit()
	ev.readSunset()
}

// sharedKey is where the rewrite phase says in kong.ctx.shared which sections it
// ran: their names, with commas between. The access phase may be another
// configuration's, as where a route has one of its own beside the global one.
const sharedKey = "gatehouse.rewritten"

// readRewritten finds out what a rewrite phase did with this request. Where it cannot,
// the access phase does it all.
func (ev *event) readRewritten() {
	if !ev.hop.runtime.rewrites.Load() {
		return
	}
	_ = ev.part(sectionEvent, func() error {
		if ev.hop.runtime.options.AccessLines {
			id, err := ev.kong.Var(kongrequest.RequestID)
			if err != nil {
				return fmt.Errorf("read request id: %w", err)
			}
			if known := ev.hop.runtime.inFlight.find(id); known != nil {
				ev.rewritten = known
				return nil
			}
		}
		shared, err := ev.kong.Kong().Ctx.GetSharedAny(sharedKey)
		if err != nil {
			return fmt.Errorf("read what the rewrite phase did: %w", err)
		}
		ev.rewritten.ran, _ = shared.(string)
		return nil
	})
}

// readKept asks Kong for all that is kept of the request until its access line comes. In
// the rewrite phase Kong knows neither who is asking nor the route.
func (ev *event) readKept(rewrite bool) {
	if !ev.hop.runtime.options.AccessLines || !ev.hop.mayWantEnd() {
		return
	}
	err := ev.part(sectionEvent, func() error {
		if err := ev.request.readLine(ev.kong); err != nil || rewrite {
			return err
		}
		return ev.request.readKong(ev.kong)
	})
	ev.request.complete = err == nil
}

// readLine reads what the access line would say as well, for a line that is lost.
func (r *request) readLine(e *kongrequest.Event) (err error) {
	for _, read := range []struct {
		variable kongrequest.Variable
		into     *string
	}{
		{kongrequest.RequestID, &r.record.Request.ID}, {kongrequest.Method, &r.record.Request.Method},
		{kongrequest.RequestURI, &r.record.Request.URI}, {kongrequest.RemoteAddr, &r.record.ClientIP},
	} {
		if *read.into, err = e.Var(read.variable); err != nil {
			return fmt.Errorf("read %v: %w", read.variable, err)
		}
	}
	return nil
}

// readKong reads what only Kong knows.
func (r *request) readKong(e *kongrequest.Event) (err error) {
	if r.token, err = e.Token(); err != nil {
		return err
	}
	k := &r.record
	if k.Credential.ID, err = e.Credential(); err != nil {
		return err
	}
	consumer, err := e.Consumer()
	if err != nil {
		return err
	}
	k.Consumer.ID, k.Consumer.Username, k.Consumer.CustomID = consumer.Id, consumer.Username, consumer.CustomId
	route, err := e.Route()
	if err != nil {
		return err
	}
	k.Route.ID, k.Route.Name, k.Route.Paths = route.Id, route.Name, route.Paths
	// The service comes last: it may be remembered from another request, and so an event
	// begins with the same calls whether it is or not.
	service, err := e.Service()
	k.Service.ID, k.Service.Name = service.Id, service.Name
	return err
}

// readTrace reads what the client sent.
func (ev *event) readTrace() {
	tracer := ev.hop.trace
	if tracer == nil {
		return
	}
	_ = ev.part(sectionTrace, func() error {
		request, err := tracer.Read(ev.kong)
		if err == nil {
			ev.traceRequest = &request
		}
		return err
	})
}

// readSunset reads who calls. Where it cannot, the API version lives for this caller.
func (ev *event) readSunset() {
	if ev.hop.sunset == nil {
		return
	}
	_ = ev.part(sectionSunset, func() error {
		caller, err := ev.hop.sunset.Read(ev.kong)
		if err == nil {
			ev.caller = &caller
		}
		return err
	})
}
