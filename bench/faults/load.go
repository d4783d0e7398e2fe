package faults

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// kind is what a client asks for.
type kind string

// Each fault leaves some of them alone.
const (
	page    kind = "pages"      // the web BFF's dashboard, made of four services
	home    kind = "mobile"     // the mobile BFF's home, made of the same
	orders  kind = "orders"     // the orders service, passed through
	over    kind = "over limit" // the same by a client that asks four times as often as it may
	shifted kind = "shifted"    // pages with a token of an issuer whose clock is wrong
	edge    kind = "edge"       // orders over TLS to a replica itself
)

// The keys of partners in kong.yaml, and how often the one over its limit may ask in a
// minute.
const (
	overKey   = "dev-only-initech-2026-10"
	othersKey = "dev-only-globex-2026-09"
	overLimit = 30
)

const (
	// pace is the time from one request to the next: 50 a second.
	pace = time.Second / 50
	// patience is how long a client waits.
	patience = 5 * time.Second
	// tenants share the pages.
	tenants = 8
	// perTurn is prime, so that each kind of request gets to each replica.
	perTurn = 23
)

// answer is what a client saw of a request.
type answer struct {
	kind           kind
	began, ended   time.Time
	status         int    // 0: none
	problem        string // media type and beginning of what is no page
	broken         string // the connection to the replica broke, or the answer did not come
	replica        string
	request, trace string // as the answer's headers name them
}

// good reports whether the client got what it asked for, or was told that it asks too often.
func (a answer) good() bool {
	return a.status == http.StatusOK || a.kind == over && a.status == http.StatusTooManyRequests
}

// seen names the answer in a table.
func (a answer) seen() string {
	switch {
	case a.status == 0:
		return a.broken
	case a.broken != "":
		return "broken"
	default:
		return fmt.Sprint(a.status)
	}
}

// load is clients that note what they see until they are stopped.
type load struct {
	base   string
	client *http.Client
	tokens map[kind][]string // headers
	paths  map[kind]string
	stop   func()

	mu      sync.Mutex
	answers []answer
}

// startLoad begins to send requests, one each pace, however long answers take.
func startLoad(ctx context.Context, addr, auth string) (*load, error) {
	l := &load{
		base:   "http://" + addr,
		client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 256}},
		paths: map[kind]string{
			page: "/web/v1/dashboard", home: "/mobile/v1/home", orders: "/partner/v2/orders", over: "/partner/v2/orders", shifted: "/web/v1/dashboard",
		},
		tokens: map[kind][]string{orders: {"apikey: " + othersKey}, over: {"apikey: " + overKey}},
	}
	for k, client := range map[kind]devtoken.Client{page: devtoken.Web, home: devtoken.Mobile} {
		for n := range tenants {
			token, err := devtoken.Ask(ctx, auth, client, devtoken.Claims{Tenant: fmt.Sprint("tenant-", n), User: "u1"})
			if err != nil {
				return nil, err
			}
			l.tokens[k] = append(l.tokens[k], "Authorization: Bearer "+token)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { l.run(ctx) })
	l.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		l.client.CloseIdleConnections()
	})
	return l, nil
}

func (l *load) run(ctx context.Context) {
	var asking sync.WaitGroup
	defer asking.Wait()
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			asking.Go(func() { l.ask(l.kindOf(n), n) })
		}
	}
}

// kindOf is what the n-th request is for.
func (l *load) kindOf(n int) kind {
	switch turn := n % perTurn; {
	case turn == 0:
		return over
	case turn == 1 && l.has(shifted):
		return shifted
	case turn < 7:
		return page
	case turn < 11:
		return home
	default:
		return orders
	}
}

func (l *load) has(k kind) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.tokens[k]) > 0
}

// send has a kind of request sent with other headers from now on.
func (l *load) send(k kind, header string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens[k] = []string{header}
}

// ask sends one request and notes the answer. The load's end does not cut it off.
func (l *load) ask(k kind, n int) {
	l.mu.Lock()
	header := l.tokens[k][n%len(l.tokens[k])]
	l.mu.Unlock()
	l.note(get(l.client, k, l.base+l.paths[k], header))
}

func (l *load) note(a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, a)
}

func get(client *http.Client, k kind, url, header string) (a answer) {
	a = answer{kind: k, began: time.Now()}
	defer func() { a.ended = time.Now() }()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
	if err != nil {
		a.broken = err.Error()
		return a
	}
	name, value, _ := strings.Cut(header, ": ")
	req.Header.Set(name, value)
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		a.broken = whyNone(err)
		return a
	}
	defer resp.Body.Close()
	a.status, a.replica, a.broken = resp.StatusCode, resp.Header.Get(replicaHeader), resp.Header.Get(brokenHeader)
	a.request, a.trace = resp.Header.Get("X-Kong-Request-Id"), resp.Header.Get("X-Trace-Id")
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		a.broken = whyNone(err)
	}
	if a.status != http.StatusOK {
		a.problem = resp.Header.Get("Content-Type") + " " + strings.TrimSpace(string(body[:min(len(body), 300)]))
	}
	return a
}

// expired is why a client refuses a replica.
const expired = "certificate expired"

// whyNone says in a word or two why there was no answer.
func whyNone(err error) string {
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		return fmt.Sprintf("none in %v", patience)
	}
	if invalid := (x509.CertificateInvalidError{}); errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		return expired
	}
	return "broken"
}

// all are the answers so far.
func (l *load) all() []answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]answer(nil), l.answers...)
}

// only is the status that answers of a kind have that were asked for after a moment, if it
// is one.
func (l *load) only(k kind, from time.Time) (seen string) {
	for _, a := range l.all() {
		if a.kind != k || a.began.Before(from) || a.seen() == seen {
			continue
		}
		if seen != "" {
			return seen + " and " + a.seen()
		}
		seen = a.seen()
	}
	return seen
}
