package bffbounds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/bench/loopback"
)

// startTimeout bounds how long a process may take to answer.
const startTimeout = 10 * time.Second

var serviceNames = []string{"orders", "users", "billing", "notifications"}

// system is a web BFF before the sample services, each a process.
type system struct {
	pages, status string            // base URLs of the BFF
	controls      map[string]string // of the services, by name
	processes     []*exec.Cmd
}

// start starts the programs in dir; env is the BFF's.
func start(ctx context.Context, dir string, env ...string) (*system, error) {
	s := &system{controls: make(map[string]string)}
	if err := s.start(ctx, dir, env); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *system) start(ctx context.Context, dir string, env []string) error {
	addrs, err := loopback.FreeAddrs(2 + 2*len(serviceNames))
	if err != nil {
		return err
	}
	for i, name := range serviceNames {
		api, control := addrs[2+2*i], addrs[3+2*i]
		s.controls[name] = "http://" + control
		env = append(env, strings.ToUpper(name)+"_URL=http://"+api)
		if err := s.run(exec.Command(filepath.Join(dir, "stack"), "service", name),
			"SERVICE_TLS=insecure", "SERVICE_ADDR="+api, "SERVICE_CONTROL_ADDR="+control); err != nil {
			return err
		}
		if err := await(ctx, s.controls[name]+"/healthz"); err != nil {
			return err
		}
	}
	s.pages, s.status = "http://"+addrs[0], "http://"+addrs[1]
	env = append(env, "BFF_TLS=insecure", "BFF_LOG_LEVEL=error", "BFF_ADDR="+addrs[0], "BFF_STATUS_ADDR="+addrs[1])
	if err := s.run(exec.Command(filepath.Join(dir, "bff"), "web"), env...); err != nil {
		return err
	}
	return await(ctx, s.status+"/readyz")
}

func (s *system) run(cmd *exec.Cmd, env ...string) error {
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	s.processes = append(s.processes, cmd)
	return nil
}

func (s *system) stop() {
	for _, p := range s.processes {
		_ = p.Process.Kill()
		_ = p.Wait() // by the signal
	}
}

func await(ctx context.Context, url string) error {
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		_, err := ask(ctx, http.MethodGet, url, "")
		if err == nil || time.Since(began) > startTimeout {
			return err
		}
	}
}

// fault sets one of a service, or lifts it if text is empty.
func (s *system) fault(ctx context.Context, name, text string) error {
	method := http.MethodPut
	if text == "" {
		method = http.MethodDelete
	}
	_, err := ask(ctx, method, s.controls[name]+"/__faults", text)
	return err
}

// gauges are the BFF's metrics, by name and labels as they are written.
func (s *system) gauges(ctx context.Context) (map[string]float64, error) {
	text, err := ask(ctx, http.MethodGet, s.status+"/metrics", "")
	found := make(map[string]float64)
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if number, err := strconv.ParseFloat(value, 64); ok && err == nil {
			found[name] = number
		}
	}
	return found, err
}

func ask(ctx context.Context, method, url, body string) (answer string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(resp.Body)
	if resp.StatusCode >= http.StatusBadRequest {
		err = errors.Join(err, fmt.Errorf("%s %s: status %d: %s", method, url, resp.StatusCode, text))
	}
	return string(text), errors.Join(err, resp.Body.Close())
}
