package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/e2e/stack"
	"github.com/gatehousehq/gatehouse/internal/probe"
)

// composeReady bounds how long the containers may take to be healthy, images built.
const composeReady = 2 * time.Minute

// compose runs docker compose, whichever of its two forms is there, on the
// repository's file under a project name of the suite's own.
type compose struct {
	command []string
	env     []string
}

// startDocker builds the images and starts what the suite looks at in containers, on
// free ports.
func startDocker(ctx context.Context) (*environment, func() error, error) {
	ports, err := stack.FreePorts()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "gatehouse-e2e-")
	if err != nil {
		return nil, nil, err
	}
	kongConfig, err := arrange(dir)
	if err == nil {
		err = os.Chmod(dir, 0o755) // for Kong's user in the container
	}
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	c := newCompose(ctx, ports, kongConfig)
	stop := func() error {
		return errors.Join(c.run(context.Background(), "down", "--volumes", "--remove-orphans", "--timeout", "10"), os.RemoveAll(dir))
	}
	if err := c.up(ctx, ports); err != nil {
		logs, _ := c.output(context.Background(), "logs", "--no-color", "--tail", "40")
		return nil, nil, errors.Join(err, errors.New(logs), stop())
	}
	kong, err := c.output(ctx, "ps", "--quiet", "kong")
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	kong = strings.TrimSpace(kong)
	certs := stack.CertDir(dir)
	config, err := copyCerts(ctx, kong, certs)
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	base, err := os.ReadFile(filepath.Join(string(certs), "base.yaml"))
	if err != nil {
		return nil, nil, errors.Join(err, stop())
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
		certs:    certs,
		renew: func() ([]byte, error) {
			if err := c.run(context.Background(), "run", "--rm", "--no-deps", "certs", "certs", "-renew",
				"-dir", "/certs", "-config", "/etc/gatehouse/kong.yaml", "-out", "/certs/base.yaml"); err != nil {
				return nil, err
			}
			if err := c.run(context.Background(), "run", "--rm", "--no-deps", "config"); err != nil {
				return nil, err
			}
			return copyCerts(context.Background(), kong, certs)
		},
		// docker itself, since compose takes seconds to say the same.
		logs: func() ([]byte, error) {
			return exec.CommandContext(context.Background(), "docker", "logs", kong).CombinedOutput()
		},
		signal: func(pid int, sig syscall.Signal) error {
			return exec.CommandContext(context.Background(), "docker", "exec", kong, "sh", "-c", fmt.Sprintf("kill -%d %d", sig, pid)).Run()
		},
	}
	return env, stop, nil
}

// copyCerts copies the certificates out of the volume that Kong's container has, and
// returns the config among them.
func copyCerts(ctx context.Context, kong string, into devcerts.Dir) ([]byte, error) {
	if err := os.MkdirAll(string(into), 0o700); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "docker", "cp", kong+":/certs/.", string(into)).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("copy the certificates: %w: %s", err, out)
	}
	return os.ReadFile(filepath.Join(string(into), "kong.yaml"))
}

func newCompose(ctx context.Context, ports stack.Ports, kongConfig string) *compose {
	c := &compose{command: []string{"docker", "compose"}}
	if exec.CommandContext(ctx, "docker", "compose", "version").Run() != nil {
		c.command = []string{"docker-compose"}
	}
	c.env = append(os.Environ(), "COMPOSE_PROJECT_NAME=gatehouse-e2e", "TRACES=http://receiver:4318", "KONG_CONFIG="+kongConfig)
	c.env = append(c.env, ports.Environ()...)
	return c
}

// up starts Kong and what it depends on, and waits until Kong's container is healthy.
func (c *compose) up(ctx context.Context, ports stack.Ports) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	if err := c.run(ctx, "--profile", "suite", "up", "--detach", "--build", "kong", "receiver"); err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(ctx, composeReady)
	defer cancel()
	for {
		err := errors.Join(probe.OK(ctx, ports.Status.URL()+"/status/ready"), probe.OK(ctx, ports.PluginServer.URL()+"/readyz"))
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for Kong's container: %w", err)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

func (c *compose) run(ctx context.Context, args ...string) error {
	out, err := c.output(ctx, args...)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func (c *compose) output(ctx context.Context, args ...string) (string, error) {
	argv := append(append([]string{}, c.command...), args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = "..", c.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return string(out), nil
}
