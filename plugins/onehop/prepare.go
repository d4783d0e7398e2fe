package onehop

import (
	"errors"
	"slices"
	"time"
)

// Provision checks every section and prepares it. Errors are the sections' own,
// each field with the section's name before it. What is wrong in one section leaves
// the others as they are.
func (c *Config) Provision() error {
	return c.hop.Provision(c.newHop)
}

// prepared is what Provision made. On a server that does not call it, as go-pdk's own,
// the first event does, and the sections with mistakes in them degrade.
func (c *Config) prepared() *hop {
	return c.hop.Get(c.newHop, func(h *hop, err error) {
		c.runtime.options.Logger.Error("the configuration has mistakes in it", "plugin", Name, "error", err)
		h.degrade(nil)
	})
}

// Degrade has the sections that Provision refused go their plugins' declared ways, each
// told of its own mistakes; the others are as they are. Of a configuration that could
// not be decoded it is not known which section is wrong, and all degrade.
func (c *Config) Degrade(err error) {
	if c.hop.Made() != nil {
		err = nil // Provision said it
	}
	_ = c.Provision() // which says what Degrade was told
	c.hop.Made().degrade(err)
}

// degrade degrades the sections with mistakes in them, and with undecoded, which is why
// the configuration could not be decoded, the others as well.
func (h *hop) degrade(undecoded error) {
	for _, s := range h.sections {
		mistake := h.mistakes[s.name]
		if mistake == nil {
			mistake = undecoded
		}
		if mistake != nil {
			_ = h.runtime.part(s.name, func() error { s.config.Degrade(mistake); return nil }) // a panic is reported
		}
	}
}

// Warnings are the sections' warnings, and the fields of one section that count for
// nothing because another section disagrees.
func (c *Config) Warnings() []error {
	h := c.prepared()
	warnings := slices.Clone(h.overruled)
	for _, s := range h.sections {
		if warner, ok := s.config.(interface{ Warnings() []error }); ok {
			for _, warning := range warner.Warnings() {
				warnings = append(warnings, prefixed(s.name, warning))
			}
		}
	}
	return warnings
}

// Deadline is how long an event may have to take: the limiter alone waits for
// somebody. Zero is as good as any.
func (c *Config) Deadline() time.Duration { return c.prepared().limitDeadline() }

// Close is the end of the configuration.
func (c *Config) Close() error {
	h := c.hop.Made()
	if h == nil {
		return nil // it was never used
	}
	c.runtime.everywhere.ended(h)
	var errs []error
	for _, s := range h.sections {
		errs = append(errs, s.config.Close())
	}
	return errors.Join(errs...)
}
