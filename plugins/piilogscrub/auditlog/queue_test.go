package auditlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"
)

// reply is how a receiver ends a request: by an error or with an answer; by neither, it
// hangs.
type reply struct {
	err        error
	status     int
	retryAfter string
	rejected   int64
}

var (
	refusedConnection = reply{err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	hangs             = reply{}
	takes             = reply{status: http.StatusOK}
)

// replies is a receiver that answers as next says.
type replies struct {
	mu   sync.Mutex
	next func() reply
	at   []time.Time // of each request
	got  int         // records in requests that were taken
}

// seen are the times of the requests so far, and how many records were taken.
func (r *replies) seen() (at []time.Time, got int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.at), r.got
}

// RoundTrip implements [http.RoundTripper].
func (r *replies) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.at = append(r.at, time.Now())
	a := r.next()
	r.mu.Unlock()
	switch {
	case a.err != nil:
		return nil, a.err
	case a.status == 0:
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	header := http.Header{"Content-Type": {"application/x-protobuf"}}
	if a.retryAfter != "" {
		header.Set("Retry-After", a.retryAfter)
	}
	var m collector.ExportLogsServiceRequest
	if err := proto.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	if a.status == http.StatusOK {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got += len(m.ResourceLogs[0].ScopeLogs[0].LogRecords) - int(a.rejected)
	}
	var answer collector.ExportLogsServiceResponse
	if a.rejected > 0 {
		answer.PartialSuccess = &collector.ExportLogsPartialSuccess{RejectedLogRecords: a.rejected, ErrorMessage: "too old"}
	}
	text, err := proto.Marshal(&answer)
	if a.status != http.StatusOK {
		text = []byte("why\nnot")
	}
	return &http.Response{StatusCode: a.status, Status: fmt.Sprint(a.status), Header: header, Body: io.NopCloser(bytes.NewReader(text)), Request: req}, err
}

// inOrder are replies that come one after the other, the last for ever.
func inOrder(list ...reply) *replies {
	return &replies{next: func() reply {
		a := list[0]
		if len(list) > 1 {
			list = list[1:]
		}
		return a
	}}
}

// openReplies opens a log of a receiver; what it logs is in the buffer.
func openReplies(t *testing.T, r *replies, size int) (*Log, *prometheus.Registry, *bytes.Buffer) {
	t.Helper()
	var logged bytes.Buffer
	registry := prometheus.NewRegistry()
	o, err := Options{QueueSize: size, Registerer: registry, Logger: slog.New(slog.NewJSONHandler(&logged, nil))}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	l, err := openOTLP(o, r)
	if err != nil {
		t.Fatal(err)
	}
	return l, registry, &logged
}

