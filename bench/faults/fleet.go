package faults

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/bench/redisserver"
	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/e2e/stack"
	"github.com/gatehousehq/gatehouse/internal/pemfile"
)

// replicas is how many gateways there are.
const replicas = 3

// replica is a gateway: a Kong of one worker and its plugin server.
type replica struct {
	name                                 string
	proxy, secure, admin, status, server string // base URLs
	records                              string // the file of its audit records
	again                                *stack.Replica
}

// fleet is three replicas over one set of services and one Redis, with a balancer in front
// and a Prometheus that watches.
type fleet struct {
	dir      string
	stack    *stack.Stack
	replicas []*replica
	redis    *redisserver.Server
	watched  *redisserver.Watched // in place of redis, if not nil
	link     *link                // the last replica's way to Redis
	spans    *spans
	balancer *balancer
	alerts   *prometheus

	edgeExpires time.Time // of the certificate that clients see, if it was shortened

	closers []func() error
}

// arrangement is what the fleets of some faults differ in.
type arrangement struct {
	sentinel bool               // Redis is watched by a Sentinel
	clock    bool               // Redis' clock can be set
	env      []string           // of every gateway
	prepare  func(*fleet) error // before the second replica starts
}

// build builds the binaries, which have their own go.mod, into a folder.
func build(ctx context.Context, dir string) error {
	command := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), "./plugins/cmd/gatehouse", "./bff/cmd/bff", "./e2e/cmd/stack")
	command.Dir = ".."
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build the binaries: %w: %s", err, out)
	}
	return nil
}

// startFleet returns what there is of it beside an error, too.
func startFleet(ctx context.Context, binaries string, a arrangement) (*fleet, error) {
	f := new(fleet)
	var err error
	if f.dir, err = os.MkdirTemp("", "ghf"); err != nil { // short, for the sockets in it
		return f, err
	}
	f.onClose(func() error { return os.RemoveAll(f.dir) })
	if err := f.startRedis(ctx, a); err != nil {
		return f, err
	}
	if f.spans, err = startSpans(); err != nil {
		return f, err
	}
	f.onClose(func() error { f.spans.leave(); return nil })
	if err := f.startGateways(ctx, binaries, a); err != nil {
		return f, err
	}
	targets := make([]*target, len(f.replicas))
	for i, r := range f.replicas {
		proxy, err := url.Parse(r.proxy)
		if err != nil {
			return f, err
		}
		targets[i] = &target{name: r.name, proxy: proxy, checks: []string{r.status + "/status/ready", r.server + "/readyz"}}
	}
	if f.balancer, err = startBalancer(targets); err != nil {
		return f, err
	}
	f.onClose(f.balancer.close)
	if f.alerts, err = startPrometheus(ctx, f.jobs()); err != nil {
		return f, err
	}
	f.onClose(f.alerts.close)
	return f, nil
}

func (f *fleet) onClose(closer func() error) { f.closers = append(f.closers, closer) }

// close undoes all, the last thing first.
func (f *fleet) close() error {
	var errs []error
	for i := len(f.closers) - 1; i >= 0; i-- {
		errs = append(errs, f.closers[i]())
	}
	return errors.Join(errs...)
}

func (f *fleet) startRedis(ctx context.Context, a arrangement) (err error) {
	if a.sentinel {
		if f.watched, err = redisserver.StartWatched(ctx); err == nil {
			f.onClose(f.watched.Stop)
		}
		return err
	}
	var env []string
	if a.clock {
		if env, err = f.prepareClock(); err != nil {
			return err
		}
	}
	if f.redis, err = redisserver.StartWith(ctx, env); err != nil {
		return err
	}
	f.onClose(f.redis.Stop)
	if f.link, err = startLink(f.redis.Addr); err == nil {
		f.onClose(f.link.close)
	}
	return err
}

func (f *fleet) redisURL() string {
	if f.watched != nil {
		return f.watched.URL()
	}
	return f.redis.URL()
}

