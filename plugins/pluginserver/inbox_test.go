package pluginserver

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// needsPeeking skips a test of what only Linux can do.
func needsPeeking(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux reads on behind what it left in the kernel's buffer")
	}
}

// A process that dies closes its sockets as they are.
func TestDyingInMidEventResetsTheConnection(t *testing.T) {
	t.Parallel()
	needsPeeking(t)
	for name, die := range map[string]func(*pdk.PDK, *link){
		"at once":       func(_ *pdk.PDK, l *link) { _ = l.nc.Close() },
		"after a reply": func(kong *pdk.PDK, l *link) { _, _ = kong.Request.GetPath(); _ = l.nc.Close() },
		"after a long reply": func(kong *pdk.PDK, l *link) {
			_, _ = kong.Request.GetRawBody()
			_ = l.nc.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dying := make(chan *link, 1)
			srv := serve(t, Options{}, accessPlugin(func(kong *pdk.PDK) { die(kong, <-dying) }))
			id := srv.mustStart(t, "test", nil)
			srv.eachLink(func(l *link) { dying <- l })
			_, err := srv.HandleEvent(id, "access", kongtest.Request{Path: "/x", Body: bytes.Repeat([]byte("x"), 100<<10)})
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the event ended with %v, want a reset", err)
			}
		})
	}
}

// What is left unread must never fill the kernel's buffer: Kong's writes would
// block while this side waits for them.
func TestUnreadBytesDoNotStopKong(t *testing.T) {
	t.Parallel()
	near, far := socketPair(t)
	in := newInbox(near)
	const packets = 20_000
	written := make(chan error, 1)
	go func() {
		for range packets {
			if _, err := far.Write([]byte("1234")); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	_ = near.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(in, make([]byte, 4*packets)); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if in.raw != nil && (in.held == 0 || in.held > holdLimit+protocol.BufferSize) {
		t.Errorf("%d bytes are held, want some and not many", in.held)
	}
	if err := in.settle(0); err != nil || in.held != 0 {
		t.Errorf("after settling %d bytes are held, error %v", in.held, err)
	}
}

func TestInboxReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	near, far := socketPair(t)
	in := newInbox(near)
	_ = near.SetDeadline(time.Now().Add(10 * time.Second))
	want := make([]byte, 0, 1<<20)
	for i := range cap(want) {
		want = append(want, byte(i*i>>3))
	}
	go func() {
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 1+len(rest)%3001)
			_, _ = far.Write(rest[:n])
			rest = rest[n:]
		}
		_ = far.Close()
	}()
	var got []byte
	buf := make([]byte, 1733)
	for i := 0; ; i++ {
		n, err := in.Read(buf[:1+i%len(buf)])
		got = append(got, buf[:n]...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if i%7 == 0 {
			if err := in.settle(0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("what was read is not what was written")
	}
}

func dial(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// To peek and to take allocates nothing: it is done for each event.
func TestAllocationsOfReading(t *testing.T) {
	near, far := socketPair(t)
	in := newInbox(near)
	buf, message := make([]byte, 16), []byte("1234567")
	got := testing.AllocsPerRun(100, func() {
		_, _ = far.Write(message)
		_, _ = in.Read(buf)
		_ = in.settle(0)
	})
	if got > 0 {
		t.Errorf("%v allocations, want none", got)
	}
}
