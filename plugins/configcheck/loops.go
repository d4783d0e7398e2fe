package configcheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// redirectLoops finds successors that lead back to the version that they are of: who follows
// them never arrives. Each loop is told once.
func (p *pass) redirectLoops() {
	told := map[*gateway.Plugin]bool{}
	for _, said := range p.endings() {
		for _, from := range p.routesOf(said.by) {
			loop := p.loopFrom(from, said.by.Consumer)
			if len(loop) == 0 || told[said.by] {
				continue
			}
			var names []string
			for _, r := range loop {
				names = append(names, routeName(r))
				told[p.announcedTo(r, said.by.Consumer).by] = true
			}
			p.found(said.by.Entity, said.at.At("successor"), fmt.Sprintf("%q leads back to where it is from: %s to %s", said.config["successor"], strings.Join(names, " to "), names[0]),
				"name a version that goes on, or write after_sunset: gone in one of them")
		}
	}
}

// loopFrom are the routes that a request is sent through until it is back at the first one,
// none if it arrives.
func (p *pass) loopFrom(from gateway.Route, consumer *gateway.Entity) []gateway.Route {
	seen := map[*gateway.Entity]bool{}
	var follow func(way []gateway.Route) []gateway.Route
	follow = func(way []gateway.Route) []gateway.Route {
		for _, to := range p.sentTo(way[len(way)-1], consumer) {
			if to.Entity == from.Entity {
				return way
			}
			if seen[to.Entity] {
				continue
			}
			seen[to.Entity] = true
			if loop := follow(append(slices.Clone(way), to)); loop != nil {
				return loop
			}
		}
		return nil
	}
	return follow([]gateway.Route{from})
}

// sentTo are the routes that requests of a route are sent on to after its end.
func (p *pass) sentTo(from gateway.Route, consumer *gateway.Entity) (to []gateway.Route) {
	said := p.announcedTo(from, consumer)
	if said.by == nil || len(sentOn(said.config)) == 0 {
		return nil
	}
	next, ok := said.successorOf()
	if !ok || next.host != "" && !p.serves(next.host) {
		return nil
	}
	return next.nearest(p.leadingTo(next))
}
