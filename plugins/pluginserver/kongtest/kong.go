// Package kongtest plays Kong for tests of go-pdk plugins and of plugin
// servers. It is built on the real wire: frames as Kong's pb_rpc.lua (3.9)
// writes and reads them, so that go-pdk's own bridge and any other connection
// under *pdk.PDK behave as they do in production.
//
// [Run] runs one handler against one request and returns what it did:
//
//	effects := kongtest.Run(t, config.Access, kongtest.Request{
//		Path:    "/orders",
//		Headers: http.Header{"X-Tenant-Id": {"forged"}},
//	})
//	if got := effects.Service.Headers.Get("X-Tenant-Id"); got != "" { … }
//
// [Client] drives a whole plugin server over its socket, as a Kong worker does. Its
// events are answered by a [PDK]: by [Kong], which is made of one [Request], or by one of
// your own. [Serve] answers on any other connection.
package kongtest

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
)

var (
	// ErrExit ends an event whose handler called kong.response.exit: Kong
	// answers the client, never the plugin, and drops the connection.
	ErrExit = errors.New("kong.response.exit")
	// ErrNoMethod is what Kong makes of a PDK method it does not know. It
	// ends the request with a 500, unless the name is such that ShouldRestart.
	ErrNoMethod = errors.New("not found")
	// ErrThrown is a Lua error inside Kong. It ends the request with a 500.
	ErrThrown = errors.New("lua error")
)

// Kong answers the PDK calls of one event. It is safe for concurrent use.
type Kong struct {
	mu      sync.Mutex
	req     Request
	began   time.Time
	effects Effects
}

// New returns a Kong that is about to run an event of the request.
func New(req Request) *Kong {
	req = req.withDefaults()
	return &Kong{req: req, began: time.Now(), effects: Effects{
		Service: ServiceRequest{
			Scheme: req.Scheme, Method: req.Method, Path: req.Path, RawQuery: req.RawQuery,
			Headers: req.Headers.Clone(), Body: req.Body,
		},
		Response: Response{Status: req.Status, Headers: req.Sent.Clone()},
		Shared:   map[string]any{},
		Ctx:      map[string]any{},
	}}
}

// Effects returns what the event did so far.
func (k *Kong) Effects() Effects {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.effects
	e.Service.Headers, e.Response.Headers = e.Service.Headers.Clone(), e.Response.Headers.Clone()
	e.Shared, e.Ctx = maps.Clone(e.Shared), maps.Clone(e.Ctx)
	return e
}

// Serve answers PDK calls on conn until the plugin ends its event; see [Serve].
func (k *Kong) Serve(conn io.ReadWriter) error { return Serve(conn, k) }

// Answer is one PDK call: the encoded argument in, the encoded reply out.
func (k *Kong) Answer(method string, args []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.effects.Calls = append(k.effects.Calls, method)
	answer, ok := answers[method]
	if !ok {
		return nil, ErrNoMethod
	}
	if slices.Contains(k.req.Throws, method) {
		return nil, k.throw(method, errors.New("thrown by the test"))
	}
	reply, err := answer(k, args)
	if err != nil && !errors.Is(err, ErrExit) {
		return nil, k.throw(method, err)
	}
	return reply, err
}

func (k *Kong) throw(method string, err error) error {
	k.effects.Thrown = fmt.Sprintf("%s: %v", method, err)
	return fmt.Errorf("%w: %s", ErrThrown, k.effects.Thrown)
}

// Run runs one handler against one request, on go-pdk's own bridge, and
// returns what it did. A PDK call that Kong would not survive fails the test,
// unless [Request.Throws] asked for it. It waits on nothing but the handler,
// and works inside a testing/synctest bubble.
func Run(t testing.TB, handler func(*pdk.PDK), req Request) Effects {
	t.Helper()
	k := New(req)
	plugin, far := net.Pipe()
	defer func() { _ = plugin.Close() }()
	served := make(chan error, 1)
	go func() {
		served <- k.Serve(far)
		_ = far.Close()
	}()
	handler(pdk.Init(plugin))
	_ = WriteFrame(plugin, nil) // fails after an exit, as it does in production
	err := <-served
	expected := err == nil || errors.Is(err, ErrExit) || errors.Is(err, ErrThrown) && len(req.Throws) > 0
	if !expected {
		t.Errorf("kongtest: Kong would end this request with a 500: %v", err)
	}
	return k.Effects()
}
