package audit

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// collector takes audit records over OTLP.
type collector struct {
	addr string

	mu      sync.Mutex
	server  *http.Server
	hangs   chan struct{} // closed when requests need not hang any more; nil while they do not
	records []record
}

func newCollector() (*collector, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &collector{addr: ln.Addr().String()}
	c.start(ln)
	return c, nil
}

func (c *collector) start(ln net.Listener) {
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
	go serve(c.server, ln)
}

// away is gone for so long: nobody listens at its address.
func (c *collector) away(ctx context.Context, length time.Duration) error {
	_ = c.server.Close()
	select {
	case <-ctx.Done():
	case <-time.After(length):
	}
	ln, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	c.start(ln)
	return nil
}

// hang has no request answered from now on, until the collector is closed.
func (c *collector) hang() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hangs = make(chan struct{})
}

func (c *collector) close() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	if c.hangs != nil {
		close(c.hangs)
		c.hangs = nil
	}
	c.mu.Unlock()
	return c.server.Close()
}

// ServeHTTP takes an export.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.mu.Lock()
	hangs := c.hangs
	c.mu.Unlock()
	if hangs != nil {
		select {
		case <-hangs:
		case <-r.Context().Done():
		}
		return
	}
	export := plogotlp.NewExportRequest()
	if err := export.UnmarshalProto(body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records = append(c.records, recordsOf(export.Logs())...)
}

// received are the records so far.
func (c *collector) received() []record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]record(nil), c.records...)
}

func recordsOf(logs plog.Logs) (records []record) {
	for _, resource := range logs.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, one := range scope.LogRecords().All() {
				records = append(records, recordOf(one.Attributes()))
			}
		}
	}
	return records
}

func recordOf(attributes pcommon.Map) record {
	get := func(name string) pcommon.Value {
		if v, ok := attributes.Get(name); ok {
			return v
		}
		return pcommon.NewValueEmpty()
	}
	return record{
		RequestID: get("request_id").Str(), Source: get("source").Str(), Status: int(get("status").Int()),
		Size: get("size").Double(), LatencyMS: get("latency_ms").Double(),
		Partial: get("partial").Bool(), Correction: get("correction").Bool(),
	}
}
