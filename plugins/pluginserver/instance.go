package pluginserver

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
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

	built    atomic.Pointer[built] // nil until it was provisioned
	building sync.Mutex
	text     []byte    // the configuration, until it is good; guarded by building
	bad      error     // why text is no configuration, nil if it is one
	tried    time.Time // when it was provisioned last; guarded by building
	former   *built    // what it was while it was degraded; guarded by building
	reminded minutely  // of its being degraded
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

// close ends the configuration, of which no event runs any more.
func (i *instance) close() error {
	i.building.Lock()
	defer i.building.Unlock()
	var errs []error
	for _, b := range []*built{i.built.Load(), i.former} {
		if b != nil {
			errs = append(errs, b.close())
		}
	}
	return errors.Join(errs...)
}

// handles reports whether the instance has such an event, whether it is degraded or not.
func (i *instance) handles(p phase) bool { return i.plugin != nil && i.plugin.events[p] != nil }

// status is what Kong is told of an instance; empty for one that is not known.
func (i *instance) status() *kpp.RpcReturn_InstanceStatus {
	if i == nil {
		return &kpp.RpcReturn_InstanceStatus{InstanceStatus: &kpp.InstanceStatus{}}
	}
	return &kpp.RpcReturn_InstanceStatus{InstanceStatus: &kpp.InstanceStatus{
		Name: i.key.plugin, InstanceId: i.id, StartedAt: i.started.Unix(),
	}}
}

// refusal is why the instance has no such event.
func (i *instance) refusal(p phase) string {
	if i.plugin == nil {
		return fmt.Sprintf("no plugin %q in this plugin server", i.key.plugin)
	}
	return fmt.Sprintf("%s has no phase %s", i.key.plugin, phaseNames[p])
}
