package faults

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// spans is an OTLP collector that knows of which requests it has the gateway's span.
type spans struct {
	addr string

	mu     sync.Mutex
	server *http.Server
	traces map[string]bool
}

func startSpans() (*spans, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &spans{addr: ln.Addr().String(), traces: map[string]bool{}}
	s.serve(ln)
	return s, nil
}

func (s *spans) serve(ln net.Listener) {
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.server = server
	go func() { _ = server.Serve(ln) }() // ends with ErrServerClosed
}

// leave has nobody listen at its address, until it comes back.
func (s *spans) leave() { _ = s.server.Close() }

func (s *spans) comeBack(ctx context.Context) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr)
	if err == nil {
		s.serve(ln)
	}
	return err
}

// ServeHTTP takes an export.
func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	export := ptraceotlp.NewExportRequest()
	if err := export.UnmarshalProto(body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, resource := range export.Traces().ResourceSpans().All() {
		if name, ok := resource.Resource().Attributes().Get("service.name"); !ok || name.Str() != "kong" {
			continue
		}
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				s.traces[span.TraceID().String()] = true
			}
		}
	}
}

// missing is how many of the answers have no span of the gateway's.
func (s *spans) missing(answers []answer) (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range answers {
		if a.trace != "" && !s.traces[a.trace] {
			count++
		}
	}
	return count
}
