package pluginserver

import (
	"bytes"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/instrument"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// piped is a server on one connection that is all in memory, for bubbles.
type piped struct {
	*running
	far    net.Conn
	ended  chan struct{} // closed when the server is done with the connection
	nextID int32
	plugin string // whose events run; the first by name unless set
}

// timed gives a plugin of the tests the default deadlines.
func timed(p Plugin) Plugin {
	p.Deadline, p.LogDeadline = DefaultDeadline, DefaultLogDeadline
	return p
}

// pipe serves one connection until the end of the bubble.
func pipe(t *testing.T, opts Options, plugins ...Plugin) *piped {
	t.Helper()
	p := &piped{running: &running{metrics: &instrument.Registry{}, logs: &logBuffer{}}, ended: make(chan struct{})}
	opts.Meter, opts.Logger = p.metrics, slog.New(slog.NewJSONHandler(p.logs, nil))
	var err error
	if p.Server, err = New(opts, plugins...); err != nil {
		t.Fatal(err)
	}
	p.plugin = p.names[0]
	p.connect(func() { close(p.ended) })
	t.Cleanup(func() {
		_ = p.far.Close()
		time.Sleep(24 * time.Hour) // let handlers end
	})
	return p
}

// connect makes a connection that events run on from now on.
func (p *piped) connect(ended func()) {
	near, far := net.Pipe()
	p.far = newQueued(far)
	sess := newSession(p.Server, near)
	sess.release = ended
	p.add(sess)
	go p.serveSession(sess)
}

// queued is a connection with a buffer for writes, as a socket has.
type queued struct {
	net.Conn
	writes chan []byte
	once   sync.Once
}

func newQueued(conn net.Conn) *queued {
	q := &queued{Conn: conn, writes: make(chan []byte, 64)}
	go func() {
		for b := range q.writes {
			_, _ = q.Conn.Write(b)
		}
	}()
	return q
}

func (q *queued) Write(p []byte) (int, error) { q.writes <- bytes.Clone(p); return len(p), nil }
func (q *queued) Close() error                { q.once.Do(func() { close(q.writes) }); return q.Conn.Close() }

// run runs one phase of the only plugin, as Kong does, on the one connection.
// err is how it looked to Kong.
func (p *piped) run(t *testing.T, phase string, req kongtest.Request) (kongtest.Effects, error) {
	t.Helper()
	p.nextID++
	inst := p.instances.start(p.plugin, nil)
	if err := kongtest.WriteFrame(p.far, eventCall(int64(p.nextID), inst.id, phase)); err != nil {
		t.Fatal(err)
	}
	kong := kongtest.New(req)
	err := kong.Serve(p.far)
	if err == nil {
		_, err = kongtest.ReadFrame(p.far)
	}
	return kong.Effects(), err
}

// phasedConfig has one handler for every phase.
type phasedConfig struct{ handle func(*pdk.PDK) }

func (c *phasedConfig) Certificate(kong *pdk.PDK) { c.handle(kong) }
func (c *phasedConfig) Rewrite(kong *pdk.PDK)     { c.handle(kong) }
func (c *phasedConfig) Access(kong *pdk.PDK)      { c.handle(kong) }
func (c *phasedConfig) Response(kong *pdk.PDK)    { c.handle(kong) }
func (c *phasedConfig) Preread(kong *pdk.PDK)     { c.handle(kong) }
func (c *phasedConfig) Log(kong *pdk.PDK)         { c.handle(kong) }
