package audit

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// overdue is longer than a request's access line is waited for.
const overdue = 315 * time.Second

// upstream is what Kong proxies to.
type upstream struct {
	addr    string
	waiting atomic.Int64 // slow requests under way
	server  *http.Server
}

func startUpstream() (*upstream, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	u := &upstream{addr: ln.Addr().String()}
	u.server = &http.Server{Handler: u, ReadHeaderTimeout: time.Minute}
	go serve(u.server, ln)
	return u, nil
}

// serve serves until the server is closed.
func serve(server *http.Server, ln net.Listener) {
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		_ = ln.Close()
	}
}

// ServeHTTP answers with a few bytes, at once, later, or a little at a time.
func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/slow":
		u.waiting.Add(1)
		defer u.waiting.Add(-1)
		time.Sleep(slow)
	case "/long":
		trickle(w, overdue)
	}
	_, _ = io.WriteString(w, "ok")
}

// trickle writes something every ten seconds, for so long.
func trickle(w http.ResponseWriter, length time.Duration) {
	for began := time.Now(); time.Since(began) < length; time.Sleep(10 * time.Second) {
		if _, err := io.WriteString(w, "."); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
	}
}
