package configcheck

import (
	"fmt"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// nearNames finds two entities whose names differ in case only: Kong takes them for two,
// and so does a merge.
func (p *pass) nearNames() {
	for _, of := range []struct{ kind, field string }{{"consumers", "username"}, {"routes", "name"}, {"services", "name"}, {"upstreams", "name"}} {
		first := map[string]*gateway.Entity{}
		for _, e := range p.config.All(of.kind) {
			name := e.Text(of.field)
			before := first[strings.ToLower(name)]
			switch {
			case before == nil:
				first[strings.ToLower(name)] = e
			case before.Text(of.field) != name:
				p.found(e, at(of.field), fmt.Sprintf("%q and %q of %s differ in case only: Kong takes them for two", name, before.Text(of.field), before.Path), "if they are one, write one")
			}
		}
	}
}