// TestAnswers: what passes is waited for, and what does not is counted at once.
func TestAnswers(t *testing.T) {
	t.Parallel()
	noSuchHost := reply{err: &net.DNSError{Err: "no such host", IsNotFound: true}}
	reset := reply{err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}
	for name, tt := range map[string]struct {
		replies          []reply
		requests         int
		exported, failed float64
	}{
		"taken":               {[]reply{takes}, 1, 3, 0},
		"refused connection":  {[]reply{refusedConnection, refusedConnection, takes}, 3, 3, 0},
		"no such host":        {[]reply{noSuchHost, takes}, 2, 3, 0},
		"reset":               {[]reply{reset, takes}, 2, 3, 0},
		"time-out":            {[]reply{hangs, takes}, 2, 3, 0},
		"503":                 {[]reply{{status: 503}, takes}, 2, 3, 0},
		"502, 504, 429":       {[]reply{{status: 502}, {status: 504}, {status: 429}, takes}, 4, 3, 0},
		"408":                 {[]reply{{status: 408}, takes}, 2, 3, 0},
		"400":                 {[]reply{{status: 400}, takes}, 1, 0, 3},
		"401":                 {[]reply{{status: 401}, takes}, 1, 0, 3},
		"413":                 {[]reply{{status: 413}, takes}, 1, 0, 3},
		"500":                 {[]reply{{status: 500}, takes}, 1, 0, 3},
		"partial":             {[]reply{{status: 200, rejected: 2}}, 1, 1, 2},
		"partial, too many":   {[]reply{{status: 200, rejected: 4}}, 1, 0, 3},
		"refused, then a 400": {[]reply{refusedConnection, {status: 400}}, 2, 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := inOrder(tt.replies...)
				l, registry, _ := openReplies(t, r, 0)
				for range 3 {
					write(t, l, "r1")
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				got := exports(t, registry)
				at, _ := r.seen()
				if got["exported"] != tt.exported || got["failed"] != tt.failed || got["waiting"] != 0 || len(at) != tt.requests {
					t.Errorf("records %v in %d requests, want %v exported and %v failed in %d", got, len(at), tt.exported, tt.failed, tt.requests)
				}
				if err := l.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestRetryAfter: a receiver says when, up to five minutes; otherwise retries are at most
// some seconds apart.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ least, most time.Duration }{
		"":                              {firstRetry / 2, 2 * firstRetry},
		"soon":                          {firstRetry / 2, 2 * firstRetry},
		"-7":                            {firstRetry / 2, 2 * firstRetry},
		"7":                             {7 * time.Second, 8 * time.Second},
		"Sat, 01 Jan 2000 00:00:31 GMT": {29 * time.Second, 31 * time.Second},
		"86400":                         {maxRetryAfter, maxRetryAfter + time.Second},
		"99999999999999999999":          {firstRetry / 2, 2 * firstRetry},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := inOrder(reply{status: 503, retryAfter: text}, takes)
			l, _, _ := openReplies(t, r, 0)
			write(t, l, "r1")
			time.Sleep(10 * time.Minute)
			at, _ := r.seen()
			if len(at) != 2 {
				t.Fatalf("%q: %d requests", text, len(at))
			}
			if wait := at[1].Sub(at[0]); wait < want.least || wait > want.most {
				t.Errorf("%q: again after %s, want %s to %s", text, wait, want.least, want.most)
			}
			if err := l.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestReceiverAway: records wait for as long as it takes, in a queue that is bounded, and
// are sent within seconds of its return; the trail is broken meanwhile. What is logged is
// a few lines.
func TestReceiverAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var back atomic.Bool
		r := &replies{next: func() reply {
			if back.Load() {
				return takes
			}
			return refusedConnection
		}}
		l, registry, logged := openReplies(t, r, 2000)
		for range 2000 {
			write(t, l, "r1")
		}
		time.Sleep(awayLimit / 2)
		if err := l.Broken(); err != nil {
			t.Error("broken too soon:", err)
		}
		time.Sleep(time.Minute)
		if err := l.Broken(); err == nil || !strings.Contains(err.Error(), "taken no record since 2000-01-01T00:00:0") || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("broken: %v", err)
		}
		for range 50 {
			write(t, l, "r2")
		}
		if err := l.Broken(); err == nil || !strings.Contains(err.Error(), "queue of 2000 is full") || strings.Contains(err.Error(), "\n") {
			t.Errorf("broken: %v", err)
		}
		back.Store(true)
		time.Sleep(2 * lastRetry)
		synctest.Wait()
		_, arrived := r.seen()
		if got := exports(t, registry); got["exported"] != 2000 || got["queue full"] != 50 || arrived != 2000 || l.Broken() != nil {
			t.Errorf("records %v, %d arrived, broken: %v", got, arrived, l.Broken())
		}
		if n := strings.Count(logged.String(), "\n"); n > 4 {
			t.Errorf("%d lines logged: %s", n, logged)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestRefusalIsNews: without another record nobody knows whether it would be refused too,
// so that the trail is not broken for ever.
func TestRefusalIsNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _, _ := openReplies(t, inOrder(reply{status: 401}, takes), 0)
		write(t, l, "r1")
		time.Sleep(awayLimit / 2)
		if err := l.Broken(); err == nil || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), "\n") {
			t.Errorf("broken: %v", err)
		}
		time.Sleep(awayLimit)
		if err := l.Broken(); err != nil {
			t.Error(err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestEndWhileItHangs: what the process could not send in time is counted, and said in
// one JSON line.
func TestEndWhileItHangs(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]reply{"hangs": hangs, "away": refusedConnection, "asks to wait": {status: 503, retryAfter: "60"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, registry, logged := openReplies(t, inOrder(r), 0)
				for range 4100 {
					write(t, l, "r1")
				}
				time.Sleep(10 * time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				began := time.Now()
				if err := l.Close(ctx); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("it took %s to end", took)
				}
				write(t, l, "late")
				if got := exports(t, registry); got["failed"] != DefaultQueueSize+1 || got["queue full"] != 4 || got["waiting"] != 0 {
					t.Errorf("records %v", got)
				}
				var last struct {
					Msg  string
					Lost int
				}
				lines := strings.Split(strings.TrimSpace(logged.String()), "\n")
				if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Lost != DefaultQueueSize || !strings.Contains(last.Msg, "before the process ended") {
					t.Errorf("last line %s, %v", lines[len(lines)-1], err)
				}
			})
		})
	}
}

// FuzzCounts: at each moment, the end included, each record is in one count.
func FuzzCounts(f *testing.F) {
	for seed := range uint64(10) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		synctest.Test(t, func(t *testing.T) {
			random, ofReceiver := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 1))
			r := &replies{next: func() reply {
				return []reply{
					takes, takes, refusedConnection, hangs, {err: errors.New("broken pipe")}, {status: 503, retryAfter: fmt.Sprint(ofReceiver.IntN(9))},
					{status: 400}, {status: 200, rejected: ofReceiver.Int64N(600)}, {status: 204},
				}[ofReceiver.IntN(9)]
			}}
			l, registry, _ := openReplies(t, r, 1+random.IntN(1500))
			emitted := 0
			check := func() {
				got := exports(t, registry)
				if sum := got["exported"] + got["failed"] + got["queue full"] + got["waiting"]; sum != float64(emitted) {
					t.Fatalf("records %v, %d were made", got, emitted)
				}
			}
			for range 8 {
				for range random.IntN(800) {
					write(t, l, "r1")
					emitted++
				}
				check()
				time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
				check()
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(20))*time.Second)
			defer cancel()
			if err := l.Close(ctx); err != nil {
				t.Error(err)
			}
			check()
			if got := exports(t, registry); got["waiting"] != 0 {
				t.Errorf("after the end, records %v", got)
			}
		})
	})
}
