package pluginserver

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
)

// instance is one started configuration, shared by all who started it.
type instance struct {
	id      int32
	key     instanceKey
	plugin  *plugin // nil if no plugin has the name
	started time.Time

	starts int          // starts less closes; guarded by instances.mu
	live   atomic.Int64 // one while Kong may use it, and one for each running event
	used   atomic.Int64 // last event, Unix seconds

	provision sync.Once // sets what follows
	ready     atomic.Bool
	config    any
	handlers  handlers
	failer    failer // nil if the configuration has no Failed
	err       error  // why it cannot run, nil if it can
}

// instanceKey is what an instance is shared by.
type instanceKey struct {
	plugin  string
	content [sha256.Size]byte
}

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

	mu    sync.RWMutex
	byID  map[int32]*instance
	byKey map[instanceKey]*instance
	next  int32
	swept time.Time // when idle instances were looked for
}

// newInstances begins ids at a random place, so that an id which Kong remembers
// from a process before this one is unknown here, and not another's.
func newInstances(plugins map[string]*plugin, opts Options, m *metrics) *instances {
	return &instances{
		plugins: plugins, metrics: m, log: opts.Logger, idle: opts.IdleInstance, most: opts.MaxInstances,
		byID: map[int32]*instance{}, byKey: map[instanceKey]*instance{},
		next: rand.Int32N(math.MaxInt32),
	}
}

// start returns the instance of a plugin's configuration. It always succeeds:
// an instance that cannot run says why in err, and its events are refused.
func (t *instances) start(name string, raw []byte) *instance {
	text, err := raw, error(nil)
	p := t.plugins[name]
	if p == nil {
		err = fmt.Errorf("no plugin %q in this plugin server", name)
	} else if normal, bad := p.config.normalise(raw); bad != nil {
		err = bad
	} else {
		text = normal
	}
	inst := t.claim(instanceKey{name, sha256.Sum256(text)}, p)
	inst.provision.Do(func() {
		if err == nil {
			err = inst.build(text)
		}
		t.settle(inst, err)
		inst.ready.Store(true)
	})
	return inst
}

// claim finds the instance of a content or makes it, and counts the start.
func (t *instances) claim(key instanceKey, p *plugin) *instance {
	t.mu.Lock()
	defer t.mu.Unlock()
	inst := t.byKey[key]
	if inst == nil {
		t.evictIdle()
		t.evictExcess()
		inst = &instance{id: t.freeID(), key: key, plugin: p, started: time.Now()}
		inst.live.Store(1)
		inst.used.Store(inst.started.Unix())
		t.byID[inst.id], t.byKey[key] = inst, inst
		t.metrics.instances.Inc()
	}
	inst.starts++
	return inst
}

// freeID returns a positive id that no live instance has.
func (t *instances) freeID() int32 {
	for {
		if t.next == math.MaxInt32 {
			t.next = 0
		}
		t.next++
		if t.byID[t.next] == nil {
			return t.next
		}
	}
}

// settle records how provisioning ended. One that failed is no longer found by
// its content, so that the next start tries again.
func (t *instances) settle(inst *instance, err error) {
	if err == nil {
		return
	}
	inst.err = err
	t.metrics.failedStarts.Inc()
	t.log.Error("instance cannot start, its events are refused", "plugin", inst.key.plugin, "instance", inst.id, "error", err)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byKey[inst.key] == inst {
		delete(t.byKey, inst.key)
	}
}

// build decodes and provisions the configuration.
func (i *instance) build(text []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("start panicked: %v\n%s", v, debug.Stack())
		}
	}()
	config := i.plugin.New()
	if err := json.Unmarshal(text, config); err != nil {
		return fmt.Errorf("decode config: %w", err)
	}
	if p, ok := config.(provisioner); ok {
		if err := p.Provision(); err != nil {
			return err
		}
	}
	i.config, i.handlers = config, handlersOf(config)
	i.failer, _ = config.(failer)
	return nil
}

// status is what Kong is told of an instance; empty for one that is not known.
func (i *instance) status() *kpp.RpcReturn_InstanceStatus {
	if i == nil {
		return &kpp.RpcReturn_InstanceStatus{InstanceStatus: &kpp.InstanceStatus{}}
	}
	return &kpp.RpcReturn_InstanceStatus{InstanceStatus: &kpp.InstanceStatus{
		Name: i.key.plugin, InstanceId: i.id, StartedAt: i.started.Unix(),
	}}
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
	defer t.mu.RUnlock()
	inst := t.byID[id]
	if inst == nil || !inst.ready.Load() {
		return nil
	}
	inst.live.Add(1)
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

func (i *instance) close() (err error) {
	if !i.ready.Load() {
		return nil
	}
	c, ok := i.config.(closer)
	if !ok {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("close panicked: %v\n%s", v, debug.Stack())
		}
	}()
	return c.Close()
}

// closeOne takes back one start. The instance goes with its last; it is freed
// when no event runs any more.
func (t *instances) closeOne(id int32) *instance {
	t.mu.Lock()
	inst := t.byID[id]
	last := false
	if inst != nil {
		inst.starts--
		last = inst.starts == 0
		if last {
			t.forget(inst)
		}
	}
	t.mu.Unlock()
	if last {
		t.release(inst)
	}
	return inst
}

// closeAll forgets every instance, when the server stops.
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

// sweepInterval is how often idle instances are looked for, at most.
const sweepInterval = time.Minute

// evictIdle closes instances without an event for a long time. It is called
// with mu held.
func (t *instances) evictIdle() {
	now := time.Now()
	if now.Sub(t.swept) < sweepInterval {
		return
	}
	t.swept = now
	before := now.Add(-t.idle).Unix()
	for _, inst := range t.byID {
		if inst.used.Load() < before {
			t.evict(inst, "idle")
		}
	}
}

// evictExcess makes room for one more instance, and for some more so that it
// is not called for each. It is called with mu held.
func (t *instances) evictExcess() {
	if len(t.byID) < t.most {
		return
	}
	all := slices.SortedFunc(maps.Values(t.byID), func(a, b *instance) int {
		return cmp.Compare(a.used.Load(), b.used.Load())
	})
	for _, inst := range all[:1+len(all)/16] {
		t.evict(inst, "limit")
	}
}

// evict closes an instance that no event uses. It is called with mu held.
func (t *instances) evict(inst *instance, reason string) {
	if inst.live.Load() > 1 || !inst.ready.Load() {
		return
	}
	t.forget(inst)
	t.metrics.evicted.WithLabelValues(reason).Inc()
	go t.release(inst) // Close is the plugin's, and may take its time
}

// forget removes an instance from the tables. It is called with mu held.
func (t *instances) forget(inst *instance) {
	delete(t.byID, inst.id)
	if t.byKey[inst.key] == inst {
		delete(t.byKey, inst.key)
	}
	t.metrics.instances.Dec()
}
