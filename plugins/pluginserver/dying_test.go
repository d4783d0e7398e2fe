package pluginserver

import (
	"bytes"
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"

	"github.com/Kong/go-pdk"

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
	for name, die := range map[string]func(*pdk.PDK, *session){
		"at once":       func(_ *pdk.PDK, sess *session) { _ = sess.nc.Close() },
		"after a reply": func(kong *pdk.PDK, sess *session) { _, _ = kong.Request.GetPath(); _ = sess.nc.Close() },
		"after a long reply": func(kong *pdk.PDK, sess *session) {
			_, _ = kong.Request.GetRawBody()
			_ = sess.nc.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dying := make(chan *session, 1)
			srv := serve(t, Options{}, accessPlugin(func(kong *pdk.PDK) { die(kong, <-dying) }))
			id := srv.mustStart(t, "test", nil)
			srv.eachSession(func(sess *session) { dying <- sess })
			_, err := srv.HandleEvent(id, "access", kongtest.Request{Path: "/x", Body: bytes.Repeat([]byte("x"), 100<<10)})
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the event ended with %v, want a reset", err)
			}
		})
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
