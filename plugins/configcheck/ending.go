package configcheck

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// ending is what a contract says of the end of an operation.
type ending struct {
	deprecated bool
	// sunset is the value of x-sunset, nil if there is none, and at where it is.
	sunset any
	at     schema.Path
}

// endingAt reads what is said at an operation, else at its path, else of the whole document in
// its info. OpenAPI has `deprecated` for operations only, and x-deprecated may stand for it.
func endingAt(document map[string]any, operation schema.Path) (e ending) {
	path := operation[:len(operation)-1]
	said := false
	for _, at := range []schema.Path{operation, path, at("info")} {
		fields := valueAt(document, at)
		for _, name := range []string{"deprecated", "x-deprecated"} {
			if is, ok := fields[name].(bool); ok && !said {
				e.deprecated, said = is, true
			}
		}
		if e.sunset == nil && fields["x-sunset"] != nil {
			e.sunset, e.at = asWritten(fields["x-sunset"]), at.At("x-sunset")
		}
	}
	return e
}

// asWritten is a number as its digits, such as those of 20270630, and else the value.
func asWritten(value any) any {
	if number, ok := value.(float64); ok {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	return value
}

// valueAt is the mapping below the keys of a path, nil if there is none.
func valueAt(value map[string]any, path schema.Path) map[string]any {
	for _, key := range path {
		value = gateway.Map(value[key.(string)]) // a path of keys
	}
	return value
}

// date is when it ends, if the contract says so in a date.
func (e ending) date() (time.Time, error) {
	text, _ := e.sunset.(string)
	return lifecycle.ParseDate(text)
}

// agrees reports whether a time is the one of x-sunset, or in the day that is all it says.
func (e ending) agrees(said, end time.Time) bool {
	if text, _ := e.sunset.(string); len(text) == len(time.DateOnly) {
		end = end.Truncate(24 * time.Hour)
	}
	return said.Equal(end)
}

// announcement is what the answers of routes say of the end of their version.
type announcement struct {
	by     *gateway.Plugin
	config map[string]any
	at     schema.Path
}

// date is what it says in a field, if that is a date.
func (a announcement) date(field string) (time.Time, bool) { return date(a.config[field]) }

// announced is what a route's answers say, by nil if it is nothing.
func (p *pass) announced(r gateway.Route) announcement { return p.announcedTo(r, nil) }

// announcedTo is what they say to a consumer, nil for those who have no plugin of their own.
func (p *pass) announcedTo(r gateway.Route, consumer *gateway.Entity) announcement {
	if plugin := p.config.Running(r, consumer, "sunset-headers", "sunset_headers"); plugin != nil {
		return announcementOf(plugin)
	}
	return announcement{}
}

// partly reports whether only some of the routes of an operation announce an end, where a
// header decides which of them a request takes: the operation itself goes on then, and a
// contract can say neither of it.
func (p *pass) partly(routes []serving) bool {
	announce, byHeader := 0, false
	for _, s := range routes {
		if p.announced(s.Route).by != nil {
			announce++
		}
		byHeader = byHeader || len(gateway.Map(s.Fields["headers"])) > 0
	}
	return byHeader && 0 < announce && announce < len(routes)
}

// answering are the routes that lead to an operation. Of those that forward the request's
// path Kong takes the one that says most of it.
func answering(routes []serving, o operation) (found []serving) {
	most := 0
	for _, s := range routes {
		if s.leadsTo(o) {
			most = max(most, s.says(o))
		}
	}
	return slices.DeleteFunc(slices.Clone(routes), func(s serving) bool {
		return !s.leadsTo(o) || s.says(o) != byNothing && s.says(o) < most
	})
}

// What is said of a path by a route that strips it, and by one that has an expression for it,
// which goes before all others.
const (
	byNothing    = -1
	byExpression = 1 << 16
)

// says is how much of an operation's path a route says.
func (s serving) says(o operation) int {
	most := byNothing
	for _, f := range s.forwards {
		switch {
		case f.stripped || !f.takes(o.method) || !f.leadsTo(o.path):
		case f.matches != nil:
			most = byExpression
		default:
			most = max(most, len(strings.Join(f.prefix, "/")))
		}
	}
	return most
}

// endingsNotAnnounced finds operations that a contract says are deprecated, and answers do not.
func (p *pass) endingsNotAnnounced() {
	for _, c := range p.Contracts {
		routes := p.servings(c)
		for _, o := range c.operations() {
			if !o.ending.deprecated && o.ending.sunset == nil {
				continue
			}
			found := answering(routes, o)
			for _, s := range found {
				if p.announced(s.Route).by == nil && !p.partly(found) {
					p.foundIn(c, s.Entity, o.at, fmt.Sprintf("%s %s is deprecated here, and the answers of route %s do not say so", o.method, o.path, s.Name()),
						"put sunset-headers on the route, with the dates, or take deprecated and x-sunset out of the contract")
				}
			}
		}
	}
}

// endingsNotInContract finds operations whose answers say that they are deprecated, and the
// contract does not. What is to be deprecated later need not be yet.
func (p *pass) endingsNotInContract() {
	p.announcements(func(c Contract, o operation, routes []serving, said announcement) {
		deprecated, ok := date(said.config["deprecated_at"])
		if o.ending.deprecated || ok && deprecated.After(p.Now) || p.partly(routes) {
			return
		}
		p.foundIn(c, said.by.Entity, o.at, fmt.Sprintf("the answers to %s %s say that it is deprecated, and the contract does not", o.method, o.path),
			"write deprecated: true at the operation, and x-sunset with the day of sunset_at")
	})
}

// endingsThatDiffer finds operations whose end is one date in the contract, and another or none
// in answers.
func (p *pass) endingsThatDiffer() {
	for _, c := range p.Contracts {
		for _, o := range c.operations() {
			if _, err := o.ending.date(); o.ending.sunset != nil && err != nil {
				p.foundIn(c, p.config.Whole, o.ending.at, fmt.Sprintf("%v %v", o.ending.sunset, err), "")
			}
		}
	}
	p.announcements(func(c Contract, o operation, _ []serving, said announcement) {
		end, ends := date(said.config["sunset_at"])
		written, err := o.ending.date()
		path := said.by.Path.At(said.at.At("sunset_at")...)
		switch {
		case o.ending.sunset == nil && ends && o.ending.deprecated:
			p.foundIn(c, said.by.Entity, o.at, fmt.Sprintf("%s %s ends at %s, as %s says, and the contract does not say when", o.method, o.path, lifecycle.RFC3339(end), path),
				fmt.Sprintf("write x-sunset: %q at the operation", end.Format(time.DateOnly)))
		case err != nil || ends && o.ending.agrees(written, end):
		case !ends && said.config["sunset_at"] == nil:
			p.foundIn(c, said.by.Entity, o.ending.at, fmt.Sprintf("%s %s ends at %s here, and its answers say nothing of an end", o.method, o.path, lifecycle.RFC3339(written)),
				fmt.Sprintf("write sunset_at: %q in %s, or take x-sunset out", o.ending.sunset, said.by.Path.At(said.at...)))
		case ends:
			p.foundIn(c, said.by.Entity, o.ending.at, fmt.Sprintf("%s %s ends at %s here, and at %s in %s", o.method, o.path, lifecycle.RFC3339(written), lifecycle.RFC3339(end), path),
				"write the same date in both; partners plan by the one that they read")
		}
	})
}

// announcements has do see each operation, the routes that answer it, and each plugin that
// announces its end.
func (p *pass) announcements(do func(Contract, operation, []serving, announcement)) {
	for _, c := range p.Contracts {
		routes := p.servings(c)
		for _, o := range c.operations() {
			var seen []*gateway.Plugin
			found := answering(routes, o)
			for _, s := range found {
				if said := p.announced(s.Route); said.by != nil && !slices.Contains(seen, said.by) {
					seen = append(seen, said.by)
					do(c, o, found, said)
				}
			}
		}
	}
}
