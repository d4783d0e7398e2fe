// Package pluginclient drives an external plugin server over a unix socket, as
// Kong does (kong/runloop/plugin_servers/plugin.lua and rpc/pb_rpc.lua at
// 3.9.1, protocol ProtoBuf:1).
package pluginclient

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
)

// ErrExit is what a PDK returns for a call that does not come back:
// kong.response.exit. The event is over then, and so is the connection.
var ErrExit = errors.New("the event ended with an exit")

// ErrUnknownMethod is what a PDK returns for a method that Kong does not have.
var ErrUnknownMethod = errors.New("method not found")

// ServerError is a failure of the plugin server, which Kong logs and answers
// with a 500. Any other error of HandleEvent is what Kong would throw.
type ServerError struct{ Err error }

func (e *ServerError) Error() string { return e.Err.Error() }
func (e *ServerError) Unwrap() error { return e.Err }

// PDK answers the calls of a plugin during an event. A nil reply is an empty
// one.
type PDK interface {
	Call(method string, arg []byte) (reply []byte, err error)
}

// Plugin is a plugin with one configuration.
type Plugin struct {
	ID     string
	Name   string
	Seq    int    // __seq__ of the configuration
	Config []byte // as JSON
}

// Client drives a plugin server. It is safe for concurrent use.
type Client struct {
	pool      pool
	instances instances
	sequence  atomic.Int64
}

// Event is a phase of a plugin that is to run.
type Event struct {
	Plugin Plugin
	Phase  string
	PDK    PDK
	// Log takes what Kong writes to its error log, with the line of Kong's
	// source that writes it.
	Log func(severity nginxlog.Severity, source, msg string)
}

// New returns a Client for a plugin server at a unix socket. It connects when it
// is first used.
func New(socket string) *Client {
	return &Client{pool: pool{socket: socket}, instances: instances{byPlugin: map[string]*instance{}}}
}

// Close closes the idle connections.
func (c *Client) Close() { c.pool.close() }

// HandleEvent runs a phase of a plugin. A connection that the server closes in
// the middle of it makes Kong start the instances again and the event too, as
// often as that happens.
func (c *Client) HandleEvent(e Event) error {
	for {
		err := c.handleEvent(e)
		var server *ServerError
		if !errors.As(err, &server) {
			return err
		}
		if !runsAgain(server) {
			e.Log(nginxlog.Err, "pb_rpc.lua:382", "pluginserver error: "+err.Error())
			return err
		}
		c.instances.reset(e.Plugin.Name)
		e.Log(nginxlog.Warn, "pb_rpc.lua:378", err.Error())
	}
}

func runsAgain(err *ServerError) bool {
	msg := strings.ToLower(err.Error())
	return strings.Contains(msg, "no plugin instance") || strings.Contains(msg, "closed")
}

func (c *Client) handleEvent(e Event) error {
	id, err := c.instance(e)
	if err != nil {
		return err
	}
	_, err = c.call(e, &kong.RpcCall{Call: &kong.RpcCall_CmdHandleEvent{
		CmdHandleEvent: &kong.CmdHandleEvent{InstanceId: id, EventName: e.Phase},
	}}, e.PDK)
	return err
}

// call sends a command and waits for its return. With a pdk it answers the calls
// that come before.
func (c *Client) call(e Event, cmd *kong.RpcCall, pdk PDK) (*kong.RpcReturn, error) {
	conn, err := c.pool.get()
	if err != nil {
		e.Log(nginxlog.Err, "pb_rpc.lua:273", "trying to connect: "+err.Error())
		return nil, &ServerError{err}
	}
	ret, err := c.converse(conn, cmd, pdk)
	if err != nil {
		_ = conn.Close()
		if errors.Is(err, ErrExit) {
			return &kong.RpcReturn{}, nil
		}
		return nil, err
	}
	c.pool.put(conn)
	return ret, nil
}

func (c *Client) converse(conn *conn, cmd *kong.RpcCall, pdk PDK) (*kong.RpcReturn, error) {
	cmd.Sequence = c.sequence.Add(1)
	data, err := proto.Marshal(cmd)
	if err == nil {
		err = conn.write(data)
	}
	if err != nil {
		return nil, fmt.Errorf("send command: %w", err)
	}
	if pdk != nil {
		if err := bridge(conn, pdk); err != nil {
			return nil, err
		}
	}
	data, err = conn.read()
	if err != nil {
		return nil, &ServerError{err}
	}
	var ret kong.RpcReturn
	if err := proto.Unmarshal(data, &ret); err != nil {
		return nil, fmt.Errorf("decode return: %w", err)
	}
	if ret.GetSequence() != cmd.GetSequence() {
		return nil, fmt.Errorf("return has sequence %d, expected %d", ret.GetSequence(), cmd.GetSequence())
	}
	return &ret, nil
}

// bridge answers calls until an empty frame ends the event.
func bridge(conn *conn, pdk PDK) error {
	for {
		method, err := conn.read()
		if err != nil {
			return &ServerError{err}
		}
		if len(method) == 0 {
			return nil
		}
		arg, err := conn.read()
		if err != nil {
			return &ServerError{err}
		}
		reply, err := pdk.Call(string(method), arg)
		if errors.Is(err, ErrUnknownMethod) {
			return &ServerError{fmt.Errorf("method %q not found", method)}
		}
		if err != nil {
			return err
		}
		if err := conn.write(reply); err != nil {
			return fmt.Errorf("send reply: %w", err)
		}
	}
}
