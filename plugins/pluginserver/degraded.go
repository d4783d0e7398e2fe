package pluginserver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/instrument"
)

// A configuration that Kong has accepted is never answered with a 500. One that cannot
// run as it is written is degraded: its handlers do what still can be done, if it has
// a method Degrade, and else its events go the way that the plugin declares. It is said
// in the log, when it starts and once a minute while it is used, in a metric, and in
// /readyz, while it is in use.

// retryDegraded is how soon a degraded configuration is tried again when Kong starts it
// once more: something outside of it may have been wrong. All workers start it at
// about the same time.
const retryDegraded = time.Second

// normalise is the text of a configuration, and why it is none. What is no JSON is
// kept as it is.
func (p *plugin) normalise(raw []byte) (text []byte, bad error) {
	if text, bad = p.config.Normalise(raw); bad != nil {
		return raw, bad
	}
	return text, nil
}

// provision makes an instance ready, once.
func (t *instances) provision(inst *instance) {
	if inst.built.Load() != nil || inst.plugin == nil {
		return
	}
	inst.building.Lock()
	defer inst.building.Unlock()
	if inst.built.Load() != nil {
		return
	}
	if inst.bad == nil {
		t.save(inst, inst.text)
	}
	t.build(inst)
}

// build is called with inst.building held.
func (t *instances) build(inst *instance) {
	b := inst.plugin.build(inst.text, inst.bad)
	inst.tried = time.Now()
	inst.built.Store(b)
	if b.err == nil {
		inst.text = nil
		return
	}
	inst.used.Store(inst.tried.Unix())
	t.metrics.failedStarts.Inc()
	inst.reminded.due(inst.tried)
	t.logDegraded(inst, b)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[inst.id] == inst {
		t.degraded[inst] = b
	}
}

// retry tries once more to make a degraded instance what it should be.
func (t *instances) retry(inst *instance) {
	if b := inst.built.Load(); b == nil || b.err == nil {
		return
	}
	inst.building.Lock()
	defer inst.building.Unlock()
	former := inst.built.Load()
	if former.err == nil || time.Since(inst.tried) < retryDegraded {
		return
	}
	inst.tried = time.Now()
	b := inst.plugin.build(inst.text, inst.bad)
	if b.err != nil {
		t.discard(inst, b)
		return
	}
	inst.text, inst.former = nil, former
	inst.built.Store(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heal(inst)
	t.log.Info("plugin no longer degraded", "plugin", inst.key.plugin, "instance", inst.id)
}

// discard ends what was built in vain.
func (t *instances) discard(inst *instance, b *built) {
	if err := b.close(); err != nil {
		t.log.Warn("close instance", "plugin", inst.key.plugin, "instance", inst.id, "error", err)
	}
}

// heal ends an instance's being degraded, if it is. It is called with mu held.
func (t *instances) heal(inst *instance) {
	delete(t.degraded, inst)
}

// remindOf logs once a minute that a degraded instance is used.
func (t *instances) remindOf(inst *instance, b *built) {
	if inst.reminded.due(time.Now()) {
		t.logDegraded(inst, b)
	}
}

func (t *instances) logDegraded(inst *instance, b *built) {
	does := "what still can be done"
	if !b.usable {
		does = "nothing: requests are refused"
		if inst.plugin.FailOpen {
			does = "nothing: requests pass"
		}
	}
	said := []any{"plugin", inst.key.plugin, "instance", inst.id, "error", b.err, "does", does}
	if panicked := (*panicError)(nil); errors.As(b.err, &panicked) {
		said = append(said, "stack", string(panicked.stack))
	}
	t.log.Error("plugin degraded: its configuration does not run as it is written", said...)
}

// degradedFor is how long a degraded configuration is told of after its last event. Kong
// closes none that its config has no more, so that nobody else says when it is over.
const degradedFor = 5 * time.Minute

// degradations has a line for each degraded instance that is in use, sorted.
func (t *instances) degradations() (lines []string) {
	for inst, b := range t.degradedInUse() {
		reason := strings.ReplaceAll(b.err.Error(), "\n", "; ")
		lines = append(lines, fmt.Sprintf("degraded: %s: %s", inst.key.plugin, reason))
	}
	slices.Sort(lines)
	return lines
}

func (t *instances) degradedInUse() map[*instance]*built {
	since := time.Now().Add(-degradedFor).Unix()
	t.mu.RLock()
	defer t.mu.RUnlock()
	inUse := maps.Clone(t.degraded)
	maps.DeleteFunc(inUse, func(inst *instance, _ *built) bool { return inst.used.Load() < since })
	return inUse
}

// watchDegraded counts them by plugin, when somebody looks.
func (t *instances) watchDegraded(meter instrument.Meter) {
	const name, help = metricPrefix + "degraded_instances", "Configurations in use that do not run as they are written."
	for plugin := range t.plugins {
		meter.ReadGauge(name, help, []string{"plugin"}, []string{plugin}, func() (count float64) {
			for inst := range t.degradedInUse() {
				if inst.key.plugin == plugin {
					count++
				}
			}
			return count
		})
	}
}
