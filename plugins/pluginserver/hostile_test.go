package pluginserver

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func TestHostileInputCostsOneConnection(t *testing.T) {
	t.Parallel()
	for name, input := range map[string][]byte{
		"truncated head":   {1, 0},
		"truncated frame":  {9, 0, 0, 0, 1, 2},
		"oversized frame":  {0xff, 0xff, 0xff, 0xff, 1},
		"not protobuf":     protocol.AppendFrame(nil, []byte("GET / HTTP/1.1")),
		"no command":       protocol.AppendFrame(nil, []byte{8, 1}),
		"unknown command":  protocol.AppendFrame(nil, protowire.AppendBytes(protowire.AppendTag([]byte{8, 1}, 60, protowire.BytesType), []byte("x"))),
		"open group":       protocol.AppendFrame(nil, protowire.AppendTag(nil, 36, protowire.StartGroupType)),
		"half an event":    protocol.AppendFrame(nil, eventCall(1, 1, "access")[:5]),
		"an empty frame":   {0, 0, 0, 0},
		"an event of none": protocol.AppendFrame(nil, eventCall(1, math.MinInt32, "access")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, Options{}, accessPlugin(func(*pdk.PDK) {}))
			conn, err := net.Dial("unix", srv.path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write(input); err != nil {
				t.Fatal(err)
			}
			_ = conn.(*net.UnixConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn) // ends when the server hangs up
			srv.event(t, srv.mustStart(t, "test", []byte(`{}`)), kongtest.Request{})
			_ = srv.stop()
			want := 1
			if name == "an event of none" {
				want = 0
			}
			if got := strings.Count(srv.logs.String(), "connection closed"); got != want {
				t.Errorf("%d log lines, want %d: %s", got, want, srv.logs)
			}
		})
	}
}

// TestHostileReplies has Kong answer a PDK call with what is no reply to it. The
// handler is told, if Kong can still be talked to, and the event ends.
func TestHostileReplies(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply []byte
		lines int // in the log
		fails bool
	}{
		"none":                      {nil, 1, true},
		"truncated head":            {[]byte{1, 0}, 1, true},
		"truncated":                 {[]byte{9, 0, 0, 0, 1}, 1, true},
		"oversized":                 {[]byte{0xff, 0xff, 0xff, 0xff}, 1, true},
		"garbage":                   {protocol.AppendFrame(nil, []byte{0xff, 0xff}), 0, true},
		"of another type":           {protocol.AppendFrame(nil, []byte{13, 0, 0, 0, 0}), 0, false},
		"a call":                    {protocol.AppendFrame(nil, eventCall(2, 1, "log")), 0, false},
		"empty":                     {protocol.AppendFrame(nil, nil), 0, false},
		"good, and one that is not": {append(protocol.AppendFrame(nil, []byte{10, 1, '/'}), 1), 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := make(chan error, 2)
			srv := serve(t, Options{}, accessPlugin(func(kong *pdk.PDK) {
				_, err := kong.Request.GetPath()
				told <- err
			}))
			id := srv.mustStart(t, "test", []byte(`{}`))
			conn, err := net.Dial("unix", srv.path)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = conn.Write(append(protocol.AppendFrame(nil, eventCall(1, id, "access")), tt.reply...))
			_ = conn.(*net.UnixConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn) // ends when the server hangs up
			if err := <-told; (err != nil) != tt.fails {
				t.Errorf("the handler was told %v, want an error: %v", err, tt.fails)
			}
			srv.event(t, id, kongtest.Request{})
			_ = srv.stop()
			if got := strings.Count(srv.logs.String(), "connection closed"); got != tt.lines {
				t.Errorf("%d log lines, want %d: %s", got, tt.lines, srv.logs)
			}
		})
	}
}

