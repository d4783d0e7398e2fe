// Package httpload sends one request over and over, with as little work of its own as
// can be: it shares the processors with what it measures.
package httpload

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Clients are the connections of a load that does not say how many.
const Clients = 16

// Load sends the same request, or some in turn, on every connection.
type Load struct {
	Addr    string
	Request []byte
	Clients int
	// Requests are sent in turn in place of Request, if there are any.
	Requests [][]byte
	// Pause is the time from one request of a client to its next; 0 is none.
	Pause time.Duration
}

// New returns a load of GETs, with header lines such as "apikey: k".
func New(addr, path string, header ...string) Load {
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: bench\r\n", path)
	for _, line := range header {
		request = fmt.Appendf(request, "%s\r\n", line)
	}
	return Load{Addr: addr, Request: append(request, "\r\n"...), Clients: Clients}
}

// Pause is the pause at which so many clients together send so many requests a second.
func Pause(clients int, perSecond float64) time.Duration {
	return time.Duration(float64(clients) / perSecond * float64(time.Second))
}

// Outcome is what a load came to.
type Outcome struct {
	Requests  int64
	Failed    int64 // of these, answered with a status of 400 or above
	Took      time.Duration
	Latencies []time.Duration // of each request, in no order
}

// PerSecond is how many requests were answered in a second.
func (o Outcome) PerSecond() float64 { return float64(o.Requests) / o.Took.Seconds() }

// Milliseconds is a quantile of the latencies, 0 if there are none.
func (o Outcome) Milliseconds(quantile float64) float64 {
	if len(o.Latencies) == 0 {
		return 0
	}
	slices.Sort(o.Latencies)
	return float64(o.Latencies[int(quantile*float64(len(o.Latencies)-1))]) / float64(time.Millisecond)
}

// Run sends requests for as long as it is told.
func (l Load) Run(ctx context.Context, length time.Duration) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var o Outcome
	var mu sync.Mutex
	var failed atomic.Int64
	errs := make(chan error, l.Clients)
	began := time.Now()
	var running sync.WaitGroup
	for i := range l.Clients {
		running.Go(func() {
			latencies, err := l.client(ctx, i, &failed)
			errs <- err
			mu.Lock()
			defer mu.Unlock()
			o.Latencies = append(o.Latencies, latencies...)
		})
	}
	running.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return o, err
		}
	}
	o.Requests, o.Failed, o.Took = int64(len(o.Latencies)), failed.Load(), time.Since(began)
	return o, nil
}

// client is one connection, opened anew where the server closes it. Clients with a
// pause are spread over it.
func (l Load) client(ctx context.Context, number int, failed *atomic.Int64) (latencies []time.Duration, err error) {
	next := time.Now().Add(l.Pause * time.Duration(number) / time.Duration(l.Clients))
	var conn net.Conn
	var in *bufio.Reader
	defer func() {
		if conn != nil {
			_ = conn.Close()
		}
	}()
	for n := number; ; n += l.Clients {
		if wait := time.Until(next); l.Pause > 0 && wait > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		}
		if ctx.Err() != nil {
			return latencies, nil
		}
		if conn == nil {
			if conn, err = net.Dial("tcp", l.Addr); err != nil {
				return latencies, fmt.Errorf("connect to %s: %w", l.Addr, err)
			}
			in = bufio.NewReader(conn)
		}
		began := time.Now()
		if l.Pause > 0 {
			began = next // a request that is late because the last one was slow counts as slow
			next = next.Add(l.Pause)
		}
		status, open, err := once(conn, in, l.request(n))
		if err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(began))
		if status >= 400 {
			failed.Add(1)
		}
		if !open {
			_ = conn.Close()
			conn = nil
		}
	}
}

// answerTimeout is more than a server may take.
const answerTimeout = 30 * time.Second

// request is the nth of the load.
func (l Load) request(n int) []byte {
	if len(l.Requests) == 0 {
		return l.Request
	}
	return l.Requests[n%len(l.Requests)]
}

// once sends a request and reads its answer.
func once(conn net.Conn, in *bufio.Reader, request []byte) (status int, open bool, err error) {
	_ = conn.SetDeadline(time.Now().Add(answerTimeout))
	if _, err := conn.Write(request); err != nil {
		return 0, false, fmt.Errorf("send request: %w", err)
	}
	line, err := in.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return 0, false, fmt.Errorf("read answer: %q: %w", line, errors.Join(err, io.ErrUnexpectedEOF))
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, fmt.Errorf("read answer: %q: %w", line, err)
	}
	length, chunked, open := -1, false, true
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return status, false, fmt.Errorf("read answer: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, _ = strconv.Atoi(string(value))
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("Connection")) && bytes.EqualFold(value, []byte("close")):
			open = false
		}
	}
	return status, open, discard(in, length, chunked)
}

// discard reads the body, which has a length or comes in chunks.
func discard(in *bufio.Reader, length int, chunked bool) error {
	if chunked {
		if _, err := io.Copy(io.Discard, httputil.NewChunkedReader(in)); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		length = len("\r\n") // which NewChunkedReader leaves
	}
	if length < 0 {
		return errors.New("read answer: it has no Content-Length and is not chunked")
	}
	_, err := in.Discard(length)
	return err
}
