package pluginserver

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
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
	if err := <-event; !kongtest.ShouldRestart(err) {
		t.Errorf("the event that was cut off: %v, want one that Kong runs again elsewhere", err)
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
	ln, err := Listen(socketDir(t) + "/s")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := srv.Serve(t.Context(), ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve on a closed listener = %v, want net.ErrClosed", err)
	}
}
