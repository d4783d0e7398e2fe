package pluginserver

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// sweepInterval is how often idle instances are looked for, at most.
const sweepInterval = time.Minute

// evictIdle closes instances without an event for a long time, and removes what
// other processes left in the store. It is called with mu held.
func (t *instances) evictIdle() {
	now := time.Now()
	if now.Sub(t.swept) < sweepInterval {
		return
	}
	t.swept = now
	before := now.Add(-t.idle)
	for _, inst := range t.byID {
		if inst.used.Load() < before.Unix() {
			t.evict(inst, "idle")
		}
	}
	if t.store == nil || t.opened.After(before) {
		return // Kong may not have asked for all of its instances yet
	}
	if err := t.store.sweep(before, func(id int32) bool { return t.byID[id] != nil }); err != nil {
		t.log.Warn("remove instances of earlier processes", "error", err)
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
	if inst.live.Load() > 1 {
		return
	}
	t.forget(inst)
	t.metrics.evicted(reason).Inc()
	t.unsave(inst)
	go t.release(inst) // Close is the plugin's, and may take its time
}
