package kongtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
)

// ErrClosed is what Kong calls "closed": the plugin server ended the
// connection cleanly before it answered. In an event Kong then starts the
// plugin's instances anew and runs the event again; a start fails with a 500.
var ErrClosed = errors.New("closed")

// Client speaks Kong's side of ProtoBuf:1 to a plugin server on a unix
// socket. Like a Kong worker it keeps idle connections and opens another for
// each call that runs at the same time. It is safe for concurrent use.
type Client struct {
	path string

	mu       sync.Mutex
	idle     []*pooled
	sequence int64
	closed   bool
}

// NewClient returns a client of the plugin server that listens on path. It
// connects when it is first used.
func NewClient(path string) *Client {
	return &Client{path: path}
}

// Close closes the idle connections, and those in use as they become idle.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var err error
	for _, conn := range c.idle {
		err = errors.Join(err, conn.Close()) // ends its watcher
	}
	c.idle = nil
	return err
}

// StartInstance starts an instance of a plugin. config is marshalled to JSON,
// unless it is a []byte or a json.RawMessage, which goes as it is. The error
// is [ErrClosed] where the server refuses by closing the connection.
func (c *Client) StartInstance(plugin string, config any) (id int32, err error) {
	data, err := rawJSON(config)
	if err != nil {
		return 0, err
	}
	ret, err := c.call(&kpp.RpcCall{Call: &kpp.RpcCall_CmdStartInstance{
		CmdStartInstance: &kpp.CmdStartInstance{Name: plugin, Config: data},
	}}, nil)
	if err != nil {
		return 0, fmt.Errorf("start instance of %s: %w", plugin, err)
	}
	status := ret.GetInstanceStatus()
	if status == nil {
		return 0, fmt.Errorf("start instance of %s: the answer has no instance status", plugin)
	}
	return status.InstanceId, nil
}

func rawJSON(config any) ([]byte, error) {
	switch config := config.(type) {
	case []byte:
		return config, nil
	case json.RawMessage:
		return config, nil
	}
	data, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encode config: %w", err)
	}
	return data, nil
}

// CloseInstance gives an instance back.
func (c *Client) CloseInstance(id int32) error {
	_, err := c.call(&kpp.RpcCall{Call: &kpp.RpcCall_CmdCloseInstance{
		CmdCloseInstance: &kpp.CmdCloseInstance{InstanceId: id},
	}}, nil)
	return err
}

// InstanceStatus asks for an instance's status. Its id is 0 where the server
// knows no such instance.
func (c *Client) InstanceStatus(id int32) (*kpp.InstanceStatus, error) {
	ret, err := c.call(&kpp.RpcCall{Call: &kpp.RpcCall_CmdGetInstanceStatus{
		CmdGetInstanceStatus: &kpp.CmdGetInstanceStatus{InstanceId: id},
	}}, nil)
	return ret.GetInstanceStatus(), err
}

// HandleEvent runs one phase ("access", "log", …) of an instance against a
// request, once. An exit of the handler is no error: see [Effects.Exit]. The
// errors are [ErrClosed], [ErrNoMethod], [ErrThrown] and those of the socket.
func (c *Client) HandleEvent(id int32, phase string, req Request) (Effects, error) {
	kong := New(req)
	_, err := c.call(&kpp.RpcCall{Call: &kpp.RpcCall_CmdHandleEvent{
		CmdHandleEvent: &kpp.CmdHandleEvent{InstanceId: id, EventName: phase},
	}}, kong)
	if errors.Is(err, ErrExit) {
		err = nil
	}
	return kong.Effects(), err
}

// ShouldRestart reports whether Kong answers err of an event by starting the
// plugin's instances anew and running the event again; it answers any other
// error with a 500.
func ShouldRestart(err error) bool {
	return err != nil && (errors.Is(err, ErrClosed) || strings.Contains(strings.ToLower(err.Error()), "no plugin instance"))
}

// call is Rpc:call of pb_rpc.lua. It keeps the connection only where Kong does.
func (c *Client) call(call *kpp.RpcCall, kong *Kong) (*kpp.RpcReturn, error) {
	conn, sequence, err := c.take()
	if err != nil {
		return nil, err
	}
	call.Sequence = sequence
	ret, err := exchange(conn, call, kong)
	if err != nil {
		return nil, errors.Join(asClosed(err), conn.Close())
	}
	c.put(conn)
	return ret, nil
}

// exchange is one call on one connection.
func exchange(conn net.Conn, call *kpp.RpcCall, kong *Kong) (*kpp.RpcReturn, error) {
	data, err := proto.Marshal(call)
	if err != nil {
		return nil, fmt.Errorf("encode call: %w", err)
	}
	if err := WriteFrame(conn, data); err != nil {
		return nil, err
	}
	if kong != nil {
		if err := kong.Serve(conn); err != nil {
			return nil, err
		}
	}
	return readReturn(conn, call.Sequence)
}

func readReturn(conn net.Conn, sequence int64) (*kpp.RpcReturn, error) {
	data, err := ReadFrame(conn)
	if err != nil {
		return nil, err
	}
	ret := new(kpp.RpcReturn)
	if err := proto.Unmarshal(data, ret); err != nil {
		return nil, fmt.Errorf("decode return: %w", err)
	}
	if ret.Sequence != sequence {
		return nil, fmt.Errorf("return has sequence %d, the call had %d", ret.Sequence, sequence)
	}
	return ret, nil
}

// asClosed names a clean end of the connection as Kong does.
func asClosed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrClosed
	}
	return err
}
