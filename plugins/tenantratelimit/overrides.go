package tenantratelimit

import (
	"encoding/json"
	"fmt"
	"sync"
)

// overrides remembers what Redis says about tenants whose limits an operator
// changed at run time. The script that decides also compares the text known
// here with the one in Redis, so a change takes effect at the tenant's next
// request, on every node, and costs nobody else anything.
type overrides struct {
	mu    sync.RWMutex
	known map[string]*override
}

// override is the text at one tenant's key, and the rulesets it makes of others.
type override struct {
	text  string
	list  []Override
	mu    sync.Mutex
	rules map[*ruleset]*ruleset
}

// maxOverrides bounds what is remembered. Past it, tenants with overrides cost
// a second round trip for each decision.
const maxOverrides = 100_000

// maxRulesets bounds one tenant's, of which every reload makes new ones.
const maxRulesets = 64

func newOverrides() *overrides { return &overrides{known: map[string]*override{}} }

// none is what a tenant without overrides has.
var none = &override{}

func (o *overrides) get(key string) *override {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if known, ok := o.known[key]; ok {
		return known
	}
	return none
}

// set keeps the text found at key. It fails where the text makes no sense; the
// tenant then has the limits of the config.
func (o *overrides) set(key, text string) (*override, error) {
	made := &override{text: text, rules: map[*ruleset]*ruleset{}}
	var err error
	if text != "" {
		if err = json.Unmarshal([]byte(text), &made.list); err != nil {
			err = fmt.Errorf("read overrides at %s: %w", key, err)
			made.list = nil
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

// apply is the ruleset as the overrides have it.
func (v *override) apply(s *ruleset, maxCost int64, m *metrics) (*ruleset, error) {
	if len(v.list) == 0 {
		return s, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if made, ok := v.rules[s]; ok {
		return made, nil
	}
	if len(v.rules) >= maxRulesets {
		clear(v.rules)
	}
	made, err := s.overridden(v.list, maxCost, m)
	if err != nil {
		err = fmt.Errorf("apply overrides: %w", err)
	}
	v.rules[s] = made
	return made, err
}
