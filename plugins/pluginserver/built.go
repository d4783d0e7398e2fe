package pluginserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// built is a configuration that was made ready for events, as well as that went.
type built struct {
	config    any
	handlers  handlers
	failer    failer // nil if the configuration has no Failed
	deadlines [phaseCount]time.Duration
	prefetch  [phaseCount]*prefetch

	err    error // why it does not run as it is written, nil if it does
	usable bool  // its handlers can be called; without an error they always can
}

// errUnusable is what an event fails with whose configuration could not be started, and
// does not degrade.
var errUnusable = errors.New("the plugin's configuration cannot be used")

// build makes a configuration ready. bad is why the text is no configuration, if it is
// none. Whatever goes wrong, it returns something that events can use.
func (p *plugin) build(text []byte, bad error) *built {
	b := &built{}
	b.err = protect("start", func() error { return b.start(p, text, bad) })
	if b.err == nil {
		b.usable = true
		return b
	}
	if c, ok := b.config.(degrader); ok {
		failed := protect("degrade", func() error { c.Degrade(b.err); return b.use(p) })
		b.usable = failed == nil
		b.err = errors.Join(b.err, failed)
	}
	if !b.usable {
		b.failer = nil // it is the configuration's, too
	}
	return b
}

// start decodes and provisions a configuration.
func (b *built) start(p *plugin, text []byte, bad error) (err error) {
	b.config = p.New()
	if bad != nil {
		return bad
	}
	if err := json.Unmarshal(text, b.config); err != nil {
		return fmt.Errorf("decode config: %w", err)
	}
	if c, ok := b.config.(provisioner); ok {
		if err := c.Provision(); err != nil {
			return err
		}
	}
	if err := b.use(p); err != nil {
		return err
	}
	b.prefetch, err = prefetchOf(b.config, b.handlers)
	return err
}

// use finds out what the configuration has for events.
func (b *built) use(p *plugin) error {
	b.handlers = handlersOf(b.config)
	b.failer, _ = b.config.(failer)
	own := time.Duration(0)
	if c, ok := b.config.(deadliner); ok {
		own = c.Deadline()
	}
	b.deadlines = p.deadlines.with(own)
	return b.handlers.restrict(p.Phases)
}

// close ends the configuration.
func (b *built) close() error {
	c, ok := b.config.(closer)
	if !ok || !b.usable {
		return nil
	}
	return protect("close", c.Close)
}

// protect makes an error of a panic.
func protect(what string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%s: %w", what, newPanicError(v))
		}
	}()
	return f()
}
