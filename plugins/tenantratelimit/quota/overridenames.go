package quota

import (
	"cmp"
	"maps"
	"slices"
)

// Misnamed is an override of a limit that no configuration in use has: nothing comes of it.
type Misnamed struct {
	// Key is where in Redis it is, and Name the limit that it names.
	Key, Name string
	// Limits are those that there are, in order.
	Limits []string
}

// Use says that a configuration with limits of these names is in use, and Disuse that it is
// no more.
func (o *Overrides) Use(limits []string) { o.uses(limits, 1) }

// Disuse is the end of [Overrides.Use].
func (o *Overrides) Disuse(limits []string) { o.uses(limits, -1) }

func (o *Overrides) uses(limits []string, by int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range limits {
		if o.limits[name] += by; o.limits[name] <= 0 {
			delete(o.limits, name)
		}
	}
}

// Misnamed finds what is known since the last time but one, and tells each text once. Kong
// starts a configuration at its first request, so a text may be known before all that it is
// about.
func (o *Overrides) Misnamed() (list []Misnamed) {
	o.mu.Lock()
	defer o.mu.Unlock()
	limits := slices.Sorted(maps.Keys(o.limits))
	for key, known := range o.known {
		if known.looks++; known.looks != looksUntilTold {
			continue
		}
		for _, one := range known.list {
			if o.limits[one.Name] == 0 {
				list = append(list, Misnamed{key, one.Name, limits})
			}
		}
	}
	slices.SortFunc(list, func(a, b Misnamed) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Name, b.Name)) })
	return list
}

const looksUntilTold = 2

// Limits are the names of all limits that the configuration has, under any plan and for any
// tenant.
func (d *Decider) Limits() []string {
	names := map[string]bool{}
	add := func(plans map[string]*ruleset) {
		for _, set := range plans {
			for i := range set.rules {
				names[set.rules[i].limit.Name] = true
			}
		}
	}
	add(d.plans)
	for _, own := range d.tenants {
		add(own.plans)
	}
	return slices.Sorted(maps.Keys(names))
}
