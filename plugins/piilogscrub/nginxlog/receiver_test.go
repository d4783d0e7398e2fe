package nginxlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// buffer is a writer that a test reads while it is written to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nginxlog") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "log.sock")
}

func listenAt(t *testing.T, path string, o Options) *Receiver {
	t.Helper()
	e := newEngine(t)
	o.Engine = func() *scrub.Engine { return e }
	o.Now = func() time.Time { return now }
	r, err := Listen(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func dial(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func send(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := fmt.Fprintf(w, "<190>Nov 24 03:13:41 nginx: %s", text); err != nil {
		t.Fatal(err)
	}
}

func closeReceiver(t *testing.T, r *Receiver) {
	t.Helper()
	if err := r.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestCloseDrains checks that what was sent before Close is written.
func TestCloseDrains(t *testing.T) {
	t.Parallel()
	var out buffer
	registry := prometheus.NewRegistry()
	path := socketPath(t)
	found := scrub.Tally{}
	r := listenAt(t, path, Options{Out: &out, Registerer: registry, Observe: func(place string, n int, tally scrub.Tally) {
		if place != "other_log" || n == 0 {
			t.Errorf("observed %d bytes of %s", n, place)
		}
		found.Add(tally)
	}})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("socket %v, %v", info, err)
	}
	conn := dial(t, path)
	const lines = 200
	for i := range lines {
		send(t, conn, fmt.Sprintf("line %d of a@b.io", i))
	}
	closeReceiver(t, r)
	if n := strings.Count(out.String(), "\n"); n != lines {
		t.Errorf("%d lines, want %d", n, lines)
	}
	if strings.Contains(out.String(), "a@b.io") || !strings.Contains(out.String(), `"message":"line 199 of [email]"`) {
		t.Errorf("wrote %s", out.String())
	}
	if found[scrub.Email] != lines {
		t.Errorf("observed %d addresses, want %d", found[scrub.Email], lines)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// gate is a writer that waits until it is opened.
type gate struct {
	buffer
	entered chan struct{}
	open    chan struct{}
	once    sync.Once
}

func (g *gate) Write(p []byte) (int, error) {
	g.once.Do(func() { close(g.entered) })
	<-g.open
	return g.buffer.Write(p)
}

// TestLossIsVisible checks that lines which find the queue full are counted, and
// that the log itself says how many there were.
func TestLossIsVisible(t *testing.T) {
	t.Parallel()
	g := &gate{entered: make(chan struct{}), open: make(chan struct{})}
	path := socketPath(t)
	r := listenAt(t, path, Options{Out: g, Queue: 4})
	r.enqueue([]byte("first"))
	<-g.entered
	for range 10 {
		r.enqueue([]byte("next"))
	}
	close(g.open)
	closeReceiver(t, r)
	if got := testutil.ToFloat64(r.metrics.lost.WithLabelValues("queue full")); got != 6 {
		t.Errorf("counted %v lost lines, want 6", got)
	}
	want := `{"time":"2025-11-24T03:13:41Z","log":"receiver","level":"warn","message":"lines lost: the queue was full","lines":6}`
	if got := g.String(); strings.Count(got, want) != 1 || strings.Count(got, `"next"`) != 4 {
		t.Errorf("wrote %s", got)
	}
}

func TestWriteFailureIsVisible(t *testing.T) {
	t.Parallel()
	_, w := io.Pipe()
	if err := w.CloseWithError(errors.New("disk full")); err != nil {
		t.Fatal(err)
	}
	r := listenAt(t, socketPath(t), Options{Out: w})
	r.enqueue([]byte("x"))
	closeReceiver(t, r)
	if got := testutil.ToFloat64(r.metrics.lost.WithLabelValues("not written")); got != 1 {
		t.Errorf("counted %v failed writes, want 1", got)
	}
}

// TestPanicDropsLine checks that a line which makes a detector panic is not
// written, and the next one is.
func TestPanicDropsLine(t *testing.T) {
	t.Parallel()
	var out buffer
	e, calls := newEngine(t), 0
	r, err := Listen(socketPath(t), Options{Out: &out, Now: func() time.Time { return now }, Engine: func() *scrub.Engine {
		if calls++; calls == 1 {
			panic("index out of range")
		}
		return e
	}})
	if err != nil {
		t.Fatal(err)
	}
	r.enqueue([]byte("first a@b.io"))
	r.enqueue([]byte("second"))
	closeReceiver(t, r)
	if got := out.String(); strings.Contains(got, "first") || !strings.Contains(got, "line dropped") || !strings.Contains(got, "second") {
		t.Errorf("wrote %s", got)
	}
}

func TestCloseGivesUp(t *testing.T) {
	t.Parallel()
	g := &gate{entered: make(chan struct{}), open: make(chan struct{})}
	r := listenAt(t, socketPath(t), Options{Out: g})
	r.enqueue([]byte("x"))
	<-g.entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	close(g.open)
	r.done.Wait()
}

func TestKernelQueue(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "max_dgram_qlen")
	if n, ok := kernelQueue(path); ok {
		t.Errorf("a system without the setting holds %d", n)
	}
	if err := os.WriteFile(path, []byte("10\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, ok := kernelQueue(path); !ok || n != 10 {
		t.Errorf("holds %d, %v, want 10", n, ok)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	var out buffer
	path := socketPath(t)
	stale, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no stale socket to replace: %v", err)
	}
	r := listenAt(t, path, Options{Out: &out})
	e := r.o.Engine
	if _, err := Listen(path, Options{Engine: e, Out: &out}); err == nil || !strings.Contains(err.Error(), "a process listens there already") {
		t.Errorf("second listener: %v", err)
	}
	closeReceiver(t, r)

	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, Options{Engine: e, Out: &out}); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
	if _, err := Listen(path, Options{}); err == nil {
		t.Error("no engine: accepted")
	}
}
