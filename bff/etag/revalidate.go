package etag

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// maxKept bounds the buffers that are kept for the next answer, in bytes; a page has
// a few thousand.
const maxKept = 64 << 10

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Revalidate tags the answers of next that say [Private], by the bytes of their
// body, and answers 304 to who holds these bytes already (RFC 9110, 13.1.2). All
// answers are held until they are whole, so next is no stream.
func Revalidate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := held{ResponseWriter: w, status: http.StatusOK, body: buffers.Get().(*bytes.Buffer)}
		h.body.Reset()
		next.ServeHTTP(&h, r)
		h.send(strings.Join(r.Header.Values("If-None-Match"), ", ")) // lines are one list (RFC 9110, 5.3)
		if h.body.Cap() <= maxKept {
			buffers.Put(h.body)
		}
	})
}

// held is an answer that is not sent yet.
type held struct {
	http.ResponseWriter
	status int
	body   *bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (h *held) WriteHeader(status int) { h.status = status }

// Write implements http.ResponseWriter.
func (h *held) Write(p []byte) (int, error) { return h.body.Write(p) }

func (h *held) send(ifNoneMatch string) {
	header := h.Header()
	if h.status == http.StatusOK && header.Get("Cache-Control") == Private {
		tag := Of(h.body.Bytes())
		header.Set("ETag", tag)
		if Matches(ifNoneMatch, tag) {
			header.Del("Content-Type")
			h.ResponseWriter.WriteHeader(http.StatusNotModified)
			return
		}
	}
	header.Set("Content-Length", strconv.Itoa(h.body.Len()))
	h.ResponseWriter.WriteHeader(h.status)
	_, _ = h.ResponseWriter.Write(h.body.Bytes()) // fails where the client is gone
}
