package piilogscrub

import (
	"errors"
	"time"

	pdk "github.com/Kong/go-pdk"
	"google.golang.org/protobuf/types/known/structpb"
)

// sharedKey is where the rewrite phase says in kong.ctx.shared that it was
// there, so that the access phase need not do its work again.
const sharedKey = "gatehouse.scrub"

// Rewrite replaces what log plugins will write of the request. Kong calls it
// where the plugin is enabled globally, for every request.
func (c *Config) Rewrite(kong *pdk.PDK) {
	defer c.timed("rewrite", c.runtime.now())
	err := errors.Join(c.replaceRequest(kong), kong.Ctx.SetShared(sharedKey, true))
	if err != nil {
		c.Failed(kong, err)
	}
}

// Access replaces what is not known before a route is matched, and, where no
// rewrite phase ran, the rest.
func (c *Config) Access(kong *pdk.PDK) {
	defer c.timed("access", c.runtime.now())
	if err := c.access(kong); err != nil {
		c.Failed(kong, err)
	}
}

func (c *Config) access(kong *pdk.PDK) error {
	done, err := kong.Ctx.GetSharedAny(sharedKey)
	if err != nil {
		return err
	}
	if done != true {
		return c.replaceRequest(kong)
	}
	r, err := c.runtime.source.read(kong, c.runtime.now())
	if err != nil {
		return err
	}
	return setSerialized(kong, upstreamKey, c.upstreamURI(r))
}

func (c *Config) replaceRequest(kong *pdk.PDK) error {
	r, err := c.runtime.source.read(kong, c.runtime.now())
	if err != nil {
		return err
	}
	if r.headers, err = requestHeaders(kong); err != nil {
		return err
	}
	for _, f := range c.serialized(r) {
		if err := setSerialized(kong, f.key, f.value); err != nil {
			return err
		}
	}
	return nil
}

// Failed drops everything that log plugins would write of the request. It is
// called where a phase fails or panics: the text is lost, never passed.
func (c *Config) Failed(kong *pdk.PDK, err error) {
	c.runtime.logger.Error("scrub request", "error", err)
	for _, key := range textKeys {
		if err := setSerialized(kong, key, dropped(key)); err != nil {
			c.runtime.logger.Error("drop log field", "error", err)
			return
		}
	}
	c.runtime.metrics.drops.WithLabelValues("request").Inc()
}

// Log writes the audit record.
func (c *Config) Log(kong *pdk.PDK) {
	if c.Audit == off {
		return
	}
	defer c.timed("log", c.runtime.now())
	outcome := "written"
	if err := c.audit(kong); err != nil {
		outcome = "failed"
		c.runtime.logger.Error("write audit record", "error", err)
	}
	c.runtime.metrics.audits.WithLabelValues(outcome).Inc()
}

func (c *Config) timed(phase string, began time.Time) {
	c.runtime.metrics.seconds.WithLabelValues(phase).Observe(c.runtime.now().Sub(began).Seconds())
}

// dropped is the marker in place of a field, of the field's own type.
func dropped(key string) *structpb.Value {
	if key == queryKey || key == headersKey {
		return structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
			"dropped": structpb.NewStringValue(droppedMarker),
		}})
	}
	return structpb.NewStringValue(droppedMarker)
}
