package traceinject

import (
	"fmt"
	"net/netip"

	pdk "github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/bridge"
	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

// Access puts the trace on the upstream request, in the record that every log
// plugin writes (trace_id, span_id), on the response if so configured, and in
// kong.ctx.shared for the log phase.
func (c *Config) Access(kong *pdk.PDK) {
	request, err := c.read(kong)
	if err != nil {
		c.runtime.logger.Warn("read trace headers", "error", err)
		return
	}
	injection, err := c.Inject(request)
	if err != nil {
		c.runtime.logger.Warn("inject trace", "error", err)
		return
	}
	if err := write(kong, injection); err != nil {
		c.runtime.logger.Warn("inject trace", "error", err)
	}
}

// read takes header values from nginx's variables: they hold all lines of a
// header, joined with commas, where kong.request.get_header has only the first.
func (c *Config) read(kong *pdk.PDK) (Request, error) {
	var r Request
	var err error
	if r.Traceparent, err = requestHeader(kong, tracecontext.TraceparentHeader); err != nil {
		return Request{}, err
	}
	if r.Traceparent == "" || !c.policy.mayContinue() {
		return r, nil
	}
	if r.Tracestate, err = requestHeader(kong, tracecontext.TracestateHeader); err != nil {
		return Request{}, err
	}
	if len(c.policy.Trusted) == 0 {
		return r, nil
	}
	address, err := kong.Client.GetForwardedIp()
	if err != nil {
		return Request{}, fmt.Errorf("read client address: %w", err)
	}
	r.Client, _ = netip.ParseAddr(address) // what is no address is in no trusted network
	return r, nil
}

// requestHeader is empty if the header is missing.
func requestHeader(kong *pdk.PDK, name string) (string, error) {
	value, err := askBytes(kong.Nginx.PdkBridge, "kong.nginx.get_var", bridge.WrapString("http_"+name))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return string(value), nil
}

// askBytes calls a PDK method that returns text of a client's making. Kong
// sends it as it came, and go-pdk's own methods fail on what is not UTF-8,
// which would let a client choose not to be traced.
func askBytes(b bridge.PdkBridge, method string, args proto.Message) ([]byte, error) {
	out := new(kong_plugin_protocol.ByteString)
	if err := b.Ask(method, args, out); err != nil {
		return nil, err
	}
	return out.V, nil
}

// write sets the upstream headers last: Kong repeats an event whose connection
// broke, and until then the client's own headers must be there to read.
func write(kong *pdk.PDK, i Injection) error {
	if err := kong.Ctx.SetShared(SharedKey, i.Shared); err != nil {
		return fmt.Errorf("share trace: %w", err)
	}
	for _, field := range i.Log {
		// go-pdk has no method for it, but Kong's plugin protocol does.
		kv := &kong_plugin_protocol.KV{K: field.Key, V: structpb.NewStringValue(field.Value)}
		if err := kong.Log.Ask("kong.log.set_serialize_value", kv, nil); err != nil {
			return fmt.Errorf("set log field %s: %w", field.Key, err)
		}
	}
	if len(i.Response) > 0 {
		if err := kong.Response.SetHeaders(i.Response); err != nil {
			return fmt.Errorf("set response headers: %w", err)
		}
	}
	if err := kong.ServiceRequest.SetHeaders(i.Upstream); err != nil {
		return fmt.Errorf("set upstream headers: %w", err)
	}
	return nil
}

// Log exports the server span of a request.
func (c *Config) Log(kong *pdk.PDK) {
	if !c.runtime.exports() {
		return
	}
	shared, err := kong.Ctx.GetSharedAny(SharedKey)
	if err != nil {
		c.runtime.logger.Warn("read shared trace", "error", err)
		return
	}
	trace, err := c.Recall(shared)
	if err != nil {
		c.runtime.logger.Warn("read shared trace", "error", err)
		return
	}
	if !c.Wanted(trace) {
		return
	}
	text, err := askBytes(kong.Log.PdkBridge, "kong.log.serialize", nil)
	if err != nil {
		c.runtime.logger.Warn("read log record", "error", err)
		return
	}
	if err := c.Export(trace, text); err != nil {
		c.runtime.logger.Warn("export span", "error", err)
	}
}
