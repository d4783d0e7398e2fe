package traceinject

import (
	"fmt"
	"net/netip"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// Access puts the trace on the upstream request, in the record that every log
// plugin writes (trace_id, span_id), on the response if so configured, and where
// the log phase finds it.
func (c *Config) Access(kong *pdk.PDK) {
	if err := c.access(c.runtime.source.Open(kong)); err != nil {
		c.runtime.logger.Warn("inject trace", "error", err)
	}
}

func (c *Config) access(e *kongrequest.Event) error {
	request, err := c.Read(e)
	if err != nil {
		return err
	}
	injection := c.Inject(request)
	if err := injection.Announce(e.Kong()); err != nil {
		return err
	}
	return writeHeaders(e.Kong(), injection)
}

// Read asks Kong for what [Config.Inject] needs. Header values are nginx's
// variables: they hold all lines of a header, joined with commas, where
// kong.request.get_header has only the first.
func (c *Config) Read(e *kongrequest.Event) (Request, error) {
	var r Request
	var err error
	if r.Traceparent, err = e.Var(kongrequest.Traceparent); err != nil {
		return Request{}, fmt.Errorf("read traceparent: %w", err)
	}
	if r.Traceparent == "" || !c.policy.mayContinue() {
		return r, nil
	}
	if r.Tracestate, err = e.Var(kongrequest.Tracestate); err != nil {
		return Request{}, fmt.Errorf("read tracestate: %w", err)
	}
	if len(c.policy.Trusted) == 0 {
		return r, nil
	}
	address, err := e.Var(kongrequest.RemoteAddr)
	if err != nil {
		return Request{}, fmt.Errorf("read client address: %w", err)
	}
	r.Client, _ = netip.ParseAddr(address) // what is no address is in no trusted network
	return r, nil
}

// left is what the access phase left of the trace, if it ran.
func (c *Config) left(e *kongrequest.Event) (any, error) {
	if !c.runtime.noLogPlugins {
		shared, err := e.Kong().Ctx.GetSharedAny(SharedKey)
		if err != nil {
			return nil, fmt.Errorf("read shared trace: %w", err)
		}
		return shared, nil
	}
	record, err := e.Record()
	if err != nil {
		c.runtime.metrics.spans.WithLabelValues(spanUnreadable).Inc()
		return nil, err
	}
	return record.Trace, nil
}

// Announce leaves the trace to the log phase and to log plugins. The headers,
// which others may have some of as well, are the caller's to set.
func (i Injection) Announce(kong *pdk.PDK) error {
	if i.unread {
		note, err := i.Note()
		if err != nil {
			return err
		}
		return kongrequest.SetLogFields(kong, note)
	}
	text, err := i.Trace.Encode()
	if err == nil {
		err = kong.Ctx.SetShared(SharedKey, text)
	}
	if err != nil {
		return fmt.Errorf("share trace: %w", err)
	}
	return kongrequest.SetLogFields(kong, i.Log...)
}

// Note leaves the trace to the log phase where nobody else reads along.
func (i Injection) Note() (kongrequest.LogField, error) {
	text, err := i.Trace.Encode()
	return kongrequest.Traced(i.Trace.Context.TraceID.String(), text), err
}

// writeHeaders sets the upstream's last: Kong repeats an event whose connection
// broke, and until then the client's own headers must be there to read.
func writeHeaders(kong *pdk.PDK, i Injection) error {
	if len(i.Response) > 0 {
		if err := kongrequest.SetResponseHeaders(kong, i.Response); err != nil {
			return fmt.Errorf("set response headers: %w", err)
		}
	}
	if err := kongrequest.SetUpstreamHeaders(kong, i.Upstream); err != nil {
		return fmt.Errorf("set upstream headers: %w", err)
	}
	return nil
}

// Log exports the server span of a request.
func (c *Config) Log(kong *pdk.PDK) {
	if err := c.LogEvent(c.runtime.source.Open(kong)); err != nil {
		c.runtime.logger.Warn("export span", "error", err)
	}
}

// LogEvent is the log phase. It asks for Kong's record of the request only if
// the span is wanted, or the trace is in it.
func (c *Config) LogEvent(e *kongrequest.Event) error {
	if !c.runtime.exports() {
		return nil
	}
	left, err := c.left(e)
	if err != nil {
		return err
	}
	trace, err := c.Recall(left)
	if err != nil || !c.Wanted(trace) {
		return err
	}
	record, err := e.Record()
	if err != nil {
		c.runtime.metrics.spans.WithLabelValues(spanUnreadable).Inc()
		return err
	}
	return c.Export(trace, record)
}
