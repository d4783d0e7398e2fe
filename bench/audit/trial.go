package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/bench/kongserver"
	"github.com/gatehousehq/gatehouse/e2e/refusals"
)

// trial is one fault in one arrangement of the plugins: a Kong of its own, and what is to
// be compared.
type trial struct {
	gate      *kongserver.Gatehouse
	upstream  *upstream
	collector *collector // where records go over OTLP, else nil
	file      string     // where they go to a file, else empty
	offset    int64      // where the records in it begin
	// kept are records of which a fault took the file away.
	kept []record

	dir     string
	truth   string // nginx's own log
	closers []func() error
}

// Where records go.
const (
	toStdout = "stdout"
	toOTLP   = "otlp"
	toFile   = "file"
)

// measure has a fault happen, and tells what it came to.
func measure(ctx context.Context, gatehouse string, f fault, plugins string) (_ figures, err error) {
	t, err := startTrial(ctx, gatehouse, f, plugins)
	defer func() { err = errors.Join(err, t.close()) }()
	if err != nil {
		return figures{}, err
	}
	watch := startWatch(ctx, t.gate.HTTP)
	if err := f.run(ctx, t); err != nil {
		watch.stop()
		return figures{}, fmt.Errorf("%w; the gateway's log ends with: %s", err, t.gate.LastWords())
	}
	t.settle(ctx)
	counted := watch.stop()
	t.gate.End(syscall.SIGQUIT)
	log, err := t.gate.Log()
	if err != nil {
		return figures{}, err
	}
	calls, err := readCalls(t.truth)
	if err != nil {
		return figures{}, err
	}
	records, err := t.records()
	if err != nil {
		return figures{}, err
	}
	result := tally(calls, records)
	result.counted = counted + lostLines(log)
	return result, nil
}

// startTrial returns what there is of a trial beside an error, too.
func startTrial(ctx context.Context, gatehouse string, f fault, plugins string) (*trial, error) {
	t := new(trial)
	var err error
	if t.dir, err = os.MkdirTemp("", "gha"); err != nil {
		return t, err
	}
	t.closers = append(t.closers, func() error { return os.RemoveAll(t.dir) })
	if t.upstream, err = startUpstream(); err != nil {
		return t, err
	}
	t.closers = append(t.closers, t.upstream.server.Close)
	env, err := t.destination(f)
	if err != nil {
		return t, err
	}
	include, err := t.include()
	if err != nil {
		return t, err
	}
	t.truth = filepath.Join(t.dir, "truth.log")
	env["KONG_NGINX_PROXY_ACCESS_LOG"] = t.truth + " truth"
	env["KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE"] = refusals.MaxBody
	t.gate, err = kongserver.StartGatehouse(ctx, kongserver.GatehouseSettings{
		Binary: gatehouse, Include: include, Config: config(t.upstream.addr, plugins), Env: env,
	})
	if err != nil {
		return t, err
	}
	t.closers = append(t.closers, t.gate.Close)
	return t, nil
}

// close undoes all, the last thing first.
func (t *trial) close() error {
	var errs []error
	for i := len(t.closers) - 1; i >= 0; i-- {
		errs = append(errs, t.closers[i]())
	}
	return errors.Join(errs...)
}

// destination prepares where records go.
func (t *trial) destination(f fault) (env map[string]string, err error) {
	env = map[string]string{}
	maps.Copy(env, f.env)
	switch f.to {
	case toOTLP:
		if t.collector, err = newCollector(); err != nil {
			return nil, err
		}
		t.closers = append(t.closers, t.collector.close)
		env["GATEHOUSE_AUDIT_LOG"] = "otlp"
		env["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] = "http://" + t.collector.addr + "/v1/logs"
	case toFile:
		folder := filepath.Join(t.dir, "audit")
		if err := os.Mkdir(folder, 0o755); err != nil {
			return nil, err
		}
		t.file = filepath.Join(folder, "audit.log")
		env["GATEHOUSE_AUDIT_LOG"] = t.file
	}
	if f.prepare != nil {
		err = f.prepare(t)
	}
	return env, err
}

// include copies what nginx includes on the image, and adds the format of its own log.
func (t *trial) include() (pattern string, err error) {
	dir := filepath.Join(t.dir, "nginx")
	if err := os.CopyFS(dir, os.DirFS("../deploy/kong")); err != nil {
		return "", err
	}
	return filepath.Join(dir, "*.conf"), os.WriteFile(filepath.Join(dir, "truth.conf"), []byte(truthFormat), 0o644)
}

// records are all that were written.
func (t *trial) records() ([]record, error) {
	switch {
	case t.collector != nil:
		return t.collector.received(), nil
	case t.file == "":
		log, err := t.gate.Log()
		if err != nil {
			return nil, err
		}
		return parseRecords(strings.NewReader(string(log)))
	}
	records, err := readRecords(t.file, t.offset, math.MaxInt64-t.offset)
	if err != nil {
		return nil, err
	}
	records = append(records, t.kept...)
	rotated, err := filepath.Glob(strings.TrimSuffix(t.file, ".log") + "-*")
	if err != nil {
		return nil, err
	}
	for _, path := range rotated {
		more, err := readRecords(path, t.offset, math.MaxInt64-t.offset)
		if err != nil {
			return nil, err
		}
		records = append(records, more...)
	}
	return records, nil
}

const (
	// settled is how long nothing may be missing, or change, before a fault is over.
	settled = 3 * time.Second
	// unsettled bounds the wait.
	unsettled = 30 * time.Second
)

// settle waits until each request has its record, or for a while.
func (t *trial) settle(ctx context.Context) {
	before, changed := -1, time.Now()
	for began := time.Now(); time.Since(began) < unsettled && time.Since(changed) < settled && ctx.Err() == nil; time.Sleep(300 * time.Millisecond) {
		calls, err := readCalls(t.truth)
		if err != nil {
			continue // nginx is writing a line
		}
		records, err := t.records()
		if err != nil {
			continue
		}
		missing := tally(calls, records).missing
		if missing == 0 {
			return
		}
		if missing != before {
			before, changed = missing, time.Now()
		}
	}
}

// signalServer sends a signal to the plugin server, not to what supervises it.
func (t *trial) signalServer(sig syscall.Signal) error {
	pid, err := t.gate.ServerPID()
	if err != nil {
		return err
	}
	return syscall.Kill(pid, sig)
}
