package services

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/internal/problem"
)

// maxControlBody bounds the body of a control request, in bytes.
const maxControlBody = 64 << 10

// Fault is what goes wrong. Its members add up: latency first, then hang, reset
// or status, in this order.
type Fault struct {
	// LatencyMS is how late the answer is, in milliseconds, up to 60000.
	LatencyMS int `json:"latency_ms"`
	// NeedsMS is the time that an answer takes at least, in milliseconds, up to 60000: a
	// request whose caller waits for less (Request-Timeout) is refused at once.
	NeedsMS int `json:"needs_ms"`
	// Status, 400 to 599, is answered in place of the real answer; 0 is none.
	Status int `json:"status"`
	// Rate is the share of matching requests that it happens to, over 0 to 1, in
	// steps of 0.001; absent is 1. It is spread evenly and begins with the first
	// request, so that a test is not a game of chance.
	Rate *float64 `json:"rate"`
	// Paths it happens to, with all below them; none means every path.
	Paths []string `json:"paths"`
	// Hang withholds the answer until the caller gives up or the fault is lifted.
	Hang bool `json:"hang"`
	// Reset drops the connection without an answer (TCP RST).
	Reset bool `json:"reset"`
}

// parseFault reads the body of PUT /__faults. Its errors name the field, the
// value and the fix.
func parseFault(body io.Reader) (Fault, error) {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	var f Fault
	if err := decoder.Decode(&f); err != nil {
		return Fault{}, fmt.Errorf("read fault: %w: send one JSON object with latency_ms, needs_ms, status, rate, paths, hang, reset", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Fault{}, errors.New("read fault: more than one JSON value: send one object")
	}
	return f, f.check()
}

func (f Fault) check() error {
	switch {
	case f.LatencyMS < 0 || f.LatencyMS > 60_000:
		return fmt.Errorf("latency_ms is %d: set it to 0 to 60000", f.LatencyMS)
	case f.NeedsMS < 0 || f.NeedsMS > 60_000:
		return fmt.Errorf("needs_ms is %d: set it to 0 to 60000", f.NeedsMS)
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status is %d: set it to 400 to 599, or leave it out", f.Status)
	case f.Rate != nil && (*f.Rate <= 0 || *f.Rate > 1):
		return fmt.Errorf("rate is %v: set it over 0 and up to 1, or leave it out", *f.Rate)
	case f.LatencyMS == 0 && f.NeedsMS == 0 && f.Status == 0 && !f.Hang && !f.Reset:
		return errors.New("fault does nothing: set latency_ms, needs_ms, status, hang or reset")
	}
	for _, p := range f.Paths {
		if !strings.HasPrefix(p, "/") {
			return fmt.Errorf("paths has %q: begin it with /", p)
		}
	}
	return nil
}

func (f Fault) matches(path string) bool {
	for _, p := range f.Paths {
		if path == p || strings.HasPrefix(path, strings.TrimSuffix(p, "/")+"/") {
			return true
		}
	}
	return len(f.Paths) == 0
}

// steps is the rate in thousandths.
func (f Fault) steps() int {
	if f.Rate == nil {
		return 1000
	}
	return max(1, int(math.Round(*f.Rate*1000)))
}

// faults holds the fault that is set, if any. The zero value has none.
type faults struct {
	mu     sync.Mutex
	set    *Fault
	credit int           // thousandths gathered towards the next hit
	lifted chan struct{} // closed when the fault is no longer set
}

// next returns the fault for a request of path, if there is one.
func (f *faults) next(path string) (fault Fault, lifted <-chan struct{}, hit bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set == nil || !f.set.matches(path) {
		return Fault{}, nil, false
	}
	f.credit += f.set.steps()
	if f.credit < 1000 {
		return Fault{}, nil, false
	}
	f.credit -= 1000
	return *f.set, f.lifted, true
}

func (f *faults) replace(with *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set != nil {
		close(f.lifted)
	}
	f.set = with
	if with != nil {
		f.lifted = make(chan struct{})
		f.credit = 1000 - with.steps()
	}
}

func (f *faults) handlePut(w http.ResponseWriter, r *http.Request) {
	fault, err := parseFault(http.MaxBytesReader(w, r.Body, maxControlBody))
	if err != nil {
		problem.Write(w, problem.InvalidParameter("body", err.Error()))
		return
	}
	f.replace(&fault)
	w.WriteHeader(http.StatusNoContent)
}

func (f *faults) handleDelete(w http.ResponseWriter, _ *http.Request) {
	f.replace(nil)
	w.WriteHeader(http.StatusNoContent)
}

// inject makes requests for next meet the fault that is set.
func (f *faults) inject(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, lifted, hit := f.next(r.URL.Path)
		if !hit {
			next.ServeHTTP(w, r)
			return
		}
		if fault.LatencyMS > 0 && !wait(r, time.After(time.Duration(fault.LatencyMS)*time.Millisecond), lifted) {
			return
		}
		if fault.Hang && !wait(r, nil, lifted) {
			return
		}
		switch {
		case fault.Reset:
			reset(w)
		case fault.Status != 0:
			problem.Write(w, injected(fault.Status))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// wait returns when one of the two has come, or false when the caller has gone.
func wait(r *http.Request, timer <-chan time.Time, lifted <-chan struct{}) bool {
	select {
	case <-timer:
		return true
	case <-lifted:
		return true
	case <-r.Context().Done():
		return false
	}
}

// reset drops the connection. Where it cannot be had (HTTP/2) the answer says so.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		problem.Write(w, injected(http.StatusInternalServerError))
		return
	}
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else it ends politely, which is a failure too
	}
	_ = conn.Close()
}

func injected(status int) *problem.Details {
	return problem.New(problem.TypeInjectedFault, "Injected fault", status,
		"A test asked for this failure; DELETE /__faults ends it.")
}
