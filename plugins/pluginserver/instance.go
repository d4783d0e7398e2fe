package pluginserver

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"runtime/debug"
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
	adopted bool // Kong started it in a process before this one

	starts int          // starts less closes, of this process; guarded by instances.mu
	live   atomic.Int64 // one while Kong may use it, and one for each running event
	used   atomic.Int64 // last event, Unix seconds

	provision sync.Once // see instances.provision; sets what follows
	text      []byte    // the configuration, until then
	config    any
	handlers  handlers
	failer    failer // nil if the configuration has no Failed
	err       error  // why it cannot run, nil if it can

	openings [phaseCount]atomic.Pointer[openings]
}

// instanceKey is what an instance is shared by.
type instanceKey struct {
	plugin  string
	content [sha256.Size]byte
}

func keyOf(plugin string, text []byte) instanceKey {
	return instanceKey{plugin, sha256.Sum256(text)}
}

// id is where the search for the id of a content begins: the same in every
// process, so that an id which Kong remembers from another is this content's,
// or unknown, but hardly ever another's.
func (k instanceKey) id() int32 {
	sum := sha256.New()
	sum.Write([]byte(k.plugin))
	sum.Write(k.content[:])
	return 1 + int32(binary.BigEndian.Uint32(sum.Sum(nil))%(math.MaxInt32-1))
}

// nextID is the id to try after one that another content has.
func nextID(id int32) int32 { return 1 + id%(math.MaxInt32-1) }

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
	return i.handlers.restrict(i.plugin.Phases)
}

func (i *instance) close() (err error) {
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

// status is what Kong is told of an instance; empty for one that is not known.
func (i *instance) status() *kpp.RpcReturn_InstanceStatus {
	if i == nil {
		return &kpp.RpcReturn_InstanceStatus{InstanceStatus: &kpp.InstanceStatus{}}
	}
	return &kpp.RpcReturn_InstanceStatus{InstanceStatus: &kpp.InstanceStatus{
		Name: i.key.plugin, InstanceId: i.id, StartedAt: i.started.Unix(),
	}}
}

// refusal is why the instance cannot run a phase.
func (i *instance) refusal(p phase) string {
	if i.err != nil {
		return fmt.Sprintf("%s cannot start: %v", i.key.plugin, i.err)
	}
	return fmt.Sprintf("%s has no phase %s", i.key.plugin, phaseNames[p])
}
