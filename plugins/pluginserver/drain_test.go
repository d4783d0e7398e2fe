package pluginserver

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/listen"
)

func TestDrainLetsEventsEnd(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	srv := serve(t, Options{}, accessPlugin(func(kong *pdk.PDK) {
		close(entered)
		<-leave
		if path, err := kong.Request.GetPath(); path != "/p" || err != nil {
			t.Errorf("GetPath while draining = %q, %v", path, err)
		}
	}))
	id := srv.mustStart(t, "test", []byte(`{}`))
	event := make(chan error, 1)
	go func() {
		_, err := srv.HandleEvent(id, "access", kongtest.Request{Path: "/p"})
		event <- err
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- srv.stop() }()
	for {
		conn, err := net.Dial("unix", srv.path)
		if err != nil {
			break // accepts no more
		}
		_ = conn.Close()
	}
	close(leave)
	if err := <-event; err != nil {
		t.Errorf("the event that ran: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
}

func TestDrainEndsIdleConnectionsCleanly(t *testing.T) {
	t.Parallel()
	srv := serve(t, Options{}, accessPlugin(func(*pdk.PDK) {}))
	id := srv.mustStart(t, "test", []byte(`{}`))
	idle, err := net.Dial("unix", srv.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := kongtest.WriteFrame(idle, eventCall(2, id, "access")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the empty frame and the return
		if _, err := kongtest.ReadFrame(idle); err != nil {
			t.Fatal(err)
		}
	}
	stopped := make(chan error, 1)
	go func() { stopped <- srv.stop() }()
	// Kong may send a call in the very moment in which the connection ends. It
	// must read a clean end even so: a reset would be a 500.
	if _, err := kongtest.ReadFrame(idle); !errors.Is(err, io.EOF) {
		t.Errorf("the idle connection ended with %v, want EOF", err)
	}
	if err := kongtest.WriteFrame(idle, eventCall(3, id, "access")); err != nil {
		t.Errorf("a call after the end: %v, want it to be taken and dropped", err)
	}
	if _, err := kongtest.ReadFrame(idle); !errors.Is(err, io.EOF) {
		t.Errorf("the late call was answered with %v, want EOF", err)
	}
	_ = idle.Close()
	if err := <-stopped; err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
}

func TestDrainTimeout(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	srv := serve(t, Options{DrainTimeout: 20 * time.Millisecond}, accessPlugin(func(*pdk.PDK) { close(entered); <-leave }))
	defer close(leave)
	id := srv.mustStart(t, "test", []byte(`{}`))
	event := make(chan error, 1)
	go func() { _, err := srv.HandleEvent(id, "access", kongtest.Request{}); event <- err }()
	<-entered
	if err := srv.stop(); err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
	if err := <-event; err == nil || kongtest.ShouldRestart(err) {
		t.Errorf("the event that was cut off: %v, want one that fails, and resets no instance", err)
	}
	if !strings.Contains(srv.logs.String(), "events cut off") {
		t.Errorf("the cut was not logged: %s", srv.logs)
	}
}

func TestServeOnceAtATime(t *testing.T) {
	t.Parallel()
	srv := serve(t, Options{}, accessPlugin(func(*pdk.PDK) {}))
	srv.mustStart(t, "test", []byte(`{}`)) // it serves by now
	if err := srv.Serve(t.Context(), nil); err == nil {
		t.Error("a second Serve was let in")
	}
}

func TestServeReportsAListenerThatFails(t *testing.T) {
	t.Parallel()
	srv, err := New(Options{}, accessPlugin(func(*pdk.PDK) {}))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := listen.Unix(socketDir(t) + "/s")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := srv.Serve(t.Context(), ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve on a closed listener = %v, want net.ErrClosed", err)
	}
}

// TestDrainUnderLoadLosesNothing stops a server under concurrent events. What
// Kong must see is a clean end between two events: then it runs the event that
// it was about to send elsewhere.
func TestDrainUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	var ran, answered, sentElsewhere atomic.Int64
	underLoad := make(chan struct{})
	srv := serve(t, Options{}, accessPlugin(func(kong *pdk.PDK) {
		_ = kong.Response.SetHeader("X", "1")
		_, _ = kong.Request.GetPath()
		if ran.Add(1) == 500 {
			close(underLoad)
		}
	}))
	id := srv.mustStart(t, "test", []byte(`{}`))
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for {
				effects, err := srv.HandleEvent(id, "access", kongtest.Request{})
				if err == nil {
					answered.Add(1)
					continue
				}
				// Kong's connect fails, or its idle connection has ended.
				refused := errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT)
				if !refused && !errors.Is(err, kongtest.ErrClosed) || len(effects.Calls) > 0 {
					t.Errorf("an event ended with %v after %d calls, want a clean end before it begins", err, len(effects.Calls))
				}
				sentElsewhere.Add(1)
				if refused {
					return
				}
			}
		})
	}
	<-underLoad
	if err := srv.stop(); err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
	workers.Wait()
	if ran.Load() != answered.Load() {
		t.Errorf("%d events ran, %d were answered", ran.Load(), answered.Load())
	}
	t.Logf("%d events, %d to be sent elsewhere", answered.Load(), sentElsewhere.Load())
}

// TestTheBacklogIsServed stops a server while a connection waits in its
// backlog, which would be reset with it.
func TestTheBacklogIsServed(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	var events atomic.Int32
	srv := serve(t, Options{MaxConnections: 1}, accessPlugin(func(*pdk.PDK) {
		if events.Add(1) == 1 {
			close(entered)
			<-leave
		}
	}))
	id := srv.mustStart(t, "test", []byte(`{}`))
	first, stopped := make(chan error, 1), make(chan error, 1)
	go func() { _, err := srv.HandleEvent(id, "access", kongtest.Request{}); first <- err }()
	<-entered
	late, err := net.Dial("unix", srv.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := kongtest.WriteFrame(late, eventCall(1, id, "access")); err != nil {
		t.Fatal(err)
	}
	go func() { stopped <- srv.stop() }()
	if err := kongtest.New(kongtest.Request{}).Serve(late); err != nil {
		t.Errorf("the event in the backlog: %v, want it to be served", err)
	}
	_ = late.Close()
	close(leave)
	if err := <-first; err != nil {
		t.Errorf("the event that ran: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
}
