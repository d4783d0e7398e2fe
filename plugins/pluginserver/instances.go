package pluginserver

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"time"
)

// instances are those that Kong has started and not closed.
//
// Kong does not close all that it starts: a worker that ends, or one that
// resets a plugin, forgets its instances. Sharing by content bounds what that
// costs, and an instance that had no event for idle is closed when another
// starts, as are those without an event for the longest when there are too
// many; should Kong still know one of them, it starts it anew.
type instances struct {
	plugins map[string]*plugin
	metrics *metrics
	log     *slog.Logger
	idle    time.Duration
	most    int
	store   *instanceStore // nil for none
	opened  time.Time

	mu    sync.RWMutex
	byID  map[int32]*instance
	byKey map[instanceKey]*instance
	// degraded are those of byID that do not run as they are written.
	degraded map[*instance]*built
	swept    time.Time // when idle instances were looked for
}

func newInstances(plugins map[string]*plugin, opts Options, m *metrics) (*instances, error) {
	t := &instances{
		plugins: plugins, metrics: m, log: opts.Logger, idle: opts.IdleInstance, most: opts.MaxInstances,
		opened: time.Now(), byID: map[int32]*instance{}, byKey: map[instanceKey]*instance{}, degraded: map[*instance]*built{},
	}
	if opts.InstanceDir == "" {
		return t, nil
	}
	var err error
	t.store, err = openInstanceStore(opts.InstanceDir)
	return t, err
}

// start returns the instance of a plugin's configuration. It always succeeds: one that
// is wrong is degraded, and the events of one without a plugin are refused.
func (t *instances) start(name string, raw []byte) *instance {
	p, text, bad := t.plugins[name], raw, error(nil)
	if p != nil {
		text, bad = p.normalise(raw)
	} else {
		t.metrics.failedStarts.Inc()
		t.log.Error("Kong starts a plugin that is not here, its events are refused", "plugin", name)
	}
	inst := t.claim(name, p, text, bad)
	defer t.release(inst)
	t.provision(inst)
	t.retry(inst)
	return inst
}

// claim finds the instance of a content or makes it, counts the start, and
// acquires it.
func (t *instances) claim(name string, p *plugin, text []byte, bad error) *instance {
	key := keyOf(name, text)
	t.mu.Lock()
	defer t.mu.Unlock()
	inst := t.byKey[key]
	if inst == nil {
		t.evictIdle()
		t.evictExcess()
		inst = t.add(t.freeID(key), key, p)
		inst.text, inst.bad = text, bad
	}
	inst.starts++
	inst.live.Add(1)
	return inst
}

// add makes an instance. It is called with mu held.
func (t *instances) add(id int32, key instanceKey, p *plugin) *instance {
	inst := &instance{id: id, key: key, plugin: p, started: time.Now()}
	inst.live.Store(1)
	inst.used.Store(inst.started.Unix())
	t.byID[id] = inst
	if t.byKey[key] == nil {
		t.byKey[key] = inst
	}
	t.metrics.instances.Inc()
	return inst
}

// freeID returns an id that no other content has, here or in the store. It is
// called with mu held.
func (t *instances) freeID(key instanceKey) int32 {
	for id := key.id(); ; id = nextID(id) {
		if t.byID[id] == nil && !t.storedAs(id, key) {
			return id
		}
	}
}

// storedAs reports whether the store has another content under an id.
func (t *instances) storedAs(id int32, key instanceKey) bool {
	if t.store == nil {
		return false
	}
	stored, err := t.store.load(id)
	return err == nil && keyOf(stored.Plugin, stored.Config) != key
}

func (t *instances) save(inst *instance, text []byte) {
	if t.store == nil || inst.adopted {
		return
	}
	if err := t.store.save(inst.id, storedInstance{inst.key.plugin, text}); err != nil {
		t.log.Error("a process that takes this one's place will not know an instance", "plugin", inst.key.plugin, "instance", inst.id, "error", err)
	}
}

// adopt takes over an instance that Kong started in another process, and
// acquires it; nil if there is no such instance.
func (t *instances) adopt(id int32) *instance {
	if t.store == nil {
		return nil
	}
	stored, err := t.store.load(id)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			t.log.Error("read an instance of another process", "instance", id, "error", err)
		}
		return nil
	}
	p := t.plugins[stored.Plugin]
	if p == nil {
		return nil
	}
	text, bad := p.normalise(stored.Config)
	t.mu.Lock()
	defer t.mu.Unlock()
	inst := t.byID[id]
	if inst == nil {
		inst = t.add(id, keyOf(stored.Plugin, text), p)
		inst.text, inst.bad, inst.adopted = text, bad, true
		t.metrics.adopted.Inc()
	}
	inst.live.Add(1)
	return inst
}

// find returns an instance, nil if it is not known.
func (t *instances) find(id int32) *instance {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byID[id]
}

// acquire finds an instance for an event, nil if it is not known. It must be
// released.
func (t *instances) acquire(id int32) *instance {
	t.mu.RLock()
	inst := t.byID[id]
	if inst != nil {
		inst.live.Add(1)
	}
	t.mu.RUnlock()
	if inst == nil {
		inst = t.adopt(id)
	}
	if inst != nil {
		t.provision(inst)
	}
	return inst
}

// release ends one use, and closes the configuration after the last.
func (t *instances) release(inst *instance) {
	if inst.live.Add(-1) > 0 {
		return
	}
	if err := inst.close(); err != nil {
		t.log.Warn("close instance", "plugin", inst.key.plugin, "instance", inst.id, "error", err)
	}
}

// closeOne takes back one start. The instance goes with its last; it is freed
// when no event runs any more. How often one was started in another process is
// not known here, so that it stays until it is idle.
func (t *instances) closeOne(id int32) *instance {
	t.mu.Lock()
	inst := t.byID[id]
	last := false
	if inst != nil && !inst.adopted {
		inst.starts--
		if last = inst.starts == 0; last {
			t.forget(inst)
		}
	}
	t.mu.Unlock()
	if last {
		t.unsave(inst)
		t.release(inst)
	}
	return inst
}

// unsave takes an instance that nobody uses any more from the store.
func (t *instances) unsave(inst *instance) {
	if t.store == nil {
		return
	}
	if err := t.store.remove(inst.id); err != nil {
		t.log.Warn("forget instance", "plugin", inst.key.plugin, "instance", inst.id, "error", err)
	}
}

// closeAll closes every instance, when the server stops. The store keeps them.
func (t *instances) closeAll() {
	t.mu.Lock()
	var all []*instance
	for _, inst := range t.byID {
		t.forget(inst)
		all = append(all, inst)
	}
	t.mu.Unlock()
	for _, inst := range all {
		t.release(inst)
	}
}

// forget removes an instance from the tables. It is called with mu held.
func (t *instances) forget(inst *instance) {
	delete(t.byID, inst.id)
	if t.byKey[inst.key] == inst {
		delete(t.byKey, inst.key)
	}
	t.heal(inst)
	t.metrics.instances.Dec()
}
