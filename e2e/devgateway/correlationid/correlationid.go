// Package correlationid has the phases of Kong's correlation-id plugin
// (kong/plugins/correlation-id at 3.9.1).
package correlationid

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

// Worker is what one of nginx's workers counts ids by.
type Worker struct {
	id      string
	counter atomic.Uint64
}

// NewWorker returns a Worker that has counted none.
func NewWorker() *Worker { return &Worker{id: uuid.NewString()} }

// Plugin is the plugin with one configuration.
type Plugin struct {
	settings
	worker *Worker
}

type settings struct {
	HeaderName     string `json:"header_name"`
	Generator      string `json:"generator"`
	EchoDownstream bool   `json:"echo_downstream"`
}

// New reads the plugin's configuration.
func New(p *config.Plugin, w *Worker) (*Plugin, error) {
	c := &Plugin{worker: w}
	return c, p.Decode(&c.settings)
}

// errNoHeader is what Kong throws for header_name: null, which its schema takes.
var errNoHeader = errors.New("header name must be a string, got nil")

// kept is the name under which a request keeps its id.
const kept = config.CorrelationIDName

// Access gives the request an id, unless the client did.
func (c *Plugin) Access(x *exchange.Exchange) error {
	if c.HeaderName == "" {
		return errNoHeader
	}
	id, _ := x.RequestHeader(c.HeaderName)
	if id == "" {
		id = c.generate(x)
		x.SetRequestHeader(c.HeaderName, id)
	}
	x.SetSerializeValue("correlation_id", id)
	x.Keep(kept, id)
	return nil
}

// HeaderFilter tells the client the id, also of what came to no access phase.
func (c *Plugin) HeaderFilter(x *exchange.Exchange) error {
	if !c.EchoDownstream {
		return nil
	}
	if c.HeaderName == "" {
		return errNoHeader
	}
	id, ok := x.Kept(kept)
	if !ok {
		id, _ = x.RequestHeader(c.HeaderName)
	}
	if id == "" {
		id = c.generate(x)
	}
	x.SetResponseHeader(c.HeaderName, id)
	return nil
}

func (c *Plugin) generate(x *exchange.Exchange) string {
	switch c.Generator {
	case "uuid":
		return uuid.NewString()
	case "tracker":
		now := time.Now().UnixMilli()
		return fmt.Sprintf("%s-%d-%d-%d-%d-%d.%03d", x.Conn.ServerAddr, x.Conn.ServerPort, os.Getpid(),
			x.Conn.Number, x.Conn.Requests, now/1000, now%1000)
	default:
		return c.worker.id + "#" + strconv.FormatUint(c.worker.counter.Add(1), 10)
	}
}
