// Package pluginclient runs the phases of external plugins as Kong does
// (kong/runloop/plugin_servers/plugin.lua and rpc/pb_rpc.lua at 3.9.1): it keeps one
// instance for each configuration of a plugin, and runs an event again where Kong would.
package pluginclient

import (
	"errors"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// Plugin is a plugin with one configuration.
type Plugin struct {
	ID     string
	Name   string
	Seq    int    // __seq__ of the configuration
	Config []byte // as JSON
}

// Client drives a plugin server. It is safe for concurrent use.
type Client struct {
	socket    *kongtest.Client
	instances instances
}

// Event is a phase of a plugin that is to run.
type Event struct {
	Plugin Plugin
	Phase  string
	PDK    kongtest.PDK
	// Log takes what Kong writes to its error log, with the line of Kong's
	// source that writes it.
	Log func(severity nginxlog.Severity, source, msg string)
}

// New returns a Client for a plugin server at a unix socket. It connects when it
// is first used.
func New(socket string) *Client {
	return &Client{socket: kongtest.NewClient(socket), instances: instances{byPlugin: map[string]*instance{}}}
}

// Close closes the idle connections.
func (c *Client) Close() { _ = c.socket.Close() }

// HandleEvent runs a phase of a plugin. A connection that the server closes in the
// middle of it makes Kong start the instances again and the event too, as often as that
// happens. The error is a *kongtest.ServerError, or what Kong throws.
func (c *Client) HandleEvent(e Event) error {
	for {
		err := c.handleEvent(e)
		var server *kongtest.ServerError
		if !errors.As(err, &server) {
			return err
		}
		if !kongtest.ShouldRestart(server) {
			e.Log(nginxlog.Err, "pb_rpc.lua:382", "pluginserver error: "+err.Error())
			return err
		}
		c.instances.reset(e.Plugin.Name)
		e.Log(nginxlog.Warn, "pb_rpc.lua:378", err.Error())
	}
}

func (c *Client) handleEvent(e Event) error {
	id, err := c.instance(e)
	if err != nil {
		return err
	}
	return e.logged(c.socket.Event(id, e.Phase, e.PDK))
}

// logged logs a call that did not reach the server.
func (e Event) logged(err error) error {
	var server *kongtest.ServerError
	if errors.As(err, &server) && server.Connecting {
		e.Log(nginxlog.Err, "pb_rpc.lua:273", "trying to connect: "+err.Error())
	}
	return err
}
