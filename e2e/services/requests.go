package services

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/internal/httpjson"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

// maxRequests is how many requests a service remembers.
const maxRequests = 1000

// Request is a request as the service received it.
type Request struct {
	Method   string      `json:"method"`
	Path     string      `json:"path"`
	RawQuery string      `json:"raw_query"`
	Host     string      `json:"host"`
	Header   http.Header `json:"headers"`
	Time     time.Time   `json:"time"`
	Peer     Peer        `json:"peer"` // zero over plain HTTP
}

// Peer is whose certificate the caller showed.
type Peer struct {
	ID     string `json:"id"` // SPIFFE ID
	Serial string `json:"serial"`
}

func peerOf(r *http.Request) (p Peer) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return Peer{}
	}
	leaf := r.TLS.PeerCertificates[0]
	if len(leaf.URIs) > 0 {
		p.ID = leaf.URIs[0].String()
	}
	p.Serial = leaf.SerialNumber.String()
	return p
}

// traceID is the trace-id of the request's traceparent header (W3C Trace
// Context, 3.2.2.3), or "".
func (r Request) traceID() string {
	fields := strings.Split(r.Header.Get("Traceparent"), "-")
	if len(fields) < 4 {
		return ""
	}
	return fields[1]
}

// recorder remembers the last maxRequests requests. The zero value is ready.
type recorder struct {
	mu   sync.Mutex
	ring []Request
	next int // where the next goes once the ring is full
}

// record remembers what goes to next, before next sees it.
func (c *recorder) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.add(Request{
			Method: r.Method, Path: r.URL.Path, RawQuery: r.URL.RawQuery, Host: r.Host,
			Header: r.Header.Clone(), Time: time.Now().UTC(), Peer: peerOf(r),
		})
		next.ServeHTTP(w, r)
	})
}

func (c *recorder) add(r Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ring) < maxRequests {
		c.ring = append(c.ring, r)
		return
	}
	c.ring[c.next] = r
	c.next = (c.next + 1) % maxRequests
}

// last gives at most limit requests, newest first, of one trace if traceID is not "".
func (c *recorder) last(traceID string, limit int) []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := []Request{}
	for i := range c.ring {
		r := c.ring[(c.next+len(c.ring)-1-i)%len(c.ring)]
		if len(found) < limit && (traceID == "" || r.traceID() == traceID) {
			found = append(found, r)
		}
	}
	return found
}

// handleGet serves GET /__requests?trace_id=...&limit=...: a JSON object whose
// `requests` are the newest first; limit is 1 to 1000 and 100 if absent.
func (c *recorder) handleGet(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit := 100
	if text := query.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxRequests {
			problem.Write(w, problem.InvalidParameter("limit", "limit is "+strconv.Quote(text)+": set it to 1 to 1000, or leave it out"))
			return
		}
	}
	httpjson.Write(w, http.StatusOK, httpjson.ContentType, map[string][]Request{"requests": c.last(query.Get("trace_id"), limit)})
}

func (c *recorder) handleDelete(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ring, c.next = nil, 0
	w.WriteHeader(http.StatusNoContent)
}
