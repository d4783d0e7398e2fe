// Package otlpsink receives OpenTelemetry traces over OTLP/HTTP and shows them: for
// tests, which ask what a request left behind, and for a person who has no trace
// backend at hand.
//
//	POST /v1/traces                  an ExportTraceServiceRequest, binary protobuf, gzip or not
//	GET  /traces?limit=N             the newest traces, a JSON list of Summary
//	GET  /traces/{id}                one trace, a JSON list of Span; 404 if it is not held
//	GET  /traces/{id}?format=text    the same as an indented tree
//	GET  /traces/{id}?wait=2s        waits so long, at most, for the spans that are under way
//	GET  /healthz                    200
//
// The tree is for a person, who asks once and at once: it waits 3 s unless it is told how
// long. Programs ask again.
package otlpsink

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/internal/httpjson"
)

const (
	// maxTraces bounds what is held; the oldest traces go first.
	maxTraces = 2000
	// maxSpans bounds one trace; what is beyond it is dropped.
	maxSpans = 1000
	// maxBody bounds an export, in bytes, before and after gzip.
	maxBody = 16 << 20
	// defaultLimit is how many traces a list has if it is not asked for another number.
	defaultLimit = 20
)

// Sink holds the traces that it received. It is safe for concurrent use.
type Sink struct {
	mux   *http.ServeMux
	store store
}

// New returns a Sink that holds nothing yet.
func New() *Sink {
	s := &Sink{mux: http.NewServeMux(), store: newStore()}
	s.mux.HandleFunc("POST /v1/traces", s.receive)
	s.mux.HandleFunc("GET /traces", s.list)
	s.mux.HandleFunc("GET /traces/{id}", s.show)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	return s
}

// ServeHTTP serves what the package documentation lists.
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Trace returns the spans of a trace in order of their start, nil if none are held.
func (s *Sink) Trace(id string) []Span { return s.store.trace(id) }

func (s *Sink) receive(w http.ResponseWriter, r *http.Request) {
	got := r.Header.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(got); err != nil || media != "application/x-protobuf" {
		http.Error(w, fmt.Sprintf("Content-Type is %q: send application/x-protobuf", got), http.StatusUnsupportedMediaType)
		return
	}
	body, err := readBody(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var export coltrace.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &export); err != nil {
		http.Error(w, fmt.Sprintf("decode export: %v", err), http.StatusBadRequest)
		return
	}
	s.store.add(spansOf(&export))
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.WriteHeader(http.StatusOK) // an empty ExportTraceServiceResponse has no bytes
}

// errTooLarge is an export that unpacks to more than maxBody.
var errTooLarge = errors.New("export is too large: send smaller batches")

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var body io.Reader = http.MaxBytesReader(w, r.Body, maxBody)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, fmt.Errorf("unzip export: %w", err)
		}
		body = io.LimitReader(unzipped, maxBody+1)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("read export: %w", err)
	}
	if len(content) > maxBody {
		return nil, errTooLarge
	}
	return content, nil
}

func (s *Sink) list(w http.ResponseWriter, r *http.Request) {
	limit := defaultLimit
	if text := r.URL.Query().Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxTraces {
			http.Error(w, fmt.Sprintf("limit is %q: set it to 1 to %d, or leave it out", text, maxTraces), http.StatusBadRequest)
			return
		}
	}
	httpjson.Write(w, http.StatusOK, httpjson.ContentType, s.store.newest(limit))
}

func (s *Sink) show(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	wait, err := waitOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	spans := s.store.settled(r.Context(), id, wait)
	switch {
	case spans == nil:
		http.Error(w, fmt.Sprintf("no trace %s is held", id), http.StatusNotFound)
	case r.URL.Query().Get("format") == "text":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		writeTree(w, spans)
	default:
		httpjson.Write(w, http.StatusOK, httpjson.ContentType, spans)
	}
}
