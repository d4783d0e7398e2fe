package piilogscrub

import pdk "github.com/Kong/go-pdk"

// sharedKey is where the rewrite phase says in kong.ctx.shared that it was
// there, so that the access phase need not do its work again.
const sharedKey = "gatehouse.scrub"

// Rewrite replaces what log plugins will write of the request. Kong calls it
// where the plugin is enabled globally, for every request.
func (c *Config) Rewrite(kong *pdk.PDK) {
	s := c.Scrubber()
	c.runtime.rewrites.Store(true)
	s.Rewrite(c.runtime.source.Open(kong))
	if err := kong.Ctx.SetShared(sharedKey, true); err != nil {
		s.Failed(kong, err)
	}
}

// Access replaces what is not known before a route is matched, and, where no
// rewrite phase ran, the rest.
func (c *Config) Access(kong *pdk.PDK) {
	s, rewritten := c.Scrubber(), false
	if c.runtime.rewrites.Load() {
		done, err := kong.Ctx.GetSharedAny(sharedKey)
		if err != nil {
			s.Failed(kong, err)
			return
		}
		rewritten = done == true
	}
	s.Access(c.runtime.source.Open(kong), rewritten)
}

// Log writes the audit record.
func (c *Config) Log(kong *pdk.PDK) { c.Scrubber().Log(c.runtime.source.Open(kong)) }

// Failed drops everything that log plugins would write of the request. It is
// called where a phase fails or panics: the text is lost, never passed.
func (c *Config) Failed(kong *pdk.PDK, err error) { c.Scrubber().Failed(kong, err) }