// TestSequencesAreKongs sends sequences in no order: each is for Kong to know.
func TestSequencesAreKongs(t *testing.T) {
	t.Parallel()
	srv := serve(t, Options{}, accessPlugin(func(*pdk.PDK) {}))
	id := srv.mustStart(t, "test", []byte(`{}`))
	conn, err := net.Dial("unix", srv.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, sequence := range []int64{7, 7, 3, 0, -1, math.MaxInt64, math.MinInt64} {
		_ = kongtest.WriteFrame(conn, eventCall(sequence, id, "access"))
		end, err := kongtest.ReadFrame(conn)
		if err != nil || len(end) > 0 {
			t.Fatalf("event of sequence %d: %q, %v; want its end", sequence, end, err)
		}
		data, err := kongtest.ReadFrame(conn)
		ret := &kpp.RpcReturn{}
		if err != nil || proto.Unmarshal(data, ret) != nil || ret.Sequence != sequence {
			t.Errorf("return to sequence %d: %v, %v", sequence, ret, err)
		}
	}
}

func TestStrangeCommands(t *testing.T) {
	t.Parallel()
	srv := serve(t, Options{}, accessPlugin(func(*pdk.PDK) {}))
	conn, err := net.Dial("unix", srv.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ask := func(call *kpp.RpcCall) *kpp.RpcReturn {
		data, _ := proto.Marshal(call)
		_ = kongtest.WriteFrame(conn, data)
		data, err := kongtest.ReadFrame(conn)
		ret := &kpp.RpcReturn{}
		if err != nil || proto.Unmarshal(data, ret) != nil || ret.Sequence != call.Sequence {
			t.Fatalf("answer to %v: %v, %v", call, ret, err)
		}
		return ret
	}
	names := ask(&kpp.RpcCall{Sequence: 1, Call: &kpp.RpcCall_CmdGetPluginNames{}}).GetPluginNames()
	if len(names.GetNames()) != 1 || names.Names[0] != "test" {
		t.Errorf("names = %v", names)
	}
	info := ask(&kpp.RpcCall{Sequence: 2, Call: &kpp.RpcCall_CmdGetPluginInfo{
		CmdGetPluginInfo: &kpp.CmdGetPluginInfo{Name: "test"},
	}}).GetPluginInfo()
	if info.GetVersion() != "1.2.3" || info.GetPriority() != 905 || !strings.Contains(info.GetSchema(), `"config"`) {
		t.Errorf("info = %v", info)
	}
	none := ask(&kpp.RpcCall{Sequence: 3, Call: &kpp.RpcCall_CmdGetPluginInfo{}}).GetPluginInfo()
	if none.GetName() != "" {
		t.Errorf("info of an unknown plugin = %v", none)
	}
	closed := ask(&kpp.RpcCall{Sequence: 4, Call: &kpp.RpcCall_CmdCloseInstance{
		CmdCloseInstance: &kpp.CmdCloseInstance{InstanceId: 99},
	}}).GetInstanceStatus()
	if closed.GetInstanceId() != 0 {
		t.Errorf("close of an unknown instance = %v", closed)
	}
}

// memoryConn is a connection that was sent all of its bytes beforehand.
type memoryConn struct {
	net.Conn
	in  *bytes.Reader
	out bytes.Buffer
}

func (c *memoryConn) Read(p []byte) (int, error)      { return c.in.Read(p) }
func (c *memoryConn) Write(p []byte) (int, error)     { return c.out.Write(p) }
func (c *memoryConn) Close() error                    { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error { return nil }
func (c *memoryConn) SetDeadline(time.Time) error     { return nil }

func FuzzServeConn(f *testing.F) {
	srv, err := New(Options{MaxFrame: 1 << 16, Logger: slog.New(slog.DiscardHandler)}, accessPlugin(func(kong *pdk.PDK) {
		_, _ = kong.Request.GetPath()
		_ = kong.Response.SetHeader("X", "y")
		_, _ = kong.Request.GetHeaders(-1)
		_ = kong.Log.Info("z")
	}))
	if err != nil {
		f.Fatal(err)
	}
	id := srv.instances.start("test", nil).id
	reply := func(frames ...[]byte) (b []byte) {
		for _, data := range frames {
			b = protocol.AppendFrame(b, data)
		}
		return b
	}
	start, err := proto.Marshal(&kpp.RpcCall{Sequence: 1, Call: &kpp.RpcCall_CmdStartInstance{
		CmdStartInstance: &kpp.CmdStartInstance{Name: "test", Config: []byte(`{"key":"x"}`)},
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reply(eventCall(1, id, "access"), []byte{10, 1, '/'}, nil, nil, nil, eventCall(2, id, "log")))
	f.Add(reply(start, eventCall(2, id, "rewrite")))
	f.Add(reply([]byte("garbage")))
	f.Fuzz(func(t *testing.T, stream []byte) {
		conn := &memoryConn{in: bytes.NewReader(stream)}
		sess := newSession(srv, conn)
		srv.add(sess)
		srv.serveSession(sess)
		out := bytes.NewReader(conn.out.Bytes())
		for {
			if _, err := kongtest.ReadFrame(out); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatalf("what was written is not whole frames: %v", err)
			}
		}
	})
}
