package audit

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// atLeast is how many requests a row has, where a load is possible.
	atLeast = 10_000
	// clients are the connections of a load: as many that something is under way when a
	// process dies.
	clients = 64
	// inFlight is how many slow requests are under way when a process dies.
	inFlight = 100
	// slow is how long each of them takes.
	slow = 4 * time.Second
	// patience is how long a client waits for an answer.
	patience = 30 * time.Second
)

// load is clients that send requests until they have sent as many as they are to.
type load struct {
	addr    string
	client  *http.Client
	sent    atomic.Int64
	most    int64
	pause   time.Duration // from one request of all to the next; 0 is none
	began   time.Time
	running sync.WaitGroup
}

// startLoad begins to send requests: mostly such as pass, some that Kong answers.
func startLoad(ctx context.Context, addr string, most int64, pause time.Duration) *load {
	l := &load{
		addr: addr, most: most, pause: pause, began: time.Now(),
		client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: clients}},
	}
	for range clients {
		l.running.Go(func() {
			for n := l.sent.Add(1); n <= l.most && ctx.Err() == nil; n = l.sent.Add(1) {
				l.one(ctx, n)
			}
		})
	}
	return l
}

// paths are those of each twenty requests that do not pass.
var paths = map[int64]string{0: "/nowhere", 10: "/keyed"}

func (l *load) one(ctx context.Context, n int64) {
	if due := l.began.Add(time.Duration(n) * l.pause); l.pause > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(due)):
		}
	}
	path, ok := paths[n%20]
	if !ok {
		path = "/orders"
	}
	get(ctx, l.client, "http://"+l.addr+path)
}

// get sends a request. Whether it is answered, nginx's own log tells.
func get(ctx context.Context, client *http.Client, url string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return
	}
	resp, err := client.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

// wait waits until all requests are answered.
func (l *load) wait() {
	l.running.Wait()
	l.client.CloseIdleConnections()
}

// reached waits until so many requests were sent.
func (l *load) reached(ctx context.Context, n int64) error {
	for l.sent.Load() < n {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// startSlow begins requests that take as long as slow, and returns when the upstream has
// them all.
func startSlow(ctx context.Context, addr string, up *upstream) (wait func(), err error) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{}}
	var running sync.WaitGroup
	for range inFlight {
		running.Go(func() { get(ctx, client, "http://"+addr+"/orders/slow") })
	}
	for deadline := time.Now().Add(slow / 2); up.waiting.Load() < inFlight; {
		if time.Now().After(deadline) {
			return running.Wait, fmt.Errorf("send slow requests: %d of %d are under way", up.waiting.Load(), inFlight)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return func() {
		running.Wait()
		client.CloseIdleConnections()
	}, nil
}
