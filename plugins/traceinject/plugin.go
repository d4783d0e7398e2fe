package traceinject

import (
	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
)

// sharedKey is where the rewrite phase says in kong.ctx.shared that it was there, so
// that the access phase need not do its work again.
const sharedKey = "gatehouse.traced"

// Rewrite does all that Access does. Kong calls it where the plugin is enabled globally,
// for every request: one that finds no route has no access phase, and is in a trace too.
func (c *Config) Rewrite(kong *pdk.PDK) {
	c.runtime.rewrites.Store(true)
	c.warn("inject trace", c.inject(c.runtime.source.Open(kong), true))
}

// Access puts the trace on the upstream request, in the record that every log
// plugin writes (trace_id, span_id), on the response if so configured, and where
// the log phase finds it.
func (c *Config) Access(kong *pdk.PDK) {
	done, err := c.rewritten(kong)
	if err == nil && !done {
		err = c.inject(c.runtime.source.Open(kong), false)
	}
	c.warn("inject trace", err)
}

// rewritten reports whether the rewrite phase did the work. That was another
// configuration where this one is not for all requests.
func (c *Config) rewritten(kong *pdk.PDK) (bool, error) {
	everywhere := c.RouteID == "" && c.ServiceID == "" && c.ConsumerID == ""
	if !everywhere || !c.runtime.rewrites.Load() {
		return false, nil
	}
	done, err := kong.Ctx.GetSharedAny(sharedKey)
	return done == true, err
}

// inject sets the headers last: an event that Kong runs again must see the client's.
func (c *Config) inject(e *kongrequest.Event, rewrite bool) error {
	tracer := c.Tracer()
	request, err := tracer.Read(e)
	if err != nil {
		return err
	}
	injection := tracer.Inject(request)
	if err := tracer.leave(e.Kong(), injection); err != nil {
		return err
	}
	if rewrite {
		if err := e.Kong().Ctx.SetShared(sharedKey, true); err != nil {
			return err
		}
	}
	return kongwrite.SetHeaders(e.Kong(), injection.Response, injection.Upstream)
}

func (c *Config) warn(what string, err error) {
	if err != nil {
		c.runtime.logger.Warn(what, "error", err)
	}
}

// leave says in which trace the request is to whoever reads its log record.
func (t *Tracer) leave(kong *pdk.PDK, i Injection) error {
	var notes []kongwrite.LogField
	if t.runtime.noLogPlugins {
		trace, err := i.Note()
		if err != nil {
			return err
		}
		notes = append(notes, trace)
	} else if err := i.Share(kong); err != nil {
		return err
	}
	if t.degraded {
		notes = append(notes, kongwrite.Decided(Name, kongrecord.Degraded))
	}
	return kongwrite.SetLogFields(kong, notes...)
}

// Log exports the server span of a request.
func (c *Config) Log(kong *pdk.PDK) {
	c.warn("export span", c.Tracer().Finish(c.runtime.source.Open(kong)))
}
