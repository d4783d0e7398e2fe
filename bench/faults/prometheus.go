package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/bench/loopback"
)

// prometheus is Debian's, which scrapes a fleet once a second and evaluates the rules of
// deploy/prometheus as often.
type prometheus struct {
	url string
	cmd *exec.Cmd
	dir string

	stopWatch func()
	mu        sync.Mutex
	fire      []string             // the alerts that fire now
	fired     map[string]time.Time // when each that ever fired began to, the last time
}

// startPrometheus starts it for targets by job, and begins to note which alerts fire.
func startPrometheus(ctx context.Context, jobs map[string][]string) (*prometheus, error) {
	addrs, err := loopback.FreeAddrs(1)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return nil, err
	}
	p := &prometheus{url: "http://" + addrs[0], dir: dir, fired: map[string]time.Time{}}
	if err := p.start(ctx, addrs[0], jobs); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	watching, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { p.watch(watching) })
	p.stopWatch = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	return p, nil
}

func (p *prometheus) start(ctx context.Context, addr string, jobs map[string][]string) error {
	type object = map[string]any
	var scrapes []any
	for job, targets := range jobs {
		scrapes = append(scrapes, object{"job_name": job, "static_configs": []any{object{"targets": targets}}})
	}
	config, err := yaml.Marshal(object{
		"global":         object{"scrape_interval": "1s", "evaluation_interval": "1s"},
		"rule_files":     []string{"*.rules.yml"},
		"scrape_configs": scrapes,
	})
	if err != nil {
		return err
	}
	file := filepath.Join(p.dir, "prometheus.yml")
	if err := errors.Join(os.WriteFile(file, config, 0o644), writeRules(p.dir)); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(p.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(p.dir, "data"), "--web.listen-address="+addr)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start prometheus: %w", err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if status, err := ask(ctx, p.url+"/-/ready"); err == nil && status == http.StatusOK {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			said, _ := os.ReadFile(log.Name())
			p.end()
			return fmt.Errorf("prometheus is not ready; its log ends with: %s", said[max(0, len(said)-2000):])
		}
	}
}

func (p *prometheus) close() error {
	p.stopWatch()
	p.end()
	return os.RemoveAll(p.dir)
}

func (p *prometheus) end() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // by the signal
}

// watch notes twice a second which alerts fire, until ctx ends.
func (p *prometheus) watch(ctx context.Context) {
	for ctx.Err() == nil {
		if names, err := p.alerts(ctx); err == nil {
			p.note(names, time.Now())
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (p *prometheus) note(names []string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range names {
		if !slices.Contains(p.fire, name) {
			p.fired[name] = now
		}
	}
	p.fire = names
}

// quiet reports whether none of the alerts fires.
func (p *prometheus) quiet(names []string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(p.fire, name) })
}

// alerts are the names of those that fire now, as often as they do.
func (p *prometheus) alerts(ctx context.Context) (names []string, err error) {
	var said struct {
		Data struct {
			Alerts []struct {
				State  string
				Labels map[string]string
			}
		}
	}
	if err := p.ask(ctx, "alerts", url.Values{}, &said); err != nil {
		return nil, err
	}
	for _, a := range said.Data.Alerts {
		if a.State == "firing" {
			names = append(names, a.Labels["alertname"])
		}
	}
	return names, nil
}

// rises tells by how much a counter has risen since a moment, and when it last did.
func (p *prometheus) rises(ctx context.Context, counter string, since time.Time) (by float64, last time.Duration, err error) {
	var said struct {
		Data struct {
			Result []struct{ Values [][2]any }
		}
	}
	now := time.Now()
	stamp := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	query := url.Values{"query": {"sum(" + counter + ")"}, "start": {stamp(since)}, "end": {stamp(now)}, "step": {"1"}}
	if err := p.ask(ctx, "query_range", query, &said); err != nil {
		return 0, 0, err
	}
	before := math.Inf(1)
	for _, series := range said.Data.Result {
		for _, point := range series.Values {
			at, value := point[0].(float64), point[1].(string) // as Prometheus' API has them
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return 0, 0, fmt.Errorf("read %s: %w", counter, err)
			}
			if n > before {
				by += n - before
				last = time.Duration((at - float64(since.Unix())) * float64(time.Second))
			}
			before = n
		}
	}
	return by, last, nil
}

// ask asks Prometheus' API (https://prometheus.io/docs/prometheus/latest/querying/api/).
func (p *prometheus) ask(ctx context.Context, what string, query url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/api/v1/"+what+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("read Prometheus' %s: %w", what, err)
	}
	return nil
}

// since are the alerts that began to fire after a moment, and how long after it.
func (p *prometheus) since(at time.Time) map[string]time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := map[string]time.Duration{}
	for name, first := range p.fired {
		if first.After(at) {
			list[name] = first.Sub(at)
		}
	}
	return list
}
