package configcheck

import (
	"fmt"

	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// foreign are the fields by which entities refer to others, and the kinds of those.
var foreign = []struct{ kind, field, to string }{
	{"plugins", "route", "routes"}, {"plugins", "service", "services"}, {"plugins", "consumer", "consumers"},
	{"routes", "service", "services"}, {"targets", "upstream", "upstreams"},
	{"acls", "consumer", "consumers"}, {"basicauth_credentials", "consumer", "consumers"}, {"hmacauth_credentials", "consumer", "consumers"},
	{"jwt_secrets", "consumer", "consumers"}, {"keyauth_credentials", "consumer", "consumers"}, {"oauth2_credentials", "consumer", "consumers"},
}

// references finds those that lead nowhere. Kong's answer to one names neither of the two.
func (p *pass) references() {
	for _, f := range foreign {
		for _, e := range p.config.All(f.kind) {
			reference := e.Fields[f.field]
			if fields := gateway.Map(reference); fields != nil && fields["id"] == nil {
				p.found(e, at(f.field), "a mapping without an id, which Kong needs in one", "write the name alone, or id: ID")
				continue
			}
			if reference == nil || p.config.Find(f.to, reference) != nil {
				continue
			}
			var names []string
			for _, other := range p.config.All(f.to) {
				names = append(names, other.Name())
			}
			name := gateway.Referred(reference)
			fix := "add it, or put the name of another one there"
			if near := spelling.Nearest(name, names, spelling.AnyNumber); near != "" {
				fix = near + "?"
			}
			p.found(e, at(f.field), fmt.Sprintf("there is no %q among %s", name, f.to), fix)
		}
	}
}
