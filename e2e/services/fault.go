package services

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/httpjson"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

// maxControlBody bounds the body of a control request, in bytes.
const maxControlBody = 64 << 10

// Fault is what goes wrong. Its members add up: latency first, then hang, then reset,
// redirect, or the answer's status, body and padding, in this order.
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
	// Redirect is a URL to go to instead (307).
	Redirect string `json:"redirect"`
	// Body is answered in place of the real one, as JSON, whatever it is.
	Body *string `json:"body"`
	// PadBytes are as many spaces before Body, which JSON allows, up to 1 GiB.
	PadBytes int `json:"pad_bytes"`
}

const maxPad = 1 << 30

// parseFault reads the body of PUT /__faults. Its errors name the field, the
// value and the fix.
func parseFault(body io.Reader) (Fault, error) {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	var f Fault
	if err := decoder.Decode(&f); err != nil {
		return Fault{}, fmt.Errorf("read fault: %w: send one JSON object with latency_ms, needs_ms, status, rate, paths, hang, reset, redirect, body, pad_bytes", err)
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
	case f.PadBytes < 0 || f.PadBytes > maxPad:
		return fmt.Errorf("pad_bytes is %d: set it to 0 to %d", f.PadBytes, maxPad)
	case f.PadBytes != 0 && f.Body == nil:
		return errors.New("pad_bytes stand before body: set body")
	case f.isNothing():
		return errors.New("fault does nothing: set latency_ms, needs_ms, status, hang, reset, redirect or body")
	}
	for _, p := range f.Paths {
		if !strings.HasPrefix(p, "/") {
			return fmt.Errorf("paths has %q: begin it with /", p)
		}
	}
	return nil
}

func (f Fault) isNothing() bool {
	return f.LatencyMS == 0 && f.NeedsMS == 0 && f.Status == 0 && !f.Hang && !f.Reset && f.Redirect == "" && f.Body == nil
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

// answer is what there is to a request once its time has come.
func (f Fault) answer(w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch {
	case f.Reset:
		reset(w)
	case f.Redirect != "":
		http.Redirect(w, r, f.Redirect, http.StatusTemporaryRedirect)
	case f.Body != nil:
		w.Header().Set("Content-Type", httpjson.ContentType)
		w.WriteHeader(cmp.Or(f.Status, http.StatusOK))
		pad(w, f.PadBytes)
		_, _ = io.WriteString(w, *f.Body)
	case f.Status != 0:
		problem.Write(w, injected(f.Status))
	default:
		next.ServeHTTP(w, r)
	}
}

// pad writes n spaces, as far as anybody reads them.
func pad(w io.Writer, n int) {
	spaces := bytes.Repeat([]byte(" "), min(n, maxControlBody))
	for n > 0 {
		written, err := w.Write(spaces[:min(n, len(spaces))])
		if err != nil {
			return
		}
		n -= written
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
