package usage

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Advice is a limit's scope, what was asked for in it, and limits to choose from.
type Advice struct {
	// Scope is what the limit's scope would be: global, route, tenant, user, or
	// tenant and route.
	Scope string
	// Group is whose usage it is, empty for everybody's together.
	Group string
	// Peak is the most that one of the scope asked for in a minute, and Who that
	// was, where the group does not say it.
	Peak int64
	Who  string
	// Units is all that was asked for.
	Units   int64
	Choices []Choice
}

// Choice is a limit, in units a minute, and how many it would have denied.
type Choice struct{ Limit, Denied int64 }

// shares are the parts of all units, in thousandths, that choices would have
// denied at most, below the peak.
var shares = []int64{1, 10}

// headroom is how far above the peak a first limit is set.
const headroom = 10

// Advise proposes limits for everybody together, and then for each group.
func Advise(g Groups) []Advice {
	var all, single []Advice
	together := map[string]*Distribution{}
	for _, group := range slices.Sorted(maps.Keys(g)) {
		for kind, d := range g[group] {
			scope := scopeOf(group, kind)
			if together[scope] == nil {
				together[scope] = &Distribution{}
			}
			merged := *d
			if merged.Who == "" {
				merged.Who = group
			}
			together[scope].merge(&merged)
			if group != groupEverybody {
				single = append(single, advise(scope, group, d))
			}
		}
	}
	for scope, d := range together {
		all = append(all, advise(scope, "", d))
	}
	slices.SortFunc(all, func(a, b Advice) int { return cmp.Compare(a.Scope, b.Scope) })
	slices.SortFunc(single, func(a, b Advice) int {
		return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(b.Peak, a.Peak), cmp.Compare(a.Group, b.Group))
	})
	return append(all, single...)
}

func scopeOf(group, kind string) string {
	switch {
	case kind == kindUser:
		return "user"
	case kind == kindRoute:
		return "tenant, route"
	case group == groupEverybody:
		return "global"
	case strings.HasPrefix(group, routePrefix):
		return "route"
	}
	return "tenant"
}

// advise offers ten times the peak, the peak, and the lowest limits that would
// have denied at most each of shares.
func advise(scope, group string, d *Distribution) Advice {
	a := Advice{Scope: scope, Group: group, Peak: d.Peak, Who: d.Who, Units: d.Units()}
	a.Choices = []Choice{{headroom * d.Peak, 0}, {d.Peak, 0}}
	for _, share := range shares {
		if limit := d.lowest(a.Units * share / 1000); limit < a.Choices[len(a.Choices)-1].Limit {
			a.Choices = append(a.Choices, Choice{limit, d.Denied(limit)})
		}
	}
	return a
}

// lowest is the lowest end of a step that denies at most so many units, or the
// peak.
func (d *Distribution) lowest(most int64) int64 {
	for s := 1; end(s) < d.Peak; s++ {
		if d.Denied(end(s)) <= most {
			return end(s)
		}
	}
	return d.Peak
}
