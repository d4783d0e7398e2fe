// Command lura is the peer of the BFF: one endpoint of luraproject/lura, which asks the
// same four services side by side and merges what its allow-lists leave of the answers.
//
//	lura ADDR SERVICES
//
// SERVICES is the base URL of all four.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/luraproject/lura/v2/config"
	"github.com/luraproject/lura/v2/logging"
	"github.com/luraproject/lura/v2/proxy"
	"github.com/luraproject/lura/v2/router/mux"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lura:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: lura ADDR SERVICES")
	}
	cfg, err := serviceConfig(args[0], args[1])
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	mux.DefaultFactory(proxy.DefaultFactory(logging.NoOp), logging.NoOp).NewWithContext(ctx).Run(cfg)
	return nil
}

// serviceConfig is the endpoint. An allow-list cannot reach into a list: the orders and
// notifications go out whole.
func serviceConfig(addr, services string) (config.ServiceConfig, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return config.ServiceConfig{}, err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return config.ServiceConfig{}, err
	}
	backend := func(group, target string, allow ...string) *config.Backend {
		return &config.Backend{Host: []string{services}, URLPattern: target, Group: group, AllowList: allow}
	}
	cfg := config.ServiceConfig{
		Version: config.ConfigVersion, Address: host, Port: port, Timeout: 1500 * time.Millisecond,
		Endpoints: []*config.EndpointConfig{{
			Endpoint: "/web/v1/dashboard", Method: "GET", HeadersToPass: []string{"X-Tenant-Id", "X-User-Id", "Traceparent"},
			Backend: []*config.Backend{
				backend("user", "/v1/users/u1", "id", "given_name", "family_name", "email", "locale"),
				backend("orders", "/v2/orders?limit=5", "data", "counts"),
				backend("billing", "/v1/summary", "balance", "open_invoices", "overdue_invoices", "next_due.id", "next_due.amount", "next_due.due_on"),
				backend("notifications", "/v1/notifications?unread=true&limit=5", "unread_count", "items"),
			},
		}},
	}
	return cfg, cfg.Init()
}
