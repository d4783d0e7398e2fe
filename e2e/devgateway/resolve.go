package devgateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

// resolver turns host names into addresses: by the hosts file first, then by
// the system.
type resolver struct {
	hosts  map[string]string
	system *net.Resolver
}

const lookupTimeout = 5 * time.Second

// newResolver reads a hosts file in the format of /etc/hosts; no path, no file.
func newResolver(path string) (*resolver, error) {
	r := &resolver{hosts: map[string]string{}, system: net.DefaultResolver}
	if path == "" {
		return r, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read hosts file: %w", err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		if err := r.addLine(lines.Text()); err != nil {
			return nil, fmt.Errorf("read hosts file %s, line %d: %w", path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read hosts file %s: %w", path, err)
	}
	return r, nil
}

func (r *resolver) addLine(line string) error {
	line, _, _ = strings.Cut(line, "#")
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return nil
	}
	addr, err := netip.ParseAddr(fields[0])
	if err != nil {
		return fmt.Errorf("%q is not an IP address", fields[0])
	}
	for _, name := range fields[1:] {
		if _, known := r.hosts[strings.ToLower(name)]; !known || addr.Is4() {
			r.hosts[strings.ToLower(name)] = addr.String()
		}
	}
	return nil
}

// lookup returns an address of a host, an IPv4 one if there is any.
func (r *resolver) lookup(ctx context.Context, host string) (string, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), nil
	}
	if addr, ok := r.hosts[strings.ToLower(host)]; ok {
		return addr, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addrs, err := r.system.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", err
	}
	for _, addr := range addrs {
		if addr.Unmap().Is4() {
			return addr.Unmap().String(), nil
		}
	}
	if len(addrs) == 0 {
		return "", fmt.Errorf("no address for %s", host)
	}
	return addrs[0].String(), nil
}

// wheel hands out the targets of an upstream in turn, each as often as its
// weight says, in an order that is shuffled once (round_robin.lua).
type wheel struct {
	mu    sync.Mutex
	slots []*config.Target
	next  int
}

func newWheel(u *config.Upstream) *wheel {
	divisor := 0
	for _, t := range u.Targets {
		divisor = gcd(divisor, t.Weight)
	}
	w := &wheel{}
	for _, t := range u.Targets {
		for i := 0; divisor > 0 && i < t.Weight/divisor; i++ {
			w.slots = append(w.slots, t)
		}
	}
	rand.Shuffle(len(w.slots), func(i, j int) { w.slots[i], w.slots[j] = w.slots[j], w.slots[i] })
	return w
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (w *wheel) turn() *config.Target {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.slots[w.next%len(w.slots)]
	w.next = (w.next + 1) % len(w.slots)
	return t
}

// peer is where a try goes. name is what the Host header is made of.
type peer struct {
	ip   string
	port int
	name string
}

// balancerError is a failure to find a peer, with the status and the message of
// the answer.
type balancerError struct {
	status  int
	message string
}

func (e *balancerError) Error() string { return e.message }

// peer finds the next peer for a request: a target, if the host is the name of
// an upstream, or else the host itself.
func (s *snapshot) peer(ctx context.Context, r *resolver, b *exchange.Balancer) (peer, error) {
	w, isUpstream := s.wheels[b.Host]
	if !isUpstream || b.HostIsIP {
		return lookupPeer(ctx, r, b.Host, b.Port)
	}
	for range w.slots {
		t := w.turn()
		ip, err := r.lookup(ctx, t.Host)
		if err != nil {
			continue
		}
		name := t.Host
		if header := s.config.Upstreams[b.Host].HostHeader; header != "" {
			name = header
		}
		return peer{ip: ip, port: t.Port, name: name}, nil
	}
	return peer{}, &balancerError{503, "failure to get a peer from the ring-balancer"}
}

func lookupPeer(ctx context.Context, r *resolver, host string, port int) (peer, error) {
	ip, err := r.lookup(ctx, host)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return peer{}, &balancerError{503, "name resolution failed"}
	case err != nil:
		return peer{}, &balancerError{500, fmt.Sprintf("failed the initial dns/balancer resolve for '%s' with: %v", host, err)}
	default:
		return peer{ip: ip, port: port, name: host}, nil
	}
}
