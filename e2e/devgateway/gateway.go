package devgateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/balancer"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/correlationid"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/pluginclient"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/router"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/upstream"
	"github.com/gatehousehq/gatehouse/internal/regularfile"
)

// Options say where a gateway listens and what it works with.
type Options struct {
	ConfigFile string // the declarative configuration

	// Where to listen, "host:port". An empty ProxyTLSAddr, AdminAddr or StatusAddr turns
	// that listener off.
	ProxyAddr    string
	ProxyTLSAddr string
	AdminAddr    string
	StatusAddr   string

	// Posted makes of a configuration that is posted the one that runs, such as with an
	// overlay; nil: it runs as it is. The Admin API shows what was posted.
	Posted func(text []byte) ([]byte, error)

	// CertFile and KeyFile are KONG_SSL_CERT and KONG_SSL_CERT_KEY: for clients that name
	// no server that the configuration has a certificate for.
	CertFile, KeyFile string

	PluginSocket string                            // the plugin server's unix socket
	PluginInfo   func(name string) ([]byte, error) // runs a plugin's query command
	HostsFile    string                            // KONG_DNS_HOSTSFILE; may be empty

	// AccessLog and ErrorLog are values of KONG_PROXY_ACCESS_LOG and
	// KONG_PROXY_ERROR_LOG; empty is off. NginxInclude is that of
	// KONG_NGINX_HTTP_INCLUDE, a file that defines the access log's format.
	AccessLog    string
	ErrorLog     string
	NginxInclude string

	// ErrorTemplate is the file of KONG_ERROR_TEMPLATE_JSON; empty: Kong's own body.
	// AddHeader is KONG_NGINX_PROXY_ADD_HEADER; empty is none. HideHeader, likewise, is
	// KONG_NGINX_PROXY_PROXY_HIDE_HEADER.
	ErrorTemplate string
	AddHeader     string
	HideHeader    string

	Gzip Gzip

	// TrustedIPs, RealIPHeader and RealIPRecursive are KONG_TRUSTED_IPS,
	// KONG_REAL_IP_HEADER and KONG_REAL_IP_RECURSIVE; empty is Kong's default.
	TrustedIPs      string
	RealIPHeader    string
	RealIPRecursive string
}

// Gateway serves a configuration. Its logs are open from New until Run returns.
type Gateway struct {
	opts       Options
	loader     *config.Loader
	loading    sync.Mutex // one configuration at a time replaces another
	current    atomic.Pointer[snapshot]
	plugins    *pluginclient.Client
	transports upstream.Transports
	logs       logs
	errorBody  string // the text of ErrorTemplate
	addHeader  addHeader
	useSooner  bool // gatehouse-sunset.conf is included
	realIP     realIP
	gzip       compression
	ids        *correlationid.Worker
	sequence   atomic.Int64  // of plugin configurations
	accepted   atomic.Uint64 // connections
	logEvents  sync.WaitGroup
}

// snapshot is a configuration with all that is made of it.
type snapshot struct {
	config    *config.Config
	router    *router.Router
	chain     *chain
	balancers *balancer.Set
	text      []byte
	hash      string // of the text
}

// New loads the configuration and opens the logs. An error about the
// configuration is a *config.Invalid, with one line for each thing that is wrong.
func New(opts Options) (*Gateway, error) {
	g := &Gateway{opts: opts, plugins: pluginclient.New(opts.PluginSocket), ids: correlationid.NewWorker()}
	if err := g.useSettings(); err != nil {
		return nil, err
	}
	hosts, err := config.ReadHosts(opts.HostsFile)
	if err != nil {
		return nil, err
	}
	g.loader = config.NewLoader(config.Options{PluginInfo: opts.PluginInfo, Hosts: hosts, Now: time.Now})
	text, err := regularfile.Read(opts.ConfigFile)
	if err != nil {
		return nil, fmt.Errorf("read declarative config: %w", err)
	}
	if _, err := g.load(text, text); err != nil {
		return nil, fmt.Errorf("%s: %w", opts.ConfigFile, err)
	}
	g.logs, err = openLogs(opts)
	return g, err
}

// loadPosted replaces the configuration by one that was posted.
func (g *Gateway) loadPosted(text []byte) (*config.Config, error) {
	runs := text
	if g.opts.Posted != nil {
		var err error
		if runs, err = g.opts.Posted(text); err != nil {
			return nil, err
		}
	}
	return g.load(text, runs)
}

// load replaces the configuration by the one that is to run; text is what the Admin API
// shows of it. Requests under way keep the old one.
func (g *Gateway) load(text, runs []byte) (*config.Config, error) {
	cfg, err := g.loader.Load(runs)
	if err != nil {
		return nil, err
	}
	chain, err := newChain(cfg, func() int { return int(g.sequence.Add(1)) }, g.ids)
	if err != nil {
		return nil, err
	}
	g.loading.Lock()
	defer g.loading.Unlock()
	var before *balancer.Set
	if old := g.current.Load(); old != nil {
		before = old.balancers
	}
	balancers := balancer.NewSet(cfg.Upstreams, before)
	g.current.Store(&snapshot{config: cfg, router: router.New(cfg.Routes), chain: chain, balancers: balancers, text: text, hash: hash(text)})
	before.Stop()
	return cfg, nil
}

// Run listens and serves until the context ends. Then it lets requests and log
// events finish, for at most ten seconds.
func (g *Gateway) Run(ctx context.Context) error {
	servers, err := g.listen()
	if err != nil {
		return errors.Join(err, g.logs.close())
	}
	return g.serve(ctx, servers)
}

func (g *Gateway) serve(ctx context.Context, servers []server) error {
	group, serving := errgroup.WithContext(ctx)
	for _, s := range servers {
		group.Go(s.serve)
	}
	group.Go(func() error {
		<-serving.Done()
		return stop(servers)
	})
	err := group.Wait()
	g.awaitLogEvents()
	g.current.Load().balancers.Stop()
	g.plugins.Close()
	g.transports.Close()
	return errors.Join(err, g.logs.close())
}

func (g *Gateway) awaitLogEvents() {
	done := make(chan struct{})
	go func() {
		g.logEvents.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(stopTimeout):
	}
}
