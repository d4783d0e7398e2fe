package endings

import (
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/callers"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// Life is what one config says of a version.
type Life struct {
	*lifecycle.Plan
	// Recorded says that it is kept who calls, and In where. A place without a URL is the
	// nodes' REDIS_URL.
	Recorded bool
	In       sunsetheaders.Redis
}

// ended reports whether the version is past its end.
func (l *Life) ended(now time.Time) bool { return !l.Sunset.IsZero() && !now.Before(l.Sunset) }

// goesOn is the plan of those for whom nothing ends.
var goesOn = lifecycle.New(lifecycle.Terms{})

// ownLife is a consumer's own.
type ownLife struct {
	consumer *gateway.Entity
	Life
}

// of reports whether a recorded caller is the consumer. Kong makes the id of one that has
// none, and a reference to one that is not in the config may be an id.
func (o *ownLife) of(c callers.Caller) bool {
	id, username, customID := o.consumer.Text("id"), o.consumer.Text("username"), o.consumer.Text("custom_id")
	return id != "" && id == c.ID || username != "" && (username == c.Username || username == c.ID) || customID != "" && customID == c.CustomID
}

// lifeFor is what becomes of the version for a caller.
func (v *Version) lifeFor(c callers.Caller) *Life {
	for i := range v.own {
		if v.own[i].of(c) {
			return &v.own[i].Life
		}
	}
	return &v.Life
}

// lives are what all configs say of the version, those for whom nothing ends left out.
func (v *Version) lives() (all []*Life) {
	if v.Plan != goesOn {
		all = append(all, &v.Life)
	}
	for i := range v.own {
		if v.own[i].Plan != goesOn {
			all = append(all, &v.own[i].Life)
		}
	}
	return all
}

// end is when the version ends for all; where it does not, the nearest end of a consumer's.
func (v *Version) end() time.Time {
	if v.Plan != goesOn || len(v.lives()) == 0 {
		return v.Sunset
	}
	nearest := slices.MinFunc(v.lives(), func(a, b *Life) int { return byEnd(a.Sunset, b.Sunset) })
	return nearest.Sunset
}

// Records are what is recorded, by where that is. A place that was not asked is not there.
type Records map[sunsetheaders.Redis]callers.Recorded

// Since is from when on all places have records; zero where one of them has none.
func (r Records) Since() time.Time {
	var all []time.Time
	for _, recorded := range r {
		all = append(all, recorded.Since)
	}
	return sinceAll(all)
}

// sinceAll is the latest of times, and zero if one of them is.
func sinceAll(all []time.Time) (latest time.Time) {
	for _, since := range all {
		if since.IsZero() {
			return since
		}
		if since.After(latest) {
			latest = since
		}
	}
	return latest
}

// Places are where it is kept who calls versions, or would be, each once.
func Places(list []Version) (places []sunsetheaders.Redis) {
	return placesOf(list, func(*Life) bool { return true })
}

// RecordedIn are the places of those that are recorded; of all where none is.
func RecordedIn(list []Version) []sunsetheaders.Redis {
	if places := placesOf(list, func(l *Life) bool { return l.Recorded }); len(places) > 0 {
		return places
	}
	return Places(list)
}

func placesOf(list []Version, is func(*Life) bool) (places []sunsetheaders.Redis) {
	for i := range list {
		for _, l := range list[i].lives() {
			if is(l) && !slices.Contains(places, l.In) {
				places = append(places, l.In)
			}
		}
	}
	return places
}

// In are the routes of versions that are recorded in a place.
func In(list []Version, at sunsetheaders.Redis) (routes []string) {
	for i := range list {
		if slices.Contains(Places(list[i:i+1]), at) {
			routes = append(routes, list[i].Route)
		}
	}
	return routes
}

// Locate has the version looked for in other places than its configs name.
func (v *Version) Locate(place func(sunsetheaders.Redis) sunsetheaders.Redis) {
	for _, l := range v.lives() {
		l.In = place(l.In)
	}
}

// callers are those of the version, from each place that it may have been recorded in.
func (v *Version) callers(records Records) (all []callers.Calls) {
	for _, at := range Places([]Version{*v}) {
		all = append(all, records[at].Routes[v.Route]...)
	}
	return all
}

// recorded reports whether the calls of all for whom it ends are kept.
func (v *Version) recorded() bool {
	return !slices.ContainsFunc(v.lives(), func(l *Life) bool { return !l.Recorded })
}

// since is when the version was called last, wherever it may be recorded; zero where that
// cannot be said. That a place has other versions' calls says nothing of this one's: Kong
// starts a plugin at the first call, so one that it does not run looks like a silent one.
func (v *Version) since(records Records) time.Time {
	var all []time.Time
	for _, at := range Places([]Version{*v}) {
		all = append(all, records[at].Last[v.Route])
	}
	return sinceAll(all)
}
