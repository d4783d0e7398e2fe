package upstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/internal/requesttimeout"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// maxBody bounds an answer, in bytes; the largest page of 100 orders has 30 kB.
const maxBody = 1 << 20

// maxDrain bounds what is read of an answer that is thrown away, in bytes, for
// the connection to be used again.
const maxDrain = 64 << 10

// NewTransport returns the connections to the services: one pool for all of
// them, as large as a busy BFF needs and no larger than a service can bear, with
// a short way out where nobody listens. It takes no proxy from the environment,
// does not unpack gzip, and the caller closes its idle connections.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 500 * time.Millisecond, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    128,
		MaxConnsPerHost:        512,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
	}
}

// doer is the HTTP client under the generated ones. It bounds bodies, and tells a
// service that cannot serve now (5xx, 429) from one that answers, whatever body the
// former sends: it may come from a proxy. What an http.Client adds (redirects, cookies,
// a timeout) no call has, and a page would pay 6 % for it.
type doer struct{ client *telemetry.Client }

// Do sends r, and says how long its context lets it wait.
func (d doer) Do(r *http.Request) (*http.Response, error) {
	if deadline, ok := r.Context().Deadline(); ok {
		requesttimeout.Write(r.Header, time.Until(deadline))
	}
	resp, err := d.client.Do(r)
	if err != nil {
		return nil, &transportError{err}
	}
	if resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxDrain)) // the connection is closed if that fails
		return nil, &statusError{status: resp.StatusCode, tooLittleTime: saysTooLittleTime(resp.StatusCode, text)}
	}
	resp.Body = body{http.MaxBytesReader(nil, resp.Body, maxBody)}
	return resp, nil
}

// saysTooLittleTime tells whether a service refused the call for the time that it had.
func saysTooLittleTime(status int, body []byte) bool {
	var said problem.Document
	return status == http.StatusGatewayTimeout && json.Unmarshal(body, &said) == nil && said.Type == problem.TypeTooLittleTime
}

// transportError tells that the bytes did not come, from bytes that made no sense.
type transportError struct{ err error }

func (e *transportError) Error() string { return e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

func isTransport(err error) bool {
	_, ok := errors.AsType[*transportError](err)
	return ok
}

// body marks errors of reading as the transport's, except that of too much.
type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return n, fmt.Errorf("read answer of more than %d bytes: %w", maxBody, err)
	}
	return n, &transportError{err}
}
