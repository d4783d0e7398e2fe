package bff

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehousehq/gatehouse/bench/httpload"
	"github.com/gatehousehq/gatehouse/bench/kongserver"
	"github.com/gatehousehq/gatehouse/bench/process"
	"github.com/gatehousehq/gatehouse/bench/ratio"
	"github.com/gatehousehq/gatehouse/bench/redisserver"
)

const (
	// servicesP95 is the 95th percentile of how long a service takes.
	servicesP95 = 80 * time.Millisecond
	// behindKong is the load, in requests a second, on connections enough that none
	// waits for the answer before.
	behindKong  = 100
	kongClients = 64
	kongLength  = 5 * time.Second
)

// secret is of the issuer whose tokens Kong believes here.
const secret = "bench-only-bench-only-bench-only"

// kongConfig has the dashboard and, passed through, the orders. Both are behind jwt and
// three policies in one hop.
func kongConfig(bff, services *process.Process) string {
	return fmt.Sprintf(`_format_version: "3.0"
consumers:
  - username: web-app
    jwt_secrets: [{ key: bench, algorithm: HS256, secret: %s }]
services:
  - { name: bff, url: "%s", routes: [{ name: dashboard, paths: [%s], strip_path: false }] }
  - { name: orders, url: "%s/v2/orders", routes: [{ name: orders, paths: [/orders] }] }
plugins:
  - name: jwt
  - name: gatehouse
    config:
      run: [pii_log_scrub, trace_inject, tenant_rate_limit]
      pii_log_scrub: {}
      trace_inject: {}
      tenant_rate_limit:
        limits: [{ name: tenant, scope: [tenant], limit: 1000000000, window_seconds: 60 }]
`, secret, bff.URL(), page, services.URL())
}

// throughKong are the rows that say how long a client waits.
func (b *bench) throughKong(ctx context.Context) ([]ratio.Row, error) {
	unit := fmt.Sprintf("ms at %d requests/s, services at p95 %v", behindKong, servicesP95)
	dashboard := ratio.Row{What: "a dashboard through Kong, p95", Unit: unit, Target: 300, AtMost: true}
	orders := ratio.Row{What: "orders passed through Kong, p95", Unit: unit, Target: 100, AtMost: true}
	proxy, err := b.startKong(ctx)
	if missing := (ratio.Missing{}); errors.As(err, &missing) {
		dashboard.LeftOut, orders.LeftOut = missing.What, missing.What
		return []ratio.Row{dashboard, orders}, nil
	}
	if err != nil {
		return nil, err
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "bench", "sub": "u1", "tenant": "acme"}).SignedString([]byte(secret))
	if err != nil {
		return nil, err
	}
	p95 := func(path string) ratio.Measure {
		return func(ctx context.Context) (float64, error) {
			l := httpload.New(proxy, path, "Authorization: Bearer "+token)
			l.Clients, l.Pause = kongClients, httpload.Pause(kongClients, behindKong)
			o, err := measure(ctx, l, kongLength)
			return o.Milliseconds(0.95), err
		}
	}
	dashboard.Ours, orders.Ours = p95(page), p95("/orders?limit=5")
	return []ratio.Row{dashboard, orders}, nil
}

// startKong starts a Kong, with a BFF behind it whose services take their time.
func (b *bench) startKong(ctx context.Context) (proxy string, err error) {
	if err := kongserver.Missing(); err != nil {
		return "", err
	}
	redis, err := redisserver.Start(ctx)
	if err != nil {
		return "", err
	}
	b.closers = append(b.closers, redis.Stop)
	gatehouse, err := kongserver.Build(ctx, b.dir)
	if err != nil {
		return "", err
	}
	include, err := filepath.Abs("../deploy/kong/*.conf")
	if err != nil {
		return "", err
	}
	slow, err := b.start(ctx, "/v1/summary", nil, b.stubBinary, "$ADDR", servicesP95.String())
	if err != nil {
		return "", err
	}
	bff, err := b.startBFF(ctx, slow)
	if err != nil {
		return "", err
	}
	kong, err := kongserver.StartGatehouse(ctx, kongserver.GatehouseSettings{
		Binary: gatehouse, Include: include, Config: kongConfig(bff, slow),
		Env: map[string]string{"REDIS_URL": redis.URL(), "GATEHOUSE_LOG_PLUGINS": "off"},
	})
	if err != nil {
		return "", err
	}
	b.closers = append(b.closers, kong.Close)
	return kong.Proxy, nil
}
