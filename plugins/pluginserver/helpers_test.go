package pluginserver

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/Kong/go-pdk"
	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/instrument"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/listen"
)

// funcConfig is a plugin whose handlers are functions of the test.
type funcConfig struct {
	Key string `json:"key" desc:"Tells one configuration from another."`

	access  func(*pdk.PDK)
	log     func(*pdk.PDK)
	build   func(*funcConfig) error
	onClose func()
}

func (c *funcConfig) Access(kong *pdk.PDK) { c.access(kong) }
func (c *funcConfig) Log(kong *pdk.PDK)    { c.log(kong) }
func (c *funcConfig) Provision() error {
	if c.build == nil {
		return nil
	}
	return c.build(c)
}

func (c *funcConfig) Close() error {
	if c.onClose != nil {
		c.onClose()
	}
	return nil
}

// failingConfig is a funcConfig that decides about its panics.
type failingConfig struct {
	funcConfig
	failed func(*pdk.PDK, error)
}

func (c *failingConfig) Failed(kong *pdk.PDK, err error) { c.failed(kong, err) }

// accessPlugin is a plugin "test" with one handler.
func accessPlugin(handler func(*pdk.PDK)) Plugin {
	return plain("test", func() any { return &funcConfig{access: handler, log: handler} })
}

// running is a server that serves on a socket of its own.
type running struct {
	*Server
	*kongtest.Client
	path    string
	metrics *instrument.Registry
	logs    *logBuffer
	stop    func() error // ends Serve and returns its error
	served  func() error // waits for Serve and returns its error
}

func serve(t *testing.T, opts Options, plugins ...Plugin) *running {
	t.Helper()
	r := &running{path: filepath.Join(socketDir(t), "s"), metrics: &instrument.Registry{}, logs: &logBuffer{}}
	opts.Meter = r.metrics
	opts.Logger = slog.New(slog.NewJSONHandler(r.logs, nil))
	var err error
	if r.Server, err = New(opts, plugins...); err != nil {
		t.Fatal(err)
	}
	ln, err := listen.Unix(r.path)
	if err != nil {
		t.Fatal(err)
	}
	r.stop, r.served = background(t, r.Server, ln)
	r.Client = kongtest.NewClient(r.path)
	t.Cleanup(func() {
		_ = r.Close()
		_ = r.stop()
	})
	return r
}

// background serves until stop, which may be called more than once.
func background(t *testing.T, srv *Server, ln net.Listener) (stop, served func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, ln) }()
	served = sync.OnceValue(func() error { return <-ended })
	return func() error { cancel(); return served() }, served
}

// socketDir is a directory with a short path, as sockets need.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (r *running) mustStart(t *testing.T, plugin string, config any) int32 {
	t.Helper()
	id, err := r.StartInstance(plugin, config)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// event runs the access phase and fails the test on an error.
func (r *running) event(t *testing.T, id int32, req kongtest.Request) kongtest.Effects {
	t.Helper()
	effects, err := r.HandleEvent(id, "access", req)
	if err != nil {
		t.Fatalf("event: %v", err)
	}
	return effects
}

// metric sums the samples of a metric whose labels contain all of want. Of a histogram
// it is how many values there are.
func (r *running) metric(t *testing.T, name string, want map[string]string) float64 {
	t.Helper()
	sum := 0.0
	for line := range strings.Lines(string(r.metrics.Text())) {
		series, text, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, metricPrefix)), " ")
		family, labels, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
		if strings.TrimSuffix(family, "_count") != name || !labelled(labels, want) {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += value
	}
	return sum
}

func labelled(labels string, want map[string]string) bool {
	for name, value := range want {
		if !strings.Contains(","+labels+",", ","+name+`="`+value+`",`) {
			return false
		}
	}
	return true
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// eventCall is Kong's call of a phase.
func eventCall(sequence int64, id int32, phase string) []byte {
	b, _ := proto.Marshal(&kpp.RpcCall{Sequence: sequence, Call: &kpp.RpcCall_CmdHandleEvent{
		CmdHandleEvent: &kpp.CmdHandleEvent{InstanceId: id, EventName: phase},
	}})
	return b
}

// miniKong answers every call with the same string, and writes a frame in two
// pieces, as pb_rpc.lua does.
type miniKong struct {
	conn net.Conn
	in   *bufio.Reader
}

var sameReply = []byte{10, 1, '/'}

func (k *miniKong) event(id int32) error {
	if err := kongtest.WriteFrame(k.conn, eventCall(1, id, "access")); err != nil {
		return err
	}
	for {
		method, err := kongtest.ReadFrame(k.in)
		if err != nil || len(method) == 0 {
			break
		}
		if _, err := kongtest.ReadFrame(k.in); err != nil {
			return err
		}
		if !bytes.Contains(method, []byte(".get")) {
			err = kongtest.WriteFrame(k.conn, nil)
		} else {
			err = kongtest.WriteFrame(k.conn, sameReply)
		}
		if err != nil {
			return err
		}
	}
	_, err := kongtest.ReadFrame(k.in)
	return err
}

// silentListener is one to which nobody connects.
type silentListener struct {
	net.Listener
	once   sync.Once
	closed chan struct{}
}

func newSilentListener() *silentListener { return &silentListener{closed: make(chan struct{})} }

func (l *silentListener) Accept() (net.Conn, error) { <-l.closed; return nil, net.ErrClosed }
func (l *silentListener) Close() error              { l.once.Do(func() { close(l.closed) }); return nil }
