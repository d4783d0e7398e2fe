package pluginserver

import (
	"bufio"
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// handover is the handover that a parent holds, as one process after the other
// has it.
func handover(t *testing.T) *inherit.Handover {
	t.Helper()
	give, take, err := inherit.NewHandover()
	if err != nil {
		t.Fatal(err)
	}
	h, err := inherit.Files{inherit.Give: give, inherit.Take: take}.Handover()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// says is a plugin whose events leave a word in the response's headers.
func says(word string) Plugin {
	return accessPlugin(func(kong *pdk.PDK) { _ = kong.Response.SetHeader("X-Process", word) })
}

// Kong's connection goes on: an event that it sends while no process serves is
// answered by the next.
func TestHandover(t *testing.T) {
	t.Parallel()
	h, dir := handover(t), t.TempDir()
	first := serve(t, Options{Handover: h, InstanceDir: dir}, says("first"))
	id := first.mustStart(t, "test", nil)
	conn := dial(t, first.path)
	if got := eventOver(t, conn, id); got != "first" {
		t.Fatalf("the event ran in %q", got)
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	if err := kongtest.WriteFrame(conn, eventCall(7, id, "access")); err != nil {
		t.Fatalf("send an event while no process serves: %v", err)
	}
	second := serve(t, Options{Handover: h, InstanceDir: dir}, says("second"))
	if got := answered(t, conn, 7); got != "second" {
		t.Errorf("the event was answered by %q, want the second process", got)
	}
	if got := eventOver(t, conn, id); got != "second" {
		t.Errorf("the event after it was answered by %q", got)
	}
	if got := second.metric(t, "connections_taken_over_total", nil); got != 2 { // that of the start, too
		t.Errorf("connections_taken_over_total = %v, want 2", got)
	}
}

// eventOver runs an event on a connection and returns which process ran it.
func eventOver(t *testing.T, conn net.Conn, id int32) string {
	t.Helper()
	if err := kongtest.WriteFrame(conn, eventCall(1, id, "access")); err != nil {
		t.Fatal(err)
	}
	return answered(t, conn, 1)
}

// answered answers the calls of an event to its end, and returns the last word of
// the one setter's argument.
func answered(t *testing.T, conn net.Conn, sequence int64) string {
	t.Helper()
	word := ""
	for {
		method := mustRead(t, conn)
		if len(method) == 0 {
			break
		}
		argument := string(mustRead(t, conn))
		for _, candidate := range []string{"first", "second"} {
			if strings.HasSuffix(argument, candidate) {
				word = candidate
			}
		}
		if err := kongtest.WriteFrame(conn, nil); err != nil {
			t.Fatal(err)
		}
	}
	if ret := mustRead(t, conn); string(ret) != string(protocol.AppendReturn(nil, sequence)) {
		t.Fatalf("the event ended with %q", ret)
	}
	return word
}

func mustRead(t *testing.T, conn net.Conn) []byte {
	t.Helper()
	frame, err := kongtest.ReadFrame(conn)
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// A client that sends its next event together with the last reply loses none,
// whoever holds the connection.
func TestHandoverUnderLoad(t *testing.T) {
	t.Parallel()
	needsPeeking(t)
	const clients, restarts, between = 8, 10, 50
	h, dir := handover(t), t.TempDir()
	parent, path := parentSocket(t)
	start := func() (stop func() error, srv *Server) {
		srv, err := New(Options{Handover: h, InstanceDir: dir}, accessPlugin(sixCalls))
		if err != nil {
			t.Fatal(err)
		}
		stop, _ = background(t, srv, parent())
		return stop, srv
	}
	stop, srv := start()
	id := srv.instances.start("test", nil).id
	var events atomic.Int64
	var running sync.WaitGroup
	finished := make(chan struct{})
	for range clients {
		conn := dial(t, path)
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		running.Go(func() {
			kong := &miniKong{conn: conn, in: bufio.NewReader(conn)}
			for {
				select {
				case <-finished:
					return
				default:
				}
				if err := kong.event(id); err != nil {
					t.Error(err)
					return
				}
				events.Add(1)
			}
		})
	}
	for range restarts {
		for goal := events.Load() + between; events.Load() < goal && !t.Failed(); {
			runtime.Gosched()
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		stop, _ = start()
	}
	close(finished)
	running.Wait()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// parentSocket is a socket that a parent holds, and what makes listeners of it.
func parentSocket(t *testing.T) (listener func() net.Listener, path string) {
	t.Helper()
	path = filepath.Join(socketDir(t), "s")
	parent, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parent.Close() })
	return func() net.Listener {
		file, err := parent.File()
		if err != nil {
			t.Fatal(err)
		}
		ln, err := net.FileListener(file)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		return ln
	}, path
}
