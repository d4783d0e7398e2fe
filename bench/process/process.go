// Package process builds and starts the servers that a suite measures, each a process of its own.
package process

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gatehousehq/gatehouse/bench/loopback"
)

// Build builds a main package, seen from a folder, into another.
func Build(ctx context.Context, from, pkg, into string) (binary string, err error) {
	binary = filepath.Join(into, filepath.Base(pkg))
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, pkg)
	cmd.Dir = from
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", pkg, err, out)
	}
	return binary, nil
}

// Process is a server that answers.
type Process struct {
	Addr string

	cmd *exec.Cmd
}

// Start starts a server and waits until it answers path. Arguments and environment may
// have ADDR in them, for the address to listen on.
func Start(ctx context.Context, path string, env []string, binary string, args ...string) (*Process, error) {
	addrs, err := loopback.FreeAddrs(1)
	if err != nil {
		return nil, err
	}
	p := &Process{Addr: addrs[0], cmd: exec.Command(binary)}
	expand := func(text string) string {
		return os.Expand(text, func(string) string { return p.Addr })
	}
	for _, arg := range args {
		p.cmd.Args = append(p.cmd.Args, expand(arg))
	}
	p.cmd.Env = os.Environ()
	for _, variable := range env {
		p.cmd.Env = append(p.cmd.Env, expand(variable))
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(binary), err)
	}
	if err := p.await(ctx, path); err != nil {
		return nil, fmt.Errorf("wait for %s: %w", filepath.Base(binary), errors.Join(err, p.Stop()))
	}
	return p, nil
}

// startTimeout bounds how long a server may take to answer.
const startTimeout = 10 * time.Second

func (p *Process) await(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := p.get(ctx, path)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *Process) get(ctx context.Context, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+path, http.NoBody)
	if err != nil {
		return err
	}
	req.Header = http.Header{"X-Tenant-Id": {"acme"}, "X-User-Id": {"u1"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: status %d", path, resp.StatusCode)
	}
	return nil
}

// URL is the server's, for plain HTTP.
func (p *Process) URL() string { return "http://" + p.Addr }

// PID is the process'.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop ends the server at once.
func (p *Process) Stop() error {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // by the signal
	return nil
}
