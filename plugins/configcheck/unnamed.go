package configcheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// recordedWithoutName finds routes whose callers are recorded and that have neither name nor
// id: Kong makes an id of its own, under which nobody finds them again.
func (p *pass) recordedWithoutName() {
	for _, r := range p.config.Routes {
		if r.Text("name") == "" && r.Text("id") == "" && p.observed(r) {
			p.found(r.Entity, nil, "it is recorded who calls this version, and its route has no name: Kong records them under an id that it makes, and gatehouse sunset report does not find them", "write a name, such as name: orders-v1")
		}
	}
}

// observed reports whether it is recorded of anybody that they call a route.
func (p *pass) observed(r gateway.Route) bool {
	consumers := []*gateway.Entity{nil}
	for _, name := range []string{"sunset-headers", oneHop} {
		consumers = append(consumers, p.config.Consumers(name)...)
	}
	return slices.ContainsFunc(consumers, func(consumer *gateway.Entity) bool {
		return p.announcedTo(r, consumer).config["observe"] == true
	})
}

// exemptionsOfTwo finds exemptions that name two consumers: one by its username or id, and
// another by its custom_id. Kong holds each of these to be unique, but not among each other.
func (p *pass) exemptionsOfTwo() {
	for _, said := range p.endings() {
		for i, item := range gateway.List(said.config["exemptions"]) {
			name, _ := gateway.Map(item)["consumer"].(string)
			if named := p.namedBy(name); len(named) > 1 {
				p.found(said.by.Entity, said.at.At("exemptions", i, "consumer"), fmt.Sprintf("%q is %s: each of them may go on", name, strings.Join(named, ", and ")),
					"name the one by what no other has, such as its id")
			}
		}
	}
}

// namedBy says which consumers have a name, each by the first field that has it.
func (p *pass) namedBy(name string) (named []string) {
	if name == "" || schema.IsReference(name) {
		return nil
	}
	for _, e := range p.config.All("consumers") {
		fields := []string{"username", "custom_id", "id"}
		if i := slices.IndexFunc(fields, func(field string) bool { return e.Text(field) == name }); i >= 0 {
			named = append(named, fmt.Sprintf("the %s of %s", fields[i], e.Path))
		}
	}
	return named
}
