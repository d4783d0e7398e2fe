package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redisurl"
)

// Ready says what can be done with the running stack: what is out of reach, requests to
// paste, and where to look.
func (s *Stack) Ready(ctx context.Context) (string, error) {
	config, err := os.ReadFile(s.KongConfig)
	if err != nil {
		return "", fmt.Errorf("read Kong config: %w", err)
	}
	guide, err := Guide(ctx, s.Ports.Proxy.URL(), s.Ports.AuthControl.URL(), config)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, line := range s.outOfReach(ctx) {
		fmt.Fprintln(&text, line)
	}
	fmt.Fprintf(&text, "\n%s\n", guide)
	if request, ok := firstRequest(config); ok {
		secure := strings.Replace(request, "curl -i ", "curl -i --cacert "+s.certs().CA()+" ", 1)
		fmt.Fprintf(&text, "TLS:     %s\n", strings.ReplaceAll(secure, "BASE", fmt.Sprintf("https://localhost:%d", s.Ports.ProxyTLS.Number)))
	}
	if s.OTLPEndpoint == "" {
		fmt.Fprintf(&text, "Traces:  curl '%s/traces?limit=5'   then /traces/ID?format=text\n", s.Ports.OTLP.URL())
	}
	fmt.Fprintf(&text, "Keys:    curl -X POST '%s/web/keys?lead_seconds=30&overlap_seconds=60'   rotates the web issuer's\n", s.Ports.AuthControl.URL())
	fmt.Fprintf(&text, "Logs:    %s (access, error and audit lines: gateway.log)\nStop:    Ctrl-C\n", s.LogDir())
	return text.String(), nil
}

// firstRequest is the command of a guide's first request, if it is one line.
func firstRequest(config []byte) (string, bool) {
	requests, err := requestsFor(config)
	if err != nil || len(requests) == 0 || strings.Contains(requests[0].command, "\n") {
		return "", false
	}
	return requests[0].command, true
}

// reachTimeout bounds how long is looked for a Redis or a collector.
const reachTimeout = time.Second

// outOfReach has a line for the Redis and for the collector, where they were named and do
// not answer: the stack goes on without them.
func (s *Stack) outOfReach(ctx context.Context) (lines []string) {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	if s.RedisURL != "" {
		if err := pingRedis(ctx, s.RedisURL); err != nil {
			lines = append(lines, fmt.Sprintf("Redis:   REDIS_URL=%s is out of reach (%s): limits are counted here alone until it answers; start it, or unset REDIS_URL", redacted(s.RedisURL), short(err)))
		}
	}
	if s.OTLPEndpoint != "" {
		if err := dialURL(ctx, s.OTLPEndpoint); err != nil {
			lines = append(lines, fmt.Sprintf("Traces:  OTEL_EXPORTER_OTLP_ENDPOINT=%s is out of reach (%s): spans are lost until it answers; start it, or unset OTEL_EXPORTER_OTLP_ENDPOINT", redacted(s.OTLPEndpoint), short(err)))
		}
	}
	return lines
}

// pingRedis asks a Redis as the limiter does, once.
func pingRedis(ctx context.Context, raw string) (err error) {
	client, err := redisurl.Open(raw)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return client.Ping(ctx).Err()
}

// dialURL connects to the host of a URL.
func dialURL(ctx context.Context, raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("read URL: %w", errors.Unwrap(err))
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
	}
	if u.Hostname() == "" {
		return errors.New("it has no host: write a URL such as http://127.0.0.1:4318")
	}
	if port == "" {
		port = "80"
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return err
	}
	return conn.Close()
}

// redacted is a URL without its password.
func redacted(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(not a URL)"
	}
	return u.Redacted()
}

// short is an error without addresses, on one line.
func short(err error) string {
	var errno syscall.Errno
	var refused redis.Error
	switch {
	case errors.As(err, &refused):
		return refused.Error()
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer within " + reachTimeout.String()
	default:
		return strings.Join(strings.Fields(err.Error()), " ")
	}
}
