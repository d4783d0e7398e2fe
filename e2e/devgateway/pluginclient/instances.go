package pluginclient

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
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
		return 0, &kongtest.ServerError{Err: fmt.Errorf("could not claim instance_id for %s (key: %s)", p.Name, p.ID)}
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
		_ = e.logged(c.socket.CloseInstance(old))
	}
	return id, nil
}

// start starts an instance. Its errors are thrown in Kong: none of them makes an
// event run again.
func (c *Client) start(e Event) (int32, error) {
	id, err := c.socket.StartInstance(e.Plugin.Name, e.Plugin.Config)
	if err != nil {
		return 0, errors.New(e.logged(err).Error())
	}
	return id, nil
}
