package demand

// Anonymous is the realm of what nobody authenticated. No tenant's reads so.
const Anonymous = "anonymous"

// Sighting is one request.
type Sighting struct {
	// Realm is the tenant's group, as the limiter's keys have it: t.acme; or
	// [Anonymous].
	Realm string
	// User and Route may be empty where they are not known.
	User, Route string
	// Units is what the request costs.
	Units int64
}

// The kinds of what is counted in a group.
const (
	kindTotal = "t" // the group itself
	kindUser  = "u"
	kindRoute = "r"
)

// groupEverybody is the group of all requests. A route's is [routeGroup].
const groupEverybody = "g."

func routeGroup(route string) string { return "r." + route }

// counts are what was counted, by Unix minute and realm.
type counts map[int64]map[string]*realm

// realm is what was counted of a tenant in one minute.
type realm struct {
	total         int64
	users, routes map[string]int64
}

// add counts a request, and says how many counts are new.
func (c counts) add(window int64, s Sighting) (grown int) {
	realms := c[window]
	if realms == nil {
		realms = map[string]*realm{}
		c[window] = realms
	}
	r := realms[s.Realm]
	if r == nil {
		r = &realm{users: map[string]int64{}, routes: map[string]int64{}}
		realms[s.Realm], grown = r, 1
	}
	before := len(r.users) + len(r.routes)
	r.total += s.Units
	if s.User != "" {
		r.users[s.User] += s.Units
	}
	if s.Route != "" {
		r.routes[s.Route] += s.Units
	}
	return grown + len(r.users) + len(r.routes) - before
}

// cell is one count of a group in a minute.
type cell struct {
	window      int64
	group       string
	kind, whose string
}

// cells are all counts, those of routes and of everybody included.
func (c counts) cells() map[cell]int64 {
	all := map[cell]int64{}
	for window, realms := range c {
		for name, r := range realms {
			all[cell{window, groupEverybody, kindTotal, ""}] += r.total
			all[cell{window, name, kindTotal, ""}] += r.total
			for user, units := range r.users {
				all[cell{window, name, kindUser, user}] += units
			}
			for route, units := range r.routes {
				all[cell{window, name, kindRoute, route}] += units
				all[cell{window, routeGroup(route), kindTotal, ""}] += units
			}
		}
	}
	return all
}
