package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/e2e/stack"
	"github.com/gatehousehq/gatehouse/internal/gobuild"
)

// environment is what the suite may look at, whichever gateway runs.
type environment struct {
	proxy    string // base URL of the gateway
	secure   string // the same over TLS
	admin    string // base URL of its Admin API
	config   []byte // the declarative config that it started with
	base     []byte // the same without the keys of issuers
	receiver string // base URL of the trace receiver
	metrics  string // base URL of the plugin server's metrics and health
	// services are the base URLs of the sample services' controls, by name, one for each
	// process.
	services map[string][]string
	ports    stack.Ports
	certs    devcerts.Dir
	// renew makes all leaves anew, for the gateway in a config.
	renew func() (config []byte, err error)
	// here says that the gateway runs on this machine and reaches what a test listens on.
	here bool
	bin  string // the folder of the binaries, where it does
	// logs returns everything that the gateway, the plugin server and what is behind
	// them have logged.
	logs func() ([]byte, error)
	// signal sends a signal to a process of the gateway's, by the id that its logs tell.
	signal func(pid int, sig syscall.Signal) error
	// fileLog is where Kong's file-log plugin may write; empty: this gateway has none.
	fileLog string
	// replica starts one more gateway of the same kind; nil where there can be none.
	replica func(ctx context.Context, name string, config []byte) (*stack.Replica, error)
}

// targets start a gateway, with all that it needs, on free ports.
var targets = map[string]func(context.Context) (*environment, func() error, error){
	"dev":    func(ctx context.Context) (*environment, func() error, error) { return startHere(ctx, false) },
	"kong":   func(ctx context.Context) (*environment, func() error, error) { return startHere(ctx, true) },
	"docker": startDocker,
}

// startHere builds the binaries and starts the embedded stack on this machine, with
// the dev gateway or with the Kong on PATH.
func startHere(ctx context.Context, kong bool) (*environment, func() error, error) {
	dir, err := os.MkdirTemp("", "gatehouse-e2e-")
	if err != nil {
		return nil, nil, err
	}
	if err := build(ctx, dir); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	ports, err := stack.FreePorts()
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	kongConfig, err := arrange(dir)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	s, err := stack.Start(ctx, stack.Config{
		Bin: dir, Dir: dir, KongConfig: kongConfig, Ports: ports, Kong: kong, GatewayEnv: behindCDN,
		RedisURL: os.Getenv("REDIS_URL"),
	})
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	config, err := os.ReadFile(s.GatewayConfig())
	if err != nil {
		return nil, nil, errors.Join(err, s.Close(), os.RemoveAll(dir))
	}
	base, err := os.ReadFile(s.BaseConfig())
	if err != nil {
		return nil, nil, errors.Join(err, s.Close(), os.RemoveAll(dir))
	}
	env := &environment{
		proxy:    ports.Proxy.URL(),
		admin:    ports.Admin.URL(),
		config:   config,
		base:     base,
		receiver: ports.OTLP.URL(),
		metrics:  ports.PluginServer.URL(),
		services: serviceURLs(ports),
		secure:   ports.ProxyTLS.TLS(),
		ports:    ports,
		certs:    stack.CertDir(dir),
		renew:    s.Renew,
		here:     true,
		bin:      dir,
		logs:     func() ([]byte, error) { return readLogs(s.LogDir(), filepath.Dir(s.GatewayConfig())) },
		signal:   syscall.Kill,
		replica:  s.StartReplica,
	}
	if kong {
		env.fileLog = filepath.Join(dir, "file-log.json")
	}
	stop := func() error { return errors.Join(s.Close(), os.RemoveAll(dir)) }
	return env, stop, nil
}

// readLogs reads every log below the folders: what the parts print, and what Kong
// writes in its prefix.
func readLogs(dirs ...string) ([]byte, error) {
	var all []byte
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() || filepath.Ext(path) != ".log" {
				return err
			}
			text, err := os.ReadFile(path)
			all = append(append(all, text...), '\n')
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read logs: %w", err)
		}
	}
	return all, nil
}

func serviceURLs(p stack.Ports) map[string][]string {
	return map[string][]string{
		services.Orders:        {p.OrdersControl.URL(), p.Orders2Control.URL()},
		services.Users:         {p.UsersControl.URL()},
		services.Billing:       {p.BillingControl.URL()},
		services.Notifications: {p.NotificationsControl.URL()},
		services.Auth:          {p.AuthControl.URL()},
	}
}

// build builds the binaries into dir, with the race detector where this test has it.
func build(ctx context.Context, dir string) error {
	var flags []string
	if raceEnabled {
		flags = append(flags, "-race")
	}
	return gobuild.Build(ctx, dir, flags, "plugins/cmd/gatehouse", "bff/cmd/bff", "e2e/cmd/stack")
}
