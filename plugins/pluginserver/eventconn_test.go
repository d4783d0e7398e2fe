package pluginserver

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/entities"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// countingConn counts what reaches the socket.
type countingConn struct {
	net.Conn
	writes, reads atomic.Int32
}

func (c *countingConn) Write(p []byte) (int, error) { c.writes.Add(1); return c.Conn.Write(p) }
func (c *countingConn) Read(p []byte) (int, error)  { c.reads.Add(1); return c.Conn.Read(p) }

// socketPair is a connection with the buffers of a real one.
func socketPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var conns [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socketpair")
		if conns[i], err = net.FileConn(f); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		t.Cleanup(func() { _ = conns[i].Close() })
	}
	return conns[0], conns[1]
}

// onSession runs a handler on the server's own connection. err is how the event
// looked to Kong.
func onSession(t testing.TB, handler func(*pdk.PDK), req kongtest.Request, opts Options) (kongtest.Effects, *countingConn, error) {
	t.Helper()
	return onSessionOf(t, accessPlugin(handler), req, opts)
}

// onSessionOf is onSession for a plugin "test".
func onSessionOf(t testing.TB, p Plugin, req kongtest.Request, opts Options) (kongtest.Effects, *countingConn, error) {
	t.Helper()
	opts.Logger = nil
	srv, err := New(opts, p)
	if err != nil {
		t.Fatal(err)
	}
	near, far := socketPair(t)
	conn := &countingConn{Conn: near}
	sess := newSession(srv, conn)
	inst := srv.instances.start("test", nil)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = sess.event(protocol.Event{Sequence: 1, InstanceID: inst.id, Phase: []byte("access")}) // the effects tell
		_ = near.Close()
	}()
	kong := kongtest.New(req)
	answered := kong.Serve(far)
	if answered == nil { // Kong reads the return, and its replies were read
		_, err = kongtest.ReadFrame(far)
		if err != nil {
			t.Errorf("read return: %v", err)
		}
	}
	_ = far.(*net.UnixConn).CloseWrite()
	<-served
	if sess.owed != 0 && answered == nil {
		t.Errorf("%d replies were left unread", sess.owed)
	}
	return kong.Effects(), conn, answered
}

// sharedValues has one of each type that Kong's tables are read as.
var sharedValues = map[string]any{
	"s": "x", "n": 1.5, "on": true, "off": false, "list": []any{"a", 1.0, []any{}}, "map": map[string]any{"k": "v"},
}

var fullRequest = kongtest.Request{
	Path: "/p", RawQuery: "a=1&b=2&b=3&bare", TrustedIPs: []string{"10.0.0.1"}, Headers: http.Header{"X-A": {"1"}, "X-B": {"1", "2"}}, Body: bytes.Repeat([]byte("b"), 100_000),
	Consumer: &entities.Consumer{Id: "c", CustomId: "acme"}, CredentialID: "k", Consumers: []entities.Consumer{{Id: "d", Username: "named"}},
	Route: &entities.Route{Name: "r"}, Service: &entities.Service{Name: "s"},
	Shared: sharedValues, Ctx: sharedValues, Vars: map[string]string{"v": "z"},
	Unnamed: []string{"u"}, Named: map[string]string{"n": "m"}, Status: 200, Sent: http.Header{"Y": {"1"}},
	ServiceStatus: 201, ServiceHeaders: http.Header{"Z": {"2"}}, ServiceBody: []byte("sb"), Started: 1.25, Log: `{"a":1}`,
}

func TestEveryCallAsOnThePlainBridge(t *testing.T) {
	t.Parallel()
	var wantResults, gotResults []string
	want := kongtest.Run(t, everyCall(&wantResults), fullRequest)
	got, _, err := onSession(t, everyCall(&gotResults), fullRequest, Options{})
	if !errors.Is(err, kongtest.ErrExit) {
		t.Fatalf("the event ended with %v, want an exit", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("effects (-plain bridge +this connection):\n%s", diff)
	}
	if diff := cmp.Diff(wantResults, gotResults); diff != "" {
		t.Errorf("results (-plain bridge +this connection):\n%s", diff)
	}
	called := slices.Compact(slices.Sorted(slices.Values(got.Calls)))
	if diff := cmp.Diff(kongtest.Methods(), called); diff != "" {
		t.Errorf("methods called (-all +called):\n%s", diff)
	}
}

func TestCallsListsEveryMethod(t *testing.T) {
	t.Parallel()
	var got []string
	for _, c := range Calls() {
		got = append(got, c.Method)
	}
	if diff := cmp.Diff(kongtest.Methods(), got); diff != "" {
		t.Errorf("Calls (-Kong's methods +Calls):\n%s", diff)
	}
}

// TestPipelinedRepliesSayNothing holds the table of calls to the wire.
func TestPipelinedRepliesSayNothing(t *testing.T) {
	t.Parallel()
	handler := func(kong *pdk.PDK) { var r []string; everyCall(&r)(kong) }
	replies := map[string]bool{}
	near, far := net.Pipe()
	go func() {
		handler(pdk.Init(near))
		_ = near.Close()
	}()
	kong := kongtest.New(fullRequest)
	for {
		method, err := kongtest.ReadFrame(far)
		if err != nil {
			break
		}
		args, _ := kongtest.ReadFrame(far)
		reply, err := kong.Answer(string(method), args)
		if err != nil {
			_ = far.Close()
			break
		}
		replies[string(method)] = replies[string(method)] || len(reply) > 0
		_ = kongtest.WriteFrame(far, reply)
	}
	for _, c := range Calls() {
		if c.Pipelined && replies[c.Method] {
			t.Errorf("%s is pipelined, but it replies something", c.Method)
		}
	}
}

func TestPipelinedCallsLeaveInOneWrite(t *testing.T) {
	t.Parallel()
	effects, conn, err := onSession(t, func(kong *pdk.PDK) {
		for range 20 {
			_ = kong.Response.SetHeader("X", "1")
		}
		_ = kong.Ctx.SetShared("a", "b")
		if _, err := kong.Request.GetPath(); err != nil {
			t.Error(err)
		}
		_ = kong.ServiceRequest.SetHeaders(map[string][]string{"A": {"1"}})
	}, kongtest.Request{}, Options{})
	if err != nil || len(effects.Calls) != 23 {
		t.Fatalf("event: %v, %d calls", err, len(effects.Calls))
	}
	if got := conn.writes.Load(); got != 2 {
		t.Errorf("%d writes, want 2: one for what led to the read, one for the end", got)
	}
}

func TestManyPipelinedCallsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	value := strings.Repeat("v", 3000)
	effects, conn, err := onSession(t, func(kong *pdk.PDK) {
		for range 2000 {
			if err := kong.ServiceRequest.SetHeader("X", value); err != nil {
				t.Error(err)
				return
			}
		}
	}, kongtest.Request{}, Options{})
	if err != nil || len(effects.Calls) != 2000 {
		t.Fatalf("event: %v, %d calls, want 2000", err, len(effects.Calls))
	}
	if got := conn.writes.Load(); got > 2000/8 {
		t.Errorf("%d writes for 2000 calls", got)
	}
}

