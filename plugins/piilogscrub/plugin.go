package piilogscrub

import (
	"time"

	pdk "github.com/Kong/go-pdk"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
)

// sharedKey is where the rewrite phase says in kong.ctx.shared that it was
// there, so that the access phase need not do its work again.
const sharedKey = "gatehouse.scrub"

// Bind makes a config that was not made by New run on this runtime.
func (r *Runtime) Bind(c *Config) { c.runtime = r }

// Rewrite replaces what log plugins will write of the request. Kong calls it
// where the plugin is enabled globally, for every request.
func (c *Config) Rewrite(kong *pdk.PDK) {
	c.runtime.rewrites.Store(true)
	c.RewriteEvent(c.runtime.source.Open(kong))
	if err := kong.Ctx.SetShared(sharedKey, true); err != nil {
		c.Failed(kong, err)
	}
}

// RewriteEvent is the rewrite phase, without telling the access phase of it.
func (c *Config) RewriteEvent(e *kongrequest.Event) {
	defer c.timed("rewrite", c.runtime.now())
	if c.degraded {
		c.drop(e.Kong(), textKeys[:]...)
		return
	}
	if err := c.replaceRequest(e); err != nil {
		c.Failed(e.Kong(), err)
	}
}

// Access replaces what is not known before a route is matched, and, where no
// rewrite phase ran, the rest.
func (c *Config) Access(kong *pdk.PDK) {
	rewritten := false
	if c.runtime.rewrites.Load() {
		done, err := kong.Ctx.GetSharedAny(sharedKey)
		if err != nil {
			c.Failed(kong, err)
			return
		}
		rewritten = done == true
	}
	c.AccessEvent(c.runtime.source.Open(kong), rewritten)
}

// AccessEvent is the access phase. rewritten says that a rewrite phase ran.
func (c *Config) AccessEvent(e *kongrequest.Event, rewritten bool) {
	defer c.timed("access", c.runtime.now())
	switch {
	case c.degraded && rewritten:
		c.drop(e.Kong(), upstreamKey)
		return
	case c.degraded:
		c.drop(e.Kong(), textKeys[:]...)
		return
	}
	replace := c.replaceRequest
	if rewritten {
		replace = c.replaceUpstream
	}
	if err := replace(e); err != nil {
		c.Failed(e.Kong(), err)
	}
}

func (c *Config) replaceUpstream(e *kongrequest.Event) error {
	r, err := readRequest(e)
	if err != nil {
		return err
	}
	return kongwrite.SetLogFields(e.Kong(), c.upstreamURI(r))
}

func (c *Config) replaceRequest(e *kongrequest.Event) error {
	r, err := readRequest(e)
	if err != nil {
		return err
	}
	if r.headers, err = requestHeaders(e.Kong()); err != nil {
		return err
	}
	return kongwrite.SetLogFields(e.Kong(), c.serialized(r)...)
}

// Failed drops everything that log plugins would write of the request. It is
// called where a phase fails or panics: the text is lost, never passed.
func (c *Config) Failed(kong *pdk.PDK, err error) {
	c.runtime.logger.Error("scrub request", "error", err)
	c.drop(kong, textKeys[:]...)
}

// drop leaves log plugins the marker in place of what they would write.
func (c *Config) drop(kong *pdk.PDK, keys ...string) {
	for _, key := range keys {
		if err := kongwrite.SetLogFields(kong, dropped(key)); err != nil {
			c.runtime.logger.Error("drop log field", "error", err)
			return
		}
	}
	c.runtime.metrics.drops.WithLabelValues("request").Inc()
}

// Log writes the audit record.
func (c *Config) Log(kong *pdk.PDK) { c.LogEvent(c.runtime.source.Open(kong)) }

// LogEvent is the log phase.
func (c *Config) LogEvent(e *kongrequest.Event) {
	c.auditBy(func() error { return c.audit(e) })
}

// Audits reports whether there is an audit record of each call.
func (c *Config) Audits() bool { return c.Audit != off }

// AuditEnded writes the audit record of a request that is over, of which nobody
// knows the response's headers. token is the one that Kong verified, or nil.
func (c *Config) AuditEnded(r *kongrecord.Record, token *identity.Token) {
	c.auditBy(func() error { return c.WriteAudit(r, token, nil) })
}

func (c *Config) auditBy(write func() error) {
	if !c.Audits() {
		return
	}
	defer c.timed("log", c.runtime.now())
	outcome := "written"
	if err := write(); err != nil {
		outcome = "failed"
		c.runtime.logger.Error("write audit record", "error", err)
	}
	c.runtime.metrics.audits.WithLabelValues(outcome).Inc()
}

func (c *Config) timed(phase string, began time.Time) {
	c.runtime.metrics.seconds.WithLabelValues(phase).Observe(c.runtime.now().Sub(began).Seconds())
}

// dropped is the marker in place of a field, of the field's own type.
func dropped(key string) kongwrite.LogField {
	marker := structpb.NewStringValue(droppedMarker)
	if key == queryKey || key == headersKey {
		marker = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"dropped": marker}})
	}
	return kongwrite.LogField{Key: key, Value: marker}
}
