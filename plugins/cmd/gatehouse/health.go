package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/probe"
)

// healthTimeout is within the timeout of a container's health check.
const healthTimeout = 2 * time.Second

func healthCommand() *cobra.Command {
	var live bool
	told := settings()
	c := command("health", "succeed if the plugin server answers that it is ready", nil)
	c.Flags().BoolVar(&live, "live", false, "only ask whether it answers: for what replaces a container that does not")
	wrong := bind(c.Flags(), &told, "http")
	c.Args, c.ValidArgsFunction = cli.NoArguments, cobra.NoFileCompletions
	c.RunE = func(c *cobra.Command, _ []string) error {
		if wrong != nil {
			return wrong
		}
		return health(c.Context(), reachable(told.HTTP), live)
	}
	return c
}

// reachable is an address at which one that is listened on can be asked.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// health asks the plugin server whether it is ready, or only whether it is live: whether it
// answers. That is half of a container's health check, since a container that only must
// have no requests now is not to be replaced; `kong health` is the other half.
func health(ctx context.Context, address string, live bool) error {
	path := "/readyz"
	if live {
		path = "/healthz"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask the plugin server: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the plugin server at %s: %s; start gatehouse serve, or name its address with --http or GATEHOUSE_HTTP", address, probe.Why(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("the plugin server is not ready: %s: %s", resp.Status, strings.TrimSpace(string(why)))
	}
	return nil
}
