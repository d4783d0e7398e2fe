package kongtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
)

// PDK answers the calls that a plugin makes during an event. A nil reply is an empty
// frame.
type PDK interface {
	// Answer is one call: the encoded argument in, the encoded reply out. The error is
	// ErrExit or ErrNoMethod, or else what Kong throws.
	Answer(method string, args []byte) (reply []byte, err error)
}

// Client speaks Kong's side of ProtoBuf:1 to a plugin server on a unix
// socket. Like a Kong worker it keeps idle connections and opens another for
// each call that runs at the same time. It is safe for concurrent use.
type Client struct {
	path string

	mu       sync.Mutex
	idle     []*conn // the last one is taken first
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
	for _, idle := range c.idle {
		err = errors.Join(err, idle.Close())
	}
	c.idle = nil
	return err
}

// StartInstance starts an instance of a plugin. config is marshalled to JSON,
// unless it is a []byte or a json.RawMessage, which goes as it is. The error
// is [ErrClosed] where the server refuses by closing the connection. Kong throws it,
// whatever it is.
func (c *Client) StartInstance(plugin string, config any) (id int32, err error) {
	data, err := rawJSON(config)
	if err != nil {
		return 0, err
	}
	ret, err := c.call(&kpp.RpcCall{Call: &kpp.RpcCall_CmdStartInstance{
		CmdStartInstance: &kpp.CmdStartInstance{Name: plugin, Config: data},
	}}, nil)
	if err != nil {
		return 0, err
	}
	status := ret.GetInstanceStatus()
	if status == nil {
		return 0, fmt.Errorf("the plugin server returned no instance status for %s", plugin)
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
// request, once. For its errors see [Client.Event].
func (c *Client) HandleEvent(id int32, phase string, req Request) (Effects, error) {
	kong := New(req)
	err := c.Event(id, phase, kong)
	return kong.Effects(), err
}

// Event runs one phase of an instance, once, whose PDK calls pdk answers. An exit of
// the handler is no error. A [*ServerError] is a failure of the plugin server; any other
// error is what Kong throws.
func (c *Client) Event(id int32, phase string, pdk PDK) error {
	_, err := c.call(&kpp.RpcCall{Call: &kpp.RpcCall_CmdHandleEvent{
		CmdHandleEvent: &kpp.CmdHandleEvent{InstanceId: id, EventName: phase},
	}}, pdk)
	if errors.Is(err, ErrExit) {
		return nil
	}
	return err
}

// call is Rpc:call of pb_rpc.lua. It keeps the connection only where Kong does.
func (c *Client) call(call *kpp.RpcCall, pdk PDK) (*kpp.RpcReturn, error) {
	conn, err := c.take()
	if err != nil {
		return nil, &ServerError{Err: inLuasWords(err), Connecting: true}
	}
	call.Sequence = c.nextSequence()
	ret, err := exchange(conn, call, pdk)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	c.put(conn)
	return ret, nil
}

func (c *Client) nextSequence() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sequence++
	return c.sequence
}

// exchange is one call on one connection. A call without a PDK is no event.
func exchange(conn io.ReadWriter, call *kpp.RpcCall, pdk PDK) (*kpp.RpcReturn, error) {
	data, err := proto.Marshal(call)
	if err != nil {
		return nil, fmt.Errorf("encode call: %w", err)
	}
	if err := WriteFrame(conn, data); err != nil {
		return nil, fmt.Errorf("send call: %w", inLuasWords(err))
	}
	if pdk != nil {
		if err := Serve(conn, pdk); err != nil {
			return nil, err
		}
	}
	return readReturn(conn, call.Sequence)
}

func readReturn(conn io.ReadWriter, sequence int64) (*kpp.RpcReturn, error) {
	data, err := ReadFrame(conn)
	if err != nil {
		return nil, &ServerError{Err: inLuasWords(err)}
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
