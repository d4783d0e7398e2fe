package devgateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/pluginclient"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/router"
)

// Options say where a gateway listens and what it works with.
type Options struct {
	ConfigFile string // the declarative configuration

	// Where to listen, "host:port". An empty AdminAddr or StatusAddr turns that
	// listener off.
	ProxyAddr  string
	AdminAddr  string
	StatusAddr string

	PluginSocket string                            // the plugin server's unix socket
	PluginInfo   func(name string) ([]byte, error) // runs a plugin's query command
	HostsFile    string                            // KONG_DNS_HOSTSFILE; may be empty

	// AccessLog and ErrorLog are values of KONG_PROXY_ACCESS_LOG and
	// KONG_PROXY_ERROR_LOG; empty is off.
	AccessLog string
	ErrorLog  string

	// Env looks up KONG_LOG_LEVEL, KONG_NGINX_HTTP_LOG_FORMAT, and what
	// {vault://env/NAME} refers to. nil is the process's environment.
	Env func(name string) (string, bool)
}

// Gateway serves a configuration. Its log files are open from New until Run
// returns.
type Gateway struct {
	opts       Options
	nodeID     string
	loader     *config.Loader
	current    atomic.Pointer[snapshot]
	plugins    *pluginclient.Client
	resolver   *resolver
	transports transports
	logs       logs
	sequence   atomic.Int64 // of plugin configurations
	stats      stats
	logEvents  sync.WaitGroup
}

// snapshot is a configuration with all that is made of it.
type snapshot struct {
	text   []byte // as it was loaded
	config *config.Config
	router *router.Router
	chain  *chain
	wheels map[string]*wheel
}

// stopTimeout bounds how long requests and log events may take to end.
const stopTimeout = 10 * time.Second

// New loads the configuration and opens the logs. An error about the
// configuration is a *config.Invalid, with one line for each thing that is wrong.
func New(opts Options) (*Gateway, error) {
	if opts.Env == nil {
		opts.Env = os.LookupEnv
	}
	g := &Gateway{opts: opts, nodeID: uuid.NewString(), plugins: pluginclient.New(opts.PluginSocket)}
	var err error
	if g.logs, err = openLogs(opts); err != nil {
		return nil, err
	}
	if err := g.start(); err != nil {
		return nil, errors.Join(err, g.logs.close())
	}
	return g, nil
}

func (g *Gateway) start() error {
	var err error
	if g.resolver, err = newResolver(g.opts.HostsFile); err != nil {
		return err
	}
	g.loader = config.NewLoader(config.Options{
		PluginInfo: g.opts.PluginInfo,
		Env:        g.opts.Env,
		Warn:       func(err error) { g.logs.errors.Log(nginxlog.Warn, "[kong] "+err.Error(), nginxlog.Context{}) },
		Now:        time.Now,
	})
	text, err := os.ReadFile(g.opts.ConfigFile)
	if err != nil {
		return fmt.Errorf("read declarative config: %w", err)
	}
	if err := g.load(text); err != nil {
		return fmt.Errorf("%s: %w", g.opts.ConfigFile, err)
	}
	return nil
}

// load replaces the configuration. Requests under way keep the old one.
func (g *Gateway) load(text []byte) error {
	cfg, err := g.loader.Load(text)
	if err != nil {
		return err
	}
	s := &snapshot{text: text, config: cfg, wheels: map[string]*wheel{}}
	if s.router, err = router.New(cfg.Routes); err != nil {
		return err
	}
	if s.chain, err = newChain(cfg, func() int { return int(g.sequence.Add(1)) }); err != nil {
		return err
	}
	for name, u := range cfg.Upstreams {
		s.wheels[name] = newWheel(u)
	}
	g.current.Store(s)
	return nil
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
	g.plugins.Close()
	g.transports.close()
	return errors.Join(err, g.logs.close())
}

// server is one listener with what serves it.
type server struct {
	http     *http.Server
	listener net.Listener
}

func (g *Gateway) listen() ([]server, error) {
	var servers []server
	for _, l := range []struct {
		addr    string
		handler http.Handler
	}{
		{g.opts.ProxyAddr, http.HandlerFunc(g.serveProxy)},
		{g.opts.AdminAddr, g.adminHandler()},
		{g.opts.StatusAddr, g.statusHandler()},
	} {
		if l.addr == "" {
			continue
		}
		listener, err := net.Listen("tcp", l.addr)
		if err != nil {
			for _, s := range servers {
				_ = s.listener.Close()
			}
			return nil, listenError(l.addr, err)
		}
		servers = append(servers, server{g.httpServer(l.handler), listener})
	}
	return servers, nil
}

// listenError is short: "listen on 127.0.0.1:8000: address already in use".
func listenError(addr string, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	return fmt.Errorf("listen on %s: %w", addr, err)
}

func (g *Gateway) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 60 * time.Second, // nginx's client_header_timeout
		IdleTimeout:       75 * time.Second, // nginx's keepalive_timeout
		ConnContext:       g.stats.connContext,
		ConnState:         g.stats.connState,
		ErrorLog:          g.logs.serverLog(),
	}
}

func (s server) serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", s.listener.Addr(), err)
	}
	return nil
}

func stop(servers []server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	for _, s := range servers {
		if err := s.http.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.listener.Addr(), err), s.http.Close())
		}
	}
	return errors.Join(errs...)
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
