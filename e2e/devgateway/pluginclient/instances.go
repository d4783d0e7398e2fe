package pluginclient

import (
	"errors"
	"fmt"
	"sync"
	"time"

	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
)

// claimTimeout is how long a request waits for another one that starts the
// instance.
const claimTimeout = 10 * time.Second

// instances are the running instances, one for each plugin of the configuration.
type instances struct {
	mu       sync.Mutex
	byPlugin map[string]*instance
}

// instance is one of them. Whoever holds claim may start it.
type instance struct {
	plugin string // its name
	claim  chan struct{}

	running bool
	id      int32
	seq     int
}

func (is *instances) get(p Plugin) *instance {
	is.mu.Lock()
	defer is.mu.Unlock()
	in := is.byPlugin[p.ID]
	if in == nil {
		in = &instance{plugin: p.Name, claim: make(chan struct{}, 1)}
		is.byPlugin[p.ID] = in
	}
	return in
}

// reset forgets all instances of a plugin, whatever their configuration.
func (is *instances) reset(plugin string) {
	is.mu.Lock()
	defer is.mu.Unlock()
	for id, in := range is.byPlugin {
		if in.plugin == plugin {
			delete(is.byPlugin, id)
		}
	}
}

func (is *instances) forget(p Plugin, in *instance) {
	is.mu.Lock()
	defer is.mu.Unlock()
	if is.byPlugin[p.ID] == in {
		delete(is.byPlugin, p.ID)
	}
}

// instance returns the id of a running instance with this configuration. It
// starts one if there is none, and closes one with an older configuration.
func (c *Client) instance(e Event) (int32, error) {
	p := e.Plugin
	in := c.instances.get(p)
	select {
	case in.claim <- struct{}{}:
		defer func() { <-in.claim }()
	case <-time.After(claimTimeout):
		c.instances.forget(p, in)
		return 0, &ServerError{fmt.Errorf("could not claim instance_id for %s (key: %s)", p.Name, p.ID)}
	}
	if in.running && in.seq == p.Seq {
		return in.id, nil
	}
	old, replaces := in.id, in.running
	id, err := c.start(e)
	if err != nil {
		e.Log(nginxlog.Err, "plugin.lua:283", "starting instance: "+err.Error())
		c.instances.forget(p, in)
		return 0, err
	}
	in.id, in.seq, in.running = id, p.Seq, true
	if replaces {
		// As in Kong, an error does not matter: the server may have closed it.
		_, _ = c.call(e, &kong.RpcCall{Call: &kong.RpcCall_CmdCloseInstance{
			CmdCloseInstance: &kong.CmdCloseInstance{InstanceId: old},
		}}, nil)
	}
	return id, nil
}

// start starts an instance. Its errors are thrown in Kong: none of them makes an
// event run again.
func (c *Client) start(e Event) (int32, error) {
	ret, err := c.call(e, &kong.RpcCall{Call: &kong.RpcCall_CmdStartInstance{
		CmdStartInstance: &kong.CmdStartInstance{Name: e.Plugin.Name, Config: e.Plugin.Config},
	}}, nil)
	if err != nil {
		return 0, errors.New(err.Error())
	}
	status := ret.GetInstanceStatus()
	if status == nil {
		return 0, fmt.Errorf("plugin server returned no instance status for %s", e.Plugin.Name)
	}
	return status.GetInstanceId(), nil
}
