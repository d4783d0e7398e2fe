package faults

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// The balancer's settings, as cloud load balancers have them at their quickest.
const (
	// checkEvery is how often a replica is asked whether it is ready, and checkTimeout is
	// how long it may take to say so.
	checkEvery, checkTimeout = 2 * time.Second, 2 * time.Second
	// checksToTurn is how many checks in a row take a replica out, or back in.
	checksToTurn = 2
	// connectTimeout is how long a replica may take to take a connection.
	connectTimeout = time.Second
)

// The headers by which a client that measures is told what the balancer did.
const (
	replicaHeader = "X-Replica"
	brokenHeader  = "X-Balancer-Failed"
)

// target is a replica as the balancer sees it.
type target struct {
	name   string
	proxy  *url.URL
	checks []string // each answers 200 while it may have requests

	in       atomic.Bool
	row      int          // checks in a row that contradict in
	inFlight atomic.Int64 // requests that it has
}

// balancer sends requests to the replicas that are ready in turn, or to all where none is.
// A request that finds no connection goes to the next replica. One that was sent is never
// sent again: its client sees the failure.
type balancer struct {
	targets   []*target
	next      atomic.Uint64
	transport *http.Transport
	server    *http.Server
	addr      string
	stop      context.CancelFunc
	checking  errgroup.Group
}

func startBalancer(targets []*target) (*balancer, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	b := &balancer{targets: targets, addr: ln.Addr().String(), stop: stop}
	b.transport = &http.Transport{
		DialContext: (&net.Dialer{Timeout: connectTimeout}).DialContext, MaxIdleConnsPerHost: 256, DisableCompression: true,
	}
	proxy := &httputil.ReverseProxy{Transport: b, Rewrite: rewrite, ErrorHandler: failed}
	b.server = &http.Server{Handler: proxy, ReadHeaderTimeout: time.Minute}
	go func() { _ = b.server.Serve(ln) }() // ends with ErrServerClosed
	for _, t := range targets {
		t.in.Store(true)
		b.checking.Go(func() error { t.check(ctx); return nil })
	}
	return b, nil
}

func (b *balancer) close() error {
	b.stop()
	_ = b.checking.Wait()
	b.transport.CloseIdleConnections()
	return b.server.Close()
}

func rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme, r.Out.Host = "http", r.In.Host
	r.Out.Body = sentOnce{}
}

// sentOnce is an empty body that cannot be had again, so that [http.Transport] sends no
// request again on its own.
type sentOnce struct{}

func (sentOnce) Read([]byte) (int, error) { return 0, io.EOF }
func (sentOnce) Close() error             { return nil }

// failed is what a client gets where the replica gave no whole head of an answer.
func failed(w http.ResponseWriter, _ *http.Request, err error) {
	w.Header().Set(brokenHeader, err.Error())
	w.WriteHeader(http.StatusBadGateway)
}

// RoundTrip sends a request to the replica whose turn it is.
func (b *balancer) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	err = errors.New("no replica takes connections")
	for _, t := range b.turn() {
		r.URL.Host = t.proxy.Host
		t.inFlight.Add(1)
		resp, err = b.transport.RoundTrip(r)
		t.inFlight.Add(-1)
		if err == nil {
			resp.Header.Set(replicaHeader, t.name)
			return resp, nil
		}
		if dial := new(net.OpError); !errors.As(err, &dial) || dial.Op != "dial" {
			return nil, err
		}
	}
	return nil, err
}

// turn are the replicas to try, the one whose turn it is first.
func (b *balancer) turn() []*target {
	var ready []*target
	for _, t := range b.targets {
		if t.in.Load() {
			ready = append(ready, t)
		}
	}
	if len(ready) == 0 {
		ready = b.targets
	}
	first := int(b.next.Add(1) % uint64(len(ready)))
	return append(append([]*target{}, ready[first:]...), ready[:first]...)
}

// allIn reports whether every replica has requests.
func (b *balancer) allIn() bool {
	for _, t := range b.targets {
		if !t.in.Load() {
			return false
		}
	}
	return true
}

// check asks again and again, until ctx ends.
func (t *target) check(ctx context.Context) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.learn(t.ready(ctx))
		}
	}
}

// learn takes the answer of a check into account.
func (t *target) learn(ready bool) {
	if ready == t.in.Load() {
		t.row = 0
		return
	}
	if t.row++; t.row == checksToTurn {
		t.in.Store(ready)
		t.row = 0
	}
}

func (t *target) ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for _, u := range t.checks {
		if status, err := ask(ctx, u); err != nil || status != http.StatusOK {
			return false
		}
	}
	return true
}

// ask gets a URL, and leaves its body.
func ask(ctx context.Context, u string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Body.Close()
}
