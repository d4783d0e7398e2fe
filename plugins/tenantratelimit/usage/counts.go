package usage

// Anonymous is the realm of what nobody authenticated. No tenant's reads so.
const Anonymous = "anonymous"

// Request is one request, as far as its usage is recorded.
type Request struct {
	// Realm is the tenant's group, as the limiter's keys have it: t.acme; or
	// [Anonymous].
	Realm string
	// User and Route may be empty where they are not known.
	User, Route string
	// Units is what the request costs.
	Units int64
	// Credential is the zero value where it is not known.
	Credential Credential
}

// The kinds of what is counted in a group.
const (
	kindTotal = "t" // the group itself
	kindUser  = "u"
	kindRoute = "r"
)

// groupEverybody is the group of all requests. A route's is [routeGroup].
const groupEverybody = "g."

func routeGroup(route string) string { return routePrefix + route }

// counts are what was counted, by Unix minute and realm.
type counts map[int64]map[string]*realm

// realm is what was counted of a tenant in one minute.
type realm struct {
	total         int64
	users, routes map[string]int64
}

// bounds are how many of each are counted one by one in a minute. Requests of
// others count where they are counted together with somebody else's.
type bounds struct {
	realms int
	// users and routes are of one realm, addresses are the users of [Anonymous]:
	// clients choose them.
	users, addresses, routes int
}

// rest is the realm of those past the bound: it has no group of its own.
const rest = ""

// add counts a request. It says how many counts are new, and whether the request
// is counted as one of its tenant, its user and its route.
func (c counts) add(window int64, s Request, b bounds) (grown int, whole bool) {
	realms := c[window]
	if realms == nil {
		realms = map[string]*realm{}
		c[window] = realms
	}
	name := s.Realm
	if realms[name] == nil && len(realms) >= b.realms {
		name = rest
	}
	r := realms[name]
	if r == nil {
		r = &realm{users: map[string]int64{}, routes: map[string]int64{}}
		realms[name], grown = r, 1
	}
	before := len(r.users) + len(r.routes)
	r.total += s.Units
	users := b.users
	if s.Realm == Anonymous {
		users = b.addresses
	}
	user := name == rest || count(r.users, s.User, s.Units, users)
	route := count(r.routes, s.Route, s.Units, b.routes)
	return grown + len(r.users) + len(r.routes) - before, name == s.Realm && user && route
}

// count is false if there are too many to count one more.
func count(of map[string]int64, who string, units int64, most int) bool {
	if _, known := of[who]; who != "" && (known || len(of) < most) {
		of[who] += units
		return true
	}
	return who == ""
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
			for route, units := range r.routes {
				all[cell{window, routeGroup(route), kindTotal, ""}] += units
			}
			if name == rest {
				continue
			}
			all[cell{window, name, kindTotal, ""}] += r.total
			for user, units := range r.users {
				all[cell{window, name, kindUser, user}] += units
			}
			for route, units := range r.routes {
				all[cell{window, name, kindRoute, route}] += units
			}
		}
	}
	return all
}
