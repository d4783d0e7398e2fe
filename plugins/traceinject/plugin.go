package traceinject

import (
	"context"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// Rewrite puts a request in a trace for its log record alone, in case that Kong refuses it
// before its access phase, as where no route matches, and tells its client the trace id.
// Kong calls it where the plugin is enabled globally, for every request. The access phase
// decides anew, by the configuration that is the route's.
func (c *Config) Rewrite(kong *pdk.PDK) {
	if err := c.rewrite(c.runtime.source.Open(kong)); err != nil {
		c.runtime.logger.Warn("begin trace", "error", err)
	}
}

func (c *Config) rewrite(e *kongrequest.Event) error {
	tracer := c.Tracer()
	request, err := tracer.Read(e)
	if err != nil {
		return err
	}
	injection := tracer.Announce(request)
	if err := tracer.leave(e.Kong(), injection); err != nil {
		return err
	}
	return kongwrite.SetHeaders(e.Kong(), injection.Response, nil)
}

// Access is [Config.AccessContext] for servers that end no context.
func (c *Config) Access(kong *pdk.PDK) { c.AccessContext(context.Background(), kong) }

// AccessContext puts the trace on the upstream request, in the record that every log
// plugin writes (trace_id, span_id), on the response if so configured, and where
// the log phase finds it. A request whose client would take the trace away again is
// refused: tracing fails open, and this is no failure.
func (c *Config) AccessContext(ctx context.Context, kong *pdk.PDK) {
	if err := c.access(ctx, c.runtime.source.Open(kong)); err != nil {
		c.runtime.logger.Warn("inject trace", "error", err)
	}
}

func (c *Config) access(ctx context.Context, e *kongrequest.Event) error {
	tracer := c.Tracer()
	request, err := tracer.Read(e)
	if err != nil {
		return err
	}
	injection := tracer.Inject(request)
	if injection.Sampled {
		pluginserver.InTrace(ctx, injection.Trace.Context.TraceID.String())
	}
	if err := tracer.leave(e.Kong(), injection); err != nil {
		return err
	}
	if r := injection.Refusal; r != nil {
		e.Kong().Response.Exit(r.Status, r.Body, r.Headers)
		return nil
	}
	return kongwrite.SetHeaders(e.Kong(), injection.Response, injection.Upstream)
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
	if word := t.Outcome(i); word != "" {
		notes = append(notes, kongwrite.Decided(Name, word))
	}
	return kongwrite.SetLogFields(kong, notes...)
}

// Log exports the server span of a request.
func (c *Config) Log(kong *pdk.PDK) {
	if err := c.Tracer().Finish(c.runtime.source.Open(kong)); err != nil {
		c.runtime.logger.Warn("export span", "error", err)
	}
}
