package traceinject

import (
	"fmt"
	"net/netip"

	pdk "github.com/Kong/go-pdk"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
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
	tell := injection.Announce
	if c.runtime.noLogPlugins {
		tell = injection.leaveNote
	}
	if err := tell(e.Kong()); err != nil {
		return err
	}
	if c.degraded {
		if err := kongwrite.SetLogFields(e.Kong(), kongrecord.Decided(Name, kongrecord.Degraded)); err != nil {
			return err
		}
	}
	return kongwrite.SetHeaders(e.Kong(), injection.Response, injection.Upstream)
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
	record, err := c.record(e)
	if err != nil {
		return nil, err
	}
	return record.Trace, nil
}

// record is Kong's record of the request. A span is lost where it cannot be read.
func (c *Config) record(e *kongrequest.Event) (*kongrecord.Record, error) {
	record, err := e.Record()
	if err != nil {
		c.runtime.metrics.spans.WithLabelValues(spanUnreadable).Inc()
	}
	return record, err
}

// Announce leaves the trace to the log phase and to log plugins, which write trace_id
// and span_id. The headers, which others may have some of as well, are the caller's to
// set.
func (i Injection) Announce(kong *pdk.PDK) error {
	text, err := i.Trace.Encode()
	if err == nil {
		err = kong.Ctx.SetShared(SharedKey, text)
	}
	if err != nil {
		return fmt.Errorf("share trace: %w", err)
	}
	span := i.Trace.Context
	return kongwrite.SetLogFields(kong,
		kongwrite.LogField{Key: "trace_id", Value: structpb.NewStringValue(span.TraceID.String())},
		kongwrite.LogField{Key: "span_id", Value: structpb.NewStringValue(span.SpanID.String())})
}

// Note leaves the trace to the log phase where nobody else reads along.
func (i Injection) Note() (kongwrite.LogField, error) {
	text, err := i.Trace.Encode()
	return kongrecord.Traced(i.Trace.Context.TraceID.String(), text), err
}

func (i Injection) leaveNote(kong *pdk.PDK) error {
	note, err := i.Note()
	if err != nil {
		return err
	}
	return kongwrite.SetLogFields(kong, note)
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
	record, err := c.record(e)
	if err != nil {
		return err
	}
	return c.Export(trace, record)
}