// startGateways starts the services and the first replica with them, and then the others.
func (f *fleet) startGateways(ctx context.Context, binaries string, a arrangement) error {
	ports, err := stack.FreePorts()
	if err != nil {
		return err
	}
	config, err := f.config()
	if err != nil {
		return err
	}
	first := &replica{
		name: "replica-1", proxy: ports.Proxy.URL(), secure: ports.ProxyTLS.TLS(), admin: ports.Admin.URL(), status: ports.Status.URL(),
		server: ports.PluginServer.URL(), records: filepath.Join(f.dir, "audit-1", "audit.log"),
	}
	env := append([]string{"KONG_NGINX_WORKER_PROCESSES=1"}, a.env...)
	f.stack, err = stack.Start(ctx, stack.Config{
		Bin: binaries, Dir: f.dir, KongConfig: config, Ports: ports, Kong: true, GatewayEnv: append(env, first.env()...),
		RedisURL: f.redisURL(), OTLPEndpoint: "http://" + f.spans.addr,
	})
	if err != nil {
		return err
	}
	f.onClose(f.stack.Close)
	f.replicas = []*replica{first}
	if a.prepare != nil {
		if err := a.prepare(f); err != nil {
			return err
		}
	}
	for n := 2; n <= replicas; n++ {
		if err := f.startReplica(ctx, n, env); err != nil {
			return err
		}
	}
	return nil
}

// startReplica starts another gateway over the services of the first. The last one's Redis
// is behind the link.
func (f *fleet) startReplica(ctx context.Context, n int, env []string) error {
	config, err := os.ReadFile(f.stack.GatewayConfig())
	if err != nil {
		return err
	}
	r := &replica{name: fmt.Sprint("replica-", n), records: filepath.Join(f.dir, fmt.Sprint("audit-", n), "audit.log")}
	like := *f.stack
	like.GatewayEnv = append(append([]string{}, env...), r.env()...)
	if n == replicas && f.link != nil {
		like.RedisURL = "redis://" + f.link.addr
	}
	if r.again, err = like.StartReplica(ctx, r.name, config); err != nil {
		return err
	}
	f.onClose(r.again.Stop)
	r.proxy, r.secure, r.admin, r.status, r.server = r.again.Proxy, r.again.Secure, r.again.Admin, r.again.Status, r.again.Metrics
	f.replicas = append(f.replicas, r)
	return nil
}

// env has a replica write its audit records into a file.
func (r *replica) env() []string { return []string{"GATEHOUSE_AUDIT_LOG=" + r.records} }

// config is the repository's, with limits that the load does not reach but for the plan
// of one tenant.
func (f *fleet) config() (path string, err error) {
	text, err := os.ReadFile("../kong.yaml")
	if err != nil {
		return "", err
	}
	raised := strings.NewReplacer("limit: 1200,", "limit: 120000,", "limit: 600,", "limit: 60000,",
		"default_plan: pro\n", "default_plan: pro\n      default_user_limit: { expected_peak: 1000 }\n").Replace(string(text))
	if raised == string(text) {
		return "", errors.New("kong.yaml has other limits than those that are raised here")
	}
	for n := range replicas {
		if err := os.Mkdir(filepath.Join(f.dir, fmt.Sprint("audit-", n+1)), 0o755); err != nil {
			return "", err
		}
	}
	path = filepath.Join(f.dir, "kong.yaml")
	return path, os.WriteFile(path, []byte(raised), 0o644)
}

// tlsClient believes the fleet's CA, and has a certificate of it. Each of its requests has
// a connection of its own.
func (f *fleet) tlsClient() (*http.Client, error) {
	certs := stack.CertDir(f.dir)
	pool, err := pemfile.Pool(certs.CA())
	if err != nil {
		return nil, err
	}
	pair, err := pemfile.Pair(certs.Cert(devcerts.Gateway), certs.Key(devcerts.Gateway))
	if err != nil {
		return nil, err
	}
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}, DisableKeepAlives: true,
	}}, nil
}

// jobs are what Prometheus scrapes, as deploy/prometheus/prometheus.yml has it.
func (f *fleet) jobs() map[string][]string {
	p := &f.stack.Ports
	jobs := map[string][]string{
		"bff": {p.WebBFFStatus.Addr(), p.WebBFF2Status.Addr(), p.MobileBFFStatus.Addr(), p.MobileBFF2Status.Addr()},
		"services": {
			p.OrdersControl.Addr(), p.Orders2Control.Addr(), p.UsersControl.Addr(), p.BillingControl.Addr(),
			p.NotificationsControl.Addr(), p.AuthControl.Addr(),
		},
	}
	for _, r := range f.replicas {
		jobs["gatehouse"] = append(jobs["gatehouse"], strings.TrimPrefix(r.server, "http://"))
		jobs["kong"] = append(jobs["kong"], strings.TrimPrefix(r.status, "http://"))
	}
	return jobs
}
