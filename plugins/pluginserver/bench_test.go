package pluginserver

import (
	"io"
	"net"
	"testing"
	"time"
	"unsafe"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// discardConn swallows what is written, and owes nothing.
type discardConn struct{ net.Conn }

func (discardConn) Write(p []byte) (int, error) { return len(p), nil }
func (discardConn) Read([]byte) (int, error)    { return 0, io.EOF }
func (discardConn) SetDeadline(time.Time) error { return nil }

// eventOn returns a function that runs one event of the handler on a session.
func eventOn(t testing.TB, nc net.Conn, handler func(*pdk.PDK)) func() {
	t.Helper()
	return eventOfPlugin(t, nc, accessPlugin(handler))
}

// eventOfPlugin is eventOn for a plugin "test".
func eventOfPlugin(t testing.TB, nc net.Conn, p Plugin) func() {
	t.Helper()
	srv, err := New(Options{}, p)
	if err != nil {
		t.Fatal(err)
	}
	sess := newSession(srv, nc)
	sess.in = eventCall(7, srv.instances.start("test", nil).id, "access")
	return func() {
		if err := sess.answer(); err != nil {
			t.Fatal(err)
		}
	}
}

// Go 1.26's collector scans what is larger one by one, and keeps its type beside it.
func TestEventIsSmall(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(event{}); size > 512 {
		t.Errorf("an event takes %d bytes, want at most 512", size)
	}
}

// An event without PDK calls allocates its connection, with the PDK in it: a
// handler may keep that, so that it is not used again.
func TestAllocationsOfAnEvent(t *testing.T) {
	event := eventOn(t, discardConn{}, func(*pdk.PDK) {})
	if got := testing.AllocsPerRun(1000, event); got > 1 {
		t.Errorf("%v allocations in an event without PDK calls, want at most 1", got)
	}
}

func BenchmarkEventWithoutCalls(b *testing.B) {
	event := eventOn(b, discardConn{}, func(*pdk.PDK) {})
	b.ReportAllocs()
	for b.Loop() {
		event()
	}
}

// sixCalls is what a typical access handler does: two reads, four writes.
func sixCalls(kong *pdk.PDK) {
	_, _ = kong.Request.GetPath()
	_, _ = kong.Request.GetHeader("authorization")
	_ = kong.ServiceRequest.SetHeader("X-Tenant-Id", "acme")
	_ = kong.ServiceRequest.SetHeader("X-User-Id", "u1")
	_ = kong.Response.SetHeader("RateLimit", "limit=10")
	_ = kong.Ctx.SetShared("tenant", "acme")
}

func BenchmarkSixCalls(b *testing.B) {
	fake := func(b *testing.B, far net.Conn) {
		b.Helper()
		reply := protocol.AppendFrame(nil, []byte{10, 1, '/'})
		for {
			method, err := kongtest.ReadFrame(far)
			if err != nil {
				return
			}
			if len(method) == 0 {
				_, _ = kongtest.ReadFrame(far)
				continue
			}
			_, _ = kongtest.ReadFrame(far)
			_, _ = far.Write(reply)
		}
	}
	b.Run("pipelined", func(b *testing.B) {
		near, far := socketPair(b)
		go fake(b, far)
		event := eventOn(b, near, sixCalls)
		b.ReportAllocs()
		for b.Loop() {
			event()
		}
	})
	b.Run("plain bridge", func(b *testing.B) {
		near, far := socketPair(b)
		go fake(b, far)
		b.ReportAllocs()
		for b.Loop() {
			sixCalls(pdk.Init(near))
			_ = kongtest.WriteFrame(near, nil)
			_ = kongtest.WriteFrame(near, []byte{8, 1})
		}
	})
}

// startConfig is a configuration of the usual size.
type startConfig struct {
	handled
	Names  []string          `json:"names"`
	Plans  map[string]int    `json:"plans"`
	Redis  map[string]string `json:"redis"`
	Stores []struct {
		URL string `json:"url"`
	} `json:"stores"`
}

func BenchmarkStartInstance(b *testing.B) {
	srv, err := New(Options{}, plain("test", func() any { return &startConfig{} }))
	if err != nil {
		b.Fatal(err)
	}
	config := []byte(`{"__seq__":1,"names":["a","b"],"plans":{"free":60,"pro":600},"redis":{"url":"redis://x","timeout_ms":"50"},"stores":{}}`)
	for b.Loop() {
		srv.instances.closeOne(srv.instances.start("test", config).id)
	}
}
