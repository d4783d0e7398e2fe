package upstream

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
)

// perCall are the headers that differ from call to call of the same principal and change
// nothing in an answer: the trace context, and the time that is left. All others are part
// of what makes two requests the same.
var perCall = map[string]bool{"Traceparent": true, "Tracestate": true, "Request-Timeout": true}

// Coalesce returns a transport on which GETs that are the same, and under way at the same
// time, share one request over base: the same method, URL and headers, but those that
// differ for each call. Who asks is in the headers, so that nothing is ever shared
// between two principals. Whatever comes back is kept for nobody who comes later.
//
// The request goes on as long as one caller waits. It carries the trace context and the
// time of the caller that came first; the others share a good answer (below 500) and ask
// for themselves after a bad one. shared, if not nil, is told of each that shared.
func Coalesce(base http.RoundTripper, shared func(*http.Request)) http.RoundTripper {
	return &coalescer{base: base, shared: shared, flights: make(map[string]*flight)}
}

type coalescer struct {
	base   http.RoundTripper
	shared func(*http.Request)

	mu      sync.Mutex
	flights map[string]*flight // by key
}

// flight is a request under way. Its results may be read once landed is closed.
type flight struct {
	waiting int // under coalescer.mu
	cancel  context.CancelFunc
	landed  chan struct{}

	resp *http.Response // its body is read
	body []byte
	err  error
}

// RoundTrip implements [http.RoundTripper].
func (c *coalescer) RoundTrip(r *http.Request) (*http.Response, error) {
	hedge := r.Context().Value(hedgeKey{}) != nil
	if hedge || r.Method != http.MethodGet || (r.Body != nil && r.Body != http.NoBody) {
		return c.base.RoundTrip(r)
	}
	key := keyOf(r)
	f, first := c.board(key, r)
	defer c.leave(key, f)
	select {
	case <-f.landed:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	switch {
	case first:
	case f.err != nil || f.resp.StatusCode >= http.StatusInternalServerError:
		return c.base.RoundTrip(r)
	case c.shared != nil:
		c.shared(r)
	}
	return f.answer(r)
}

// board joins the flight of that key, or starts it.
func (c *coalescer) board(key string, r *http.Request) (f *flight, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.flights[key]; ok {
		f.waiting++
		return f, false
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	f = &flight{waiting: 1, cancel: cancel, landed: make(chan struct{})}
	c.flights[key] = f
	sent := r.WithContext(ctx)
	sent.Header = r.Header.Clone() // the first caller may be gone before the request is
	go c.fly(key, f, sent)
	return f, true
}

// leave ends the flight if nobody waits for it any more.
func (c *coalescer) leave(key string, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiting--; f.waiting > 0 {
		return
	}
	if c.flights[key] == f {
		delete(c.flights, key)
	}
	f.cancel()
}

// fly sends the request and reads the answer. Nobody joins after that.
func (c *coalescer) fly(key string, f *flight, r *http.Request) {
	c.fetch(f, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flights[key] == f {
		delete(c.flights, key)
	}
	close(f.landed)
}

// fetch sends the request and reads the answer. A panic is an error: it would end the
// process here, and is the page's where the request is not shared.
func (c *coalescer) fetch(f *flight, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			f.err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	resp, err := c.base.RoundTrip(r)
	if err != nil {
		f.err = err
		return
	}
	defer resp.Body.Close()
	f.resp = resp
	f.body, f.err = readBody(resp)
}

// readBody reads a body to its end, or a byte more than any reader takes.
func readBody(resp *http.Response) ([]byte, error) {
	var body bytes.Buffer
	if resp.ContentLength > 0 {
		body.Grow(int(min(resp.ContentLength, maxBody)) + bytes.MinRead) // for the read that finds the end
	}
	_, err := body.ReadFrom(io.LimitReader(resp.Body, maxBody+1))
	return body.Bytes(), err
}

// answer is a response of its own for r.
func (f *flight) answer(r *http.Request) (*http.Response, error) {
	if f.err != nil {
		return nil, f.err
	}
	resp := *f.resp
	resp.Header = f.resp.Header.Clone()
	resp.Body = io.NopCloser(bytes.NewReader(f.body))
	resp.Request = r
	return &resp, nil
}

// keyOf is the same for two GETs if nothing in them differs but the headers of perCall.
// Each part has its length before it: no two lists of parts make one key.
func keyOf(r *http.Request) string {
	key := make([]byte, 0, 512)
	add := func(part string) {
		key = binary.AppendUvarint(key, uint64(len(part)))
		key = append(key, part...)
	}
	u := r.URL
	for _, part := range []string{u.Scheme, u.Host, u.Path, u.RawPath, u.RawQuery, r.Host} {
		add(part)
	}
	names := make([]string, 0, 16)
	for name := range r.Header {
		if !perCall[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		add(name)
		key = binary.AppendUvarint(key, uint64(len(r.Header[name])))
		for _, value := range r.Header[name] {
			add(value)
		}
	}
	return string(key)
}
