package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
)

// Replica is one more gateway beside that of a stack, with a plugin server of its own.
type Replica struct {
	// Proxy, Secure, Admin, Status and Metrics are base URLs.
	Proxy, Secure, Admin, Status, Metrics string
	stack                                 Stack
	part                                  part
	child                                 *process
}

// StartReplica starts one with a declarative config. On Kong its Admin API wants a client's
// certificate of the stack's CA, as docs/releases.md has it.
func (s *Stack) StartReplica(ctx context.Context, name string, config []byte) (*Replica, error) {
	r := &Replica{stack: *s}
	r.stack.children, r.stack.closers = nil, nil
	ports, err := FreePorts()
	if err != nil {
		return nil, err
	}
	p := &r.stack.Ports
	p.Proxy, p.ProxyTLS, p.Admin, p.Status, p.PluginServer = ports.Proxy, ports.ProxyTLS, ports.Admin, ports.Status, ports.PluginServer
	if r.stack.runDir, err = os.MkdirTemp("", "gatehouse-"); err != nil {
		return nil, fmt.Errorf("create socket folder: %w", err)
	}
	if err := r.stack.writeGatewayFiles(); err != nil {
		return nil, errors.Join(err, r.remove())
	}
	if err := os.WriteFile(r.stack.GatewayConfig(), config, 0o600); err != nil {
		return nil, errors.Join(err, r.remove())
	}
	r.Proxy, r.Secure, r.Admin = p.Proxy.URL(), p.ProxyTLS.TLS(), p.Admin.URL()
	r.Status, r.Metrics = p.Status.URL(), p.PluginServer.URL()
	if s.Kong {
		r.Admin = p.Admin.TLS()
		r.stack.GatewayEnv = append(append([]string{}, s.GatewayEnv...), r.stack.adminTLS()...)
	}
	r.part = r.stack.gateway()
	r.part.name = name
	if err := r.Start(ctx); err != nil {
		return nil, errors.Join(err, r.remove())
	}
	return r, nil
}

// adminTLS has Kong ask who wants its Admin API for a certificate.
func (s *Stack) adminTLS() []string {
	return []string{
		"KONG_ADMIN_LISTEN=" + s.Ports.Admin.Addr() + " ssl",
		"KONG_ADMIN_SSL_CERT=" + s.certs().Cert(devcerts.Edge),
		"KONG_ADMIN_SSL_CERT_KEY=" + s.certs().Key(devcerts.Edge),
		"KONG_NGINX_ADMIN_SSL_CLIENT_CERTIFICATE=" + s.certs().CA(),
		"KONG_NGINX_ADMIN_SSL_VERIFY_CLIENT=on",
	}
}

// Start starts it, again if it was killed, and returns when it answers.
func (r *Replica) Start(ctx context.Context) error {
	var err error
	if r.child, err = startProcess(r.part, r.stack.LogDir()); err != nil {
		return err
	}
	if err := r.stack.await(ctx, r.child); err != nil {
		return errors.Join(err, r.child.stop())
	}
	return nil
}

// Kill ends all of its processes at once, as a machine does that fails.
func (r *Replica) Kill() error {
	pid := r.child.cmd.Process.Pid
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // one of each thread
	if err != nil {
		return err
	}
	var children []string
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			return fmt.Errorf("find the processes of %s: %w", r.part.name, err)
		}
		children = append(children, strings.Fields(string(text))...)
	}
	errs := []error{r.child.cmd.Process.Kill()}
	for _, child := range children {
		group, err := strconv.Atoi(child)
		if err == nil {
			err = syscall.Kill(-group, syscall.SIGKILL) // each leads a group of its own
		}
		errs = append(errs, err)
	}
	<-r.child.exited
	return errors.Join(append(errs, os.RemoveAll(filepath.Join(r.stack.runDir, "kong")))...)
}

// Stop ends it in order.
func (r *Replica) Stop() error { return errors.Join(r.child.stop(), r.remove()) }

func (r *Replica) remove() error { return os.RemoveAll(r.stack.runDir) }
