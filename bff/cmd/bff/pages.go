package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"

	"github.com/gatehousehq/gatehouse/bff/cursor"
	"github.com/gatehousehq/gatehouse/bff/inflight"
	"github.com/gatehousehq/gatehouse/bff/metrics"
	"github.com/gatehousehq/gatehouse/bff/mobile"
	"github.com/gatehousehq/gatehouse/bff/page"
	"github.com/gatehousehq/gatehouse/bff/timeleft"
	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/bff/web"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// newHandler wires the pages of cfg's BFF to the services.
func newHandler(cfg config, tel *telemetry.Telemetry, pool *metrics.Pool, measured *metrics.Metrics, logger *slog.Logger) (http.Handler, error) {
	var transport http.RoundTripper = pool
	if cfg.coalesce {
		transport = upstream.Coalesce(pool, pool.Shared)
	}
	clients, err := upstream.New(upstream.Options{
		Orders: cfg.services["orders"], Users: cfg.services["users"],
		Billing: cfg.services["billing"], Notifications: cfg.services["notifications"],
		Transport: transport, Telemetry: tel, Logger: logger,
		Budget: cfg.budget, Hedged: cfg.hedged, Observer: measured,
	})
	if err != nil {
		return nil, err
	}
	cursors, err := openCursors(cfg, logger)
	if err != nil {
		return nil, err
	}
	options := page.Options{
		Services: clients, Telemetry: tel, Logger: logger, Budget: cfg.budget, Cursors: cursors,
		Wrap: bounds(cfg, measured, logger), Degraded: measured.Degraded,
	}
	if cfg.kind.name == "mobile" {
		return mobile.New(options)
	}
	return web.New(options)
}

func openCursors(cfg config, logger *slog.Logger) (*cursor.Sealer, error) {
	switch {
	case !cfg.kind.lists:
		return nil, nil
	case len(cfg.cursorKeys) == 0:
		logger.Warn("BFF_CURSOR_KEYS is random: another process, or this one started again, refuses the cursors that this one gives out")
		return cursor.Random()
	}
	return cursor.New(cfg.cursorKeys[0], cfg.cursorKeys[1:]...)
}

// bounds puts around pages what bounds them, in number and in time, and counts them.
func bounds(cfg config, measured *metrics.Metrics, logger *slog.Logger) func(http.Handler, func(*http.Request) string) http.Handler {
	limit := inflight.New(cfg.maxInFlight, measured.Overloaded)
	measured.InFlight(limit.Now, cfg.maxInFlight)
	return func(pages http.Handler, route func(*http.Request) string) http.Handler {
		pages = timeleft.Handler(pages, timeleft.Options{Reserve: cfg.reserve, Invalid: measured.InvalidTimeout, Logger: logger})
		return measured.Handler(limit.Handler(pages), route)
	}
}

// hosts are the names of services by the host of their URL, and by the host:port that a
// transport dials for it. Of services that share one, the last has it.
func hosts(bases map[string]string) map[string]string {
	names := make(map[string]string)
	for _, name := range serviceNames {
		u, err := url.Parse(bases[name])
		if err != nil {
			continue // upstream.New refuses it
		}
		port := or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
		names[u.Host], names[net.JoinHostPort(u.Hostname(), port)] = name, name
	}
	return names
}
