package pluginserver

import (
	"errors"
	"fmt"
	"net/http"

	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
)

// What is beyond Options.MaxFrame fails in the handler that asks for it, and the event
// goes on. There is one call whose error go-pdk keeps to itself: an exit. A handler
// that refuses a request with a body which is too large must not let it pass: the
// client gets a 500.

// tooLargeExit is the argument of the exit in place of one that is too large.
var tooLargeExit = func() []byte {
	args, err := proto.Marshal(&kpp.ExitArgs{
		Status: http.StatusInternalServerError,
		Body: []byte(`{"type":"about:blank","title":"Internal Server Error","status":500,` +
			`"detail":"A plugin's answer is larger than its plugin server passes on."}`),
		Headers: &structpb.Struct{Fields: map[string]*structpb.Value{
			"Content-Type": structpb.NewStringValue("application/problem+json"), "Cache-Control": structpb.NewStringValue("no-store"),
		}},
	})
	if err != nil {
		panic(err)
	}
	return args
}()

// tooLarge is the error of a call that is too large.
func (c *eventConn) tooLarge(n int64) error {
	err := fmt.Errorf("PDK call: %w: %d bytes, the limit is %d", protocol.ErrTooLarge, n, c.session.frames.Limit())
	if !c.exiting() {
		c.drop()
		return err
	}
	return errors.Join(err, c.exitTooLarge())
}

// exiting reports whether an exit has begun whose argument has not come.
func (c *eventConn) exiting() bool {
	return c.inArgs && string(c.session.out[c.method+protocol.HeadSize:c.frame]) == exitCall
}

// exitTooLarge ends the event with a 500 in place of the exit that has begun.
func (c *eventConn) exitTooLarge() error {
	c.tooBig = true
	if c.event != nil {
		c.session.srv.logTooLarge(c.event)
	}
	c.session.out = protocol.AppendFrame(c.session.out[:c.frame], tooLargeExit)
	c.frame, c.inArgs = len(c.session.out), false
	return c.called(c.session.srv.metrics.call([]byte(exitCall)))
}

// skipReply drops a reply that is too large, of n bytes, and fails with tooLarge.
func (c *eventConn) skipReply(n int, tooLarge error) error {
	if err := c.session.skip(n); err != nil {
		return c.fail(err)
	}
	c.reply = noReply
	return fmt.Errorf("reply to PDK call: %w", tooLarge)
}

// logTooLarge logs an answer to a client that was too large, at most once per plugin
// in a second.
func (s *Server) logTooLarge(ev *event) {
	p := ev.inst.plugin
	if suppressed, ok := s.allow(&p.oversized); ok {
		s.opts.Logger.Error("plugin's answer is too large: the client got a 500", "plugin", p.Name, "phase", phaseNames[ev.phase],
			"limit", s.opts.MaxFrame, "fix", "answer less, or raise -max-frame", "suppressed", suppressed)
	}
}
