package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// process is `gatehouse serve` in this process, with a client of it.
type process struct {
	*kongtest.Client
	addr   string
	logged lockedBuffer
	end    func() error
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func startServe(t *testing.T, args ...string) *process {
	t.Helper()
	t.Setenv("REDIS_URL", "")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	file, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	p := &process{Client: kongtest.NewClient(socket), addr: ln.Addr().String()}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serveWith(ctx, streams{out: io.Discard, err: &p.logged}, inherit.Files{inherit.HTTP: file}, append(args, "--socket", socket)...)
	}()
	p.end = sync.OnceValue(func() error {
		cancel()
		return errors.Join(p.Close(), <-ended)
	})
	t.Cleanup(func() {
		if err := p.end(); err != nil {
			t.Error(err)
		}
	})
	p.await(t, "/readyz", http.StatusOK, "ok")
	return p
}

// await waits for an answer with a status and a text in it.
func (p *process) await(t *testing.T, path string, status int, text string) {
	t.Helper()
	redistest.Await(t, path+" says "+text, func(ctx context.Context) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return err == nil && resp.StatusCode == status && strings.Contains(string(body), text)
	})
}

// audit has a request be over.
func (p *process) audit(t *testing.T) {
	t.Helper()
	id, err := p.StartInstance(piilogscrub.Name, map[string]any{})
	if err == nil {
		_, err = p.HandleEvent(id, "log", request())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestBrokenTrail: a node that cannot write records is to have no requests, and nobody
// is to replace it; it is back when it can.
func TestBrokenTrail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	p := startServe(t, "--audit-log", path)
	p.audit(t)
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	p.audit(t)
	p.await(t, "/readyz", http.StatusServiceUnavailable, "audit trail: ")
	p.await(t, "/healthz", http.StatusOK, "ok")
	p.await(t, "/metrics", http.StatusOK, "gatehouse_audit_broken 1")
	p.await(t, "/metrics", http.StatusOK, `gatehouse_audit_records_total{outcome="failed"} 1`)
	if _, errs, code := gatehouse(t, "", "health", "-http", p.addr); code != 1 || !strings.Contains(errs, "audit trail: ") {
		t.Errorf("health: exit code %d and %q", code, errs)
	}
	if _, errs, code := gatehouse(t, "", "health", "-live", "-http", p.addr); code != 0 {
		t.Errorf("health -live: exit code %d and %q", code, errs)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	p.await(t, "/readyz", http.StatusOK, "ok")
	p.await(t, "/metrics", http.StatusOK, "gatehouse_audit_broken 0")
	p.audit(t)
	if text, err := os.ReadFile(path); err != nil || bytes.Count(text, []byte("\n")) != 1 {
		t.Errorf("file %q, %v", text, err)
	}
}

// TestEndWithoutReceiver: the receiver of records and spans is away when the process ends.
// All that it says is JSON, and how many records are lost is in it.
func TestEndWithoutReceiver(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+ln.Addr().String())
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	p := startServe(t, "--audit-log", "otlp", "--audit-queue", "2")
	for range 3 {
		p.audit(t)
	}
	p.await(t, "/readyz", http.StatusServiceUnavailable, "audit trail: records are lost: the queue of 2 is full")
	p.await(t, "/metrics", http.StatusOK, `gatehouse_audit_export_total{outcome="queue full"} 1`)
	if err := p.end(); err != nil {
		t.Error(err)
	}
	lost := false
	for line := range strings.Lines(p.logged.String()) {
		var said struct {
			Msg  string
			Lost int
		}
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Errorf("line %q: %v", line, err)
		}
		lost = lost || said.Lost == 2 && strings.Contains(said.Msg, "before the process ended")
	}
	if !lost {
		t.Errorf("nothing says how many records are lost: %s", p.logged.String())
	}
}
