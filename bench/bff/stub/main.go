// Command stub stands in for the four services: it plays back what the sample services
// answer to the calls of a dashboard, byte for byte, with as little work as can be.
//
//	stub ADDR [P95]
//
// With a P95, such as 80ms, an answer takes a time of a log-normal distribution with
// that 95th percentile and half of it as its median. It ends when standard input does.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// calls are what a dashboard asks, by service.
var calls = map[string]string{
	services.Users:         "/v1/users/u1",
	services.Orders:        "/v2/orders?limit=5",
	services.Billing:       "/v1/summary",
	services.Notifications: "/v1/notifications?unread=true&limit=5",
}

func main() {
	fmt.Fprintln(os.Stderr, "stub:", run(os.Args[1:]))
	os.Exit(1)
}

// run serves until it cannot.
func run(args []string) error {
	if len(args) < 1 {
		return errors.New("usage: stub ADDR [P95]")
	}
	s := stub{answers: make(map[string][]byte)}
	if len(args) > 1 {
		var err error
		if s.p95, err = time.ParseDuration(args[1]); err != nil {
			return err
		}
	}
	for name, target := range calls {
		path, answer, err := record(name, target)
		if err != nil {
			return err
		}
		s.answers[path] = answer
	}
	ln, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			return err
		}
		go s.serve(conn)
	}
}

// record asks a sample service, as acme's user u1, and keeps its answer as bytes.
func record(name, target string) (path string, answer []byte, err error) {
	service, err := services.New(name, services.Options{
		Telemetry: telemetry.With(noop.NewTracerProvider()), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return "", nil, err
	}
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, target, nil)
	r.Header = http.Header{"X-Tenant-Id": {"acme"}, "X-User-Id": {"u1"}}
	w := httptest.NewRecorder()
	service.API.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return "", nil, fmt.Errorf("ask %s for %s: status %d", name, target, w.Code)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", w.Body.Len())
	if err := w.Header().Write(&out); err != nil {
		return "", nil, err
	}
	out.WriteString("\r\n")
	out.Write(w.Body.Bytes())
	return r.URL.Path, out.Bytes(), nil
}

type stub struct {
	answers map[string][]byte // by path
	p95     time.Duration
}

// serve answers on a connection whose requests have no body.
func (s stub) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		answer, err := s.next(in)
		if err != nil {
			return
		}
		if s.p95 > 0 {
			time.Sleep(s.latency())
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// notFound is for what no dashboard asks.
var notFound = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

// next reads a request and finds its answer.
func (s stub) next(in *bufio.Reader) (answer []byte, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	target := line
	if fields := bytes.SplitN(line, []byte(" "), 3); len(fields) == 3 {
		target = fields[1]
	}
	path, _, _ := bytes.Cut(target, []byte("?"))
	if answer = s.answers[string(path)]; answer == nil {
		answer = notFound
	}
	for len(bytes.TrimRight(line, "\r\n")) > 0 {
		if line, err = in.ReadSlice('\n'); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// standardNormalP95 is the 95th percentile of a standard normal distribution.
const standardNormalP95 = 1.6449

func (s stub) latency() time.Duration {
	spread := math.Ln2 / standardNormalP95 // the percentile is twice the median
	return time.Duration(float64(s.p95) / 2 * math.Exp(spread*rand.NormFloat64()))
}