func TestACallThatFailsToEncodeIsDropped(t *testing.T) {
	t.Parallel()
	effects, _, err := onSession(t, func(kong *pdk.PDK) {
		if err := kong.Response.SetHeader("X", "\xff"); err == nil {
			t.Error("a value that is not UTF-8 was encoded")
		}
		if got, err := kong.Request.GetPath(); got != "/p" || err != nil {
			t.Errorf("GetPath = %q, %v", got, err)
		}
		_ = kong.Response.SetHeader("X", "\xff") // and at the end of the event
	}, kongtest.Request{Path: "/p"}, Options{})
	if diff := cmp.Diff([]string{"kong.request.get_path"}, effects.Calls); err != nil || diff != "" {
		t.Errorf("event: %v, calls (-want +got):\n%s", err, diff)
	}
}

func TestFramesBeyondTheLimit(t *testing.T) {
	t.Parallel()
	opts := Options{MaxFrame: 1000}
	effects, _, err := onSession(t, func(kong *pdk.PDK) {
		if err := kong.ServiceRequest.SetRawBody(strings.Repeat("x", 2000)); !errors.Is(err, protocol.ErrTooLarge) {
			t.Errorf("a call beyond the limit: %v", err)
		}
		_ = kong.Response.SetHeader("X", "1")
	}, kongtest.Request{}, opts)
	if diff := cmp.Diff([]string{"kong.response.set_header"}, effects.Calls); err != nil || diff != "" {
		t.Errorf("event: %v, calls (-want +got):\n%s", err, diff)
	}
	_, _, err = onSession(t, func(kong *pdk.PDK) {
		if _, err := kong.Request.GetRawBody(); !errors.Is(err, protocol.ErrTooLarge) {
			t.Errorf("a reply beyond the limit: %v", err)
		}
		if path, err := kong.Request.GetPath(); path != "/p" || err != nil {
			t.Errorf("the call after it: %q, %v", path, err)
		}
	}, kongtest.Request{Path: "/p", Body: make([]byte, 1<<20)}, opts)
	if err != nil {
		t.Errorf("the event ended with %v", err)
	}
}

func TestPDKAfterItsEvent(t *testing.T) {
	t.Parallel()
	var kept *pdk.PDK
	_, conn, err := onSession(t, func(kong *pdk.PDK) { kept = kong }, kongtest.Request{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	writes := conn.writes.Load()
	if err := kept.Log.Info("late"); !errors.Is(err, errEnded) || conn.writes.Load() != writes {
		t.Errorf("a call after the event: %v, %d bytes written", err, conn.writes.Load()-writes)
	}
}

func TestReadWithoutACall(t *testing.T) {
	t.Parallel()
	_, _, err := onSession(t, func(kong *pdk.PDK) {
		if _, err := rawConn(kong).Read(make([]byte, 4)); !errors.Is(err, errNoCall) {
			t.Errorf("Read = %v, want errNoCall", err)
		}
		if _, err := rawConn(kong).Write(make([]byte, 4)); !errors.Is(err, errMethod) {
			t.Errorf("Write of an empty method = %v, want errMethod", err)
		}
	}, kongtest.Request{}, Options{})
	if err != nil {
		t.Error(err)
	}
}

// rawConn is the connection under a PDK, which go-pdk keeps to itself.
func rawConn(kong *pdk.PDK) net.Conn {
	field := reflect.ValueOf(&kong.Log.PdkBridge).Elem().FieldByName("conn")
	return *(*net.Conn)(field.Addr().UnsafePointer())
}
