package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// healthTimeout is within the timeout of a container's health check.
const healthTimeout = 2 * time.Second

// health asks the plugin server whether it is ready, or with -live only whether it
// answers. That is half of a container's health check, since a container that only must
// have no requests now is not to be replaced; `kong health` is the other half.
func health(ctx context.Context, s streams, args []string) error {
	flags := newFlags(s, "health")
	told := settings()
	live := flags.Bool("live", false, "only ask whether it answers: for what replaces a container that does not")
	if err := bind(flags, &told, "http"); err != nil {
		return err
	}
	if handled, err := parse(flags, args); handled {
		return err
	}
	if err := noArguments(flags); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(told.HTTP)
	if err != nil {
		return fmt.Errorf("-http %q is not an address: write host:port", told.HTTP)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	path := "/readyz"
	if *live {
		path = "/healthz"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask the plugin server: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the plugin server: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("the plugin server is not ready: %s: %s", resp.Status, strings.TrimSpace(string(why)))
	}
	return nil
}
