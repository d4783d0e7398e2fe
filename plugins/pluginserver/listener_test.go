package pluginserver

import (
	"net"
	"testing"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/listen"
)

// TestAParentsSocketStays: connections wait in its backlog after the server has stopped.
func TestAParentsSocketStays(t *testing.T) {
	t.Parallel()
	listener, path := parentSocket(t)
	srv, err := New(Options{}, plain("test", func() any { return &handled{} }))
	if err != nil {
		t.Fatal(err)
	}
	stop, _ := background(t, srv, listener())
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
	conn, err = net.Dial("unix", path) // waits in the parent's backlog
	if err != nil {
		t.Fatalf("after the server stopped, the parent's socket is gone: %v", err)
	}
	_ = conn.Close()
}

// TestTakeOver puts a second server in the place of one that still runs.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	first := serve(t, Options{}, accessPlugin(func(kong *pdk.PDK) { _ = kong.Response.SetHeader("X", "first") }))
	second, err := New(Options{}, accessPlugin(func(kong *pdk.PDK) { _ = kong.Response.SetHeader("X", "second") }))
	if err != nil {
		t.Fatal(err)
	}
	old := first.mustStart(t, "test", nil) // leaves a connection
	ln, err := listen.TakeOver(first.path)
	if err != nil {
		t.Fatal(err)
	}
	stop, _ := background(t, second, ln)
	if got := first.event(t, old, kongtest.Request{}).Response.Headers.Get("X"); got != "first" {
		t.Errorf("a connection from before is served by the %s", got)
	}
	if err := first.stop(); err != nil {
		t.Error(err)
	}
	client := kongtest.NewClient(first.path)
	defer func() { _ = client.Close() }()
	id, err := client.StartInstance("test", nil)
	if err != nil {
		t.Fatal(err)
	}
	effects, err := client.HandleEvent(id, "access", kongtest.Request{})
	if got := effects.Response.Headers.Get("X"); err != nil || got != "second" {
		t.Errorf("a new connection: %v, served by the %s", err, got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
