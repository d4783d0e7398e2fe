package quota

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/membership"
)

// Overrides remembers what Redis says about tenants whose limits an operator
// changed at run time. The script that decides also compares the text known
// here with the one in Redis, so a change takes effect at the tenant's next
// request, on every node, and costs nobody else anything.
type Overrides struct {
	mu    sync.RWMutex
	known map[string]*override
	// limits are how many configurations in use have a limit of each name.
	limits map[string]int
}

// override is the text at one tenant's key, and the rulesets it makes of others.
type override struct {
	text  string
	list  []Override
	mu    sync.Mutex
	rules map[*ruleset]*ruleset
	// looks is how often [Overrides.Misnamed] has seen it.
	looks int
}

// maxOverrides bounds what is remembered. Past it, tenants with overrides cost
// a second round trip for each decision.
const maxOverrides = 100_000

// maxRulesets bounds one tenant's, of which every reload makes new ones.
const maxRulesets = 64

// NewOverrides remembers nothing yet.
func NewOverrides() *Overrides {
	return &Overrides{known: map[string]*override{}, limits: map[string]int{}}
}

// noOverride is what a tenant without overrides has.
var noOverride = &override{}

func (o *Overrides) get(key string) *override {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if known, ok := o.known[key]; ok {
		return known
	}
	return noOverride
}

// set keeps the text found at key. It fails where the text makes no sense; the
// tenant then has the limits of the config.
func (o *Overrides) set(key, text string) (*override, error) {
	made := &override{text: text, rules: map[*ruleset]*ruleset{}}
	var err error
	if text != "" {
		if made.list, err = parseOverrides(text); err != nil {
			err = fmt.Errorf("read overrides at %s: %w", key, err)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch _, known := o.known[key]; {
	case text == "":
		delete(o.known, key)
	case known || len(o.known) < maxOverrides:
		o.known[key] = made
	}
	return made, err
}

// parseOverrides reads what an operator wrote at run time. A limit that is not there is a
// mistake, and no limit of 0.
func parseOverrides(text string) ([]Override, error) {
	var written []struct {
		Name  string `json:"name"`
		Limit *int64 `json:"limit"`
		Burst int64  `json:"burst"`
	}
	if err := json.Unmarshal([]byte(text), &written); err != nil {
		return nil, err
	}
	list := make([]Override, len(written))
	for i, o := range written {
		if o.Limit == nil {
			return nil, fmt.Errorf("[%d].limit: not there; write the units admitted in a window, or 0 to admit none", i)
		}
		list[i] = Override{Name: o.Name, Limit: *o.Limit, Burst: o.Burst}
	}
	return list, nil
}

// overriddenForAll is a ruleset with the overrides for everybody.
func (d *Decider) overriddenForAll(base *ruleset) *ruleset {
	text := d.backend.Members.Overrides()
	if text == "" {
		return base
	}
	key := membership.OverridesKey(d.settings.KeyPrefix)
	o := d.backend.Overrides.get(key)
	if o.text != text {
		o = d.learn(key, text)
	}
	return d.apply(o, base)
}

// learn keeps the overrides that were found at a key.
func (d *Decider) learn(key, text string) *override {
	o, err := d.backend.Overrides.set(key, text)
	if err != nil {
		d.backend.Logger.Warn("overrides are not used", "error", err)
	}
	return o
}

// apply is the ruleset as the overrides have it. It is made once.
func (d *Decider) apply(o *override, s *ruleset) *ruleset {
	if len(o.list) == 0 {
		return s
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if made, ok := o.rules[s]; ok {
		return made
	}
	if len(o.rules) >= maxRulesets {
		clear(o.rules)
	}
	made, err := d.overridden(s, o.list)
	if err != nil {
		d.backend.Logger.Warn("overrides are not used", "error", fmt.Errorf("apply overrides: %w", err))
	}
	o.rules[s] = made
	return made
}
