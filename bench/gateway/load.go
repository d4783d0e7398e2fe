package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// clients are the connections of a load.
const clients = 16

// load sends the same request on every connection, over and over, with as little
// work of its own as can be: it shares the processors with what it measures.
type load struct {
	addr    string
	request []byte
	// pause is the time from one request of a client to its next; 0 is none.
	pause time.Duration
}

func newLoad(addr, path string) load {
	return load{addr: addr, request: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: bench\r\napikey: %s\r\n\r\n", path, key)}
}

// outcome is what a load came to.
type outcome struct {
	requests, failed int64
	took             time.Duration
	latencies        []time.Duration // of each request, in no order
}

func (o outcome) perSecond() float64 { return float64(o.requests) / o.took.Seconds() }

// run sends requests for as long as it is told.
func (l load) run(ctx context.Context, length time.Duration) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var o outcome
	var mu sync.Mutex
	var failed atomic.Int64
	errs := make(chan error, clients)
	began := time.Now()
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() {
			latencies, err := l.client(ctx, i, &failed)
			errs <- err
			mu.Lock()
			defer mu.Unlock()
			o.latencies = append(o.latencies, latencies...)
		})
	}
	running.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return o, err
		}
	}
	o.requests, o.failed, o.took = int64(len(o.latencies)), failed.Load(), time.Since(began)
	return o, nil
}

// client is one connection, opened anew where the gateway closes it. Clients with a
// pause are spread over it.
func (l load) client(ctx context.Context, number int, failed *atomic.Int64) (latencies []time.Duration, err error) {
	next := time.Now().Add(l.pause * time.Duration(number) / clients)
	var conn net.Conn
	var in *bufio.Reader
	defer func() {
		if conn != nil {
			_ = conn.Close()
		}
	}()
	for {
		if wait := time.Until(next); l.pause > 0 && wait > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		}
		if ctx.Err() != nil {
			return latencies, nil
		}
		if conn == nil {
			if conn, err = net.Dial("tcp", l.addr); err != nil {
				return latencies, fmt.Errorf("connect to gateway: %w", err)
			}
			in = bufio.NewReader(conn)
		}
		began := time.Now()
		if l.pause > 0 {
			began = next // a request that is late because the last one was slow counts as slow
			next = next.Add(l.pause)
		}
		status, open, err := l.once(conn, in)
		if err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(began))
		if status >= 500 || status == 429 {
			failed.Add(1)
		}
		if !open {
			_ = conn.Close()
			conn = nil
		}
	}
}

// answerTimeout is more than a gateway may take.
const answerTimeout = 30 * time.Second

// once sends the request and reads its answer, which must have a length.
func (l load) once(conn net.Conn, in *bufio.Reader) (status int, open bool, err error) {
	_ = conn.SetDeadline(time.Now().Add(answerTimeout))
	if _, err := conn.Write(l.request); err != nil {
		return 0, false, fmt.Errorf("send request: %w", err)
	}
	line, err := in.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return 0, false, fmt.Errorf("read answer: %q: %w", line, errors.Join(err, io.ErrUnexpectedEOF))
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, fmt.Errorf("read answer: %q: %w", line, err)
	}
	length, open := -1, true
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
		case bytes.EqualFold(name, []byte("Connection")) && bytes.EqualFold(value, []byte("close")):
			open = false
		}
	}
	if length < 0 {
		return status, false, errors.New("read answer: it has no Content-Length")
	}
	_, err = in.Discard(length)
	return status, open, err
}
